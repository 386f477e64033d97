"""Code that a decoding, a model or a record names is not run unless the user says so."""

import subprocess
import sys
from pathlib import Path

import pytest

from espnet_soups.files import write_json, write_table
from espnet_soups.inference.training_config import read_config
from espnet_soups.objectives.own_kind import own_kinds, refuse_foreign
from espnet_soups.report.left_out import left_out_notes

STRANGE = "strange_code:Kind"
SAID = "names a class of its own, strange_code:Kind, and importing it runs its code"


@pytest.fixture(autouse=True)
def strange_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that can be imported and leaves a trace when it is."""
    monkeypatch.syspath_prepend(str(tmp_path))
    trace = tmp_path / "it ran"
    (tmp_path / "strange_code.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    return trace


def test_a_model_imports_no_code_that_its_configuration_names(tmp_path: Path, strange_code: Path):
    (tmp_path / "config.yaml").write_text(
        f"objectives:\n  own: {{kind: '{STRANGE}'}}\ntrainer: {STRANGE}\n"
    )
    with pytest.raises(ValueError, match=rf"config\.yaml {SAID}"):
        read_config(tmp_path)
    assert not strange_code.exists()
    with pytest.raises(ValueError, match=r"strange_code has none of that name"):
        read_config(tmp_path, [STRANGE])
    assert strange_code.exists()


def test_the_trainer_that_a_model_names_is_never_imported(tmp_path: Path, strange_code: Path):
    tokens = "[<blank>, <unk>, a, <sos/eos>]"
    (tmp_path / "config.yaml").write_text(
        f"trainer: {STRANGE}\nasr_token_list: {{fr: {tokens}}}\nencoder_conf: {{}}\n"
        "encoder: conformer\nfrontend: default\nnormalize_conf: {}\n"
    )
    assert read_config(tmp_path).trainer == "default"
    assert not strange_code.exists()


@pytest.mark.parametrize("command", ["score", "compare"])
def test_a_decoding_imports_no_code_that_it_names(tmp_path: Path, strange_code: Path, command):
    for folder in ("a/tag/test", "b/tag/test"):
        (tmp_path / folder).mkdir(parents=True)
        record = {"own": {"name": "own", "kind": STRANGE}}
        write_json(tmp_path / folder / "objectives.json", record)
        write_table(tmp_path / folder / "own" / "text", {"u1": "a"})
        write_json(tmp_path / folder / "scores.json", {"reference_dir": str(tmp_path)})
    words = {
        "score": ["--reference_dir", str(tmp_path), "--decode_dir", str(tmp_path / "a/tag/test")],
        "compare": [str(tmp_path / "a"), str(tmp_path / "b")],
    }[command]
    program = [sys.executable, "-m", f"espnet_soups.bin.{command}", *words]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert f"objectives.json {SAID}" in done.stderr
    assert not strange_code.exists()
    program += ["--own_kinds", STRANGE]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "strange_code has none of that name" in done.stderr
    assert strange_code.exists()


def test_a_record_imports_no_code_that_it_names(strange_code: Path):
    record = {"training": {"unalignable": {STRANGE: 3}}, "scores": {"metrics": []}}
    [note] = left_out_notes(record)
    assert note.endswith(f"{STRANGE} 3.")
    assert not strange_code.exists()


def test_what_is_imported_already_or_allowed_is_no_news(tmp_path: Path):
    refuse_foreign(["asr", f"{__name__}:Own", STRANGE], [STRANGE], tmp_path)
    assert own_kinds({"objectives": {"a": {"kind": STRANGE}, "b": {"kind": "cls"}, "c": 3}}) == [
        STRANGE
    ]

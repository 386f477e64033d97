"""The one command: it finds its commands, answers at once, and completes in a shell."""

import subprocess
import sys

import pytest

from espnet_soups.bin.completion import whole_parser
from espnet_soups.bin.doctor import main as doctor
from espnet_soups.bin.main import COMMANDS, main

SLOW = ("torch", "espnet2", "transformers", "librosa", "matplotlib", "soundfile")


def test_no_help_imports_torch_or_what_else_is_slow():
    code = f"""
import sys
from espnet_soups.bin.main import COMMANDS, main
main(["--help"])
for name in COMMANDS:
    if name == "train":
        continue  # its options come from ESPnet's own types
    try:
        main([name, "--help"])
    except SystemExit as end:
        assert end.code == 0
    assert "espnet-soups " + name in sys.argv[0]
    slow = set({SLOW!r}) & set(sys.modules)
    assert not slow, (name, slow)
try:
    main(["train", "--help"])
except SystemExit:
    pass
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"usage: espnet-soups {name}" in done.stdout, name


def test_an_unknown_command_is_refused_with_the_closest_one():
    with pytest.raises(ValueError, match=r"no command 'transcibe': do you mean transcribe\?"):
        main(["transcibe"])
    with pytest.raises(ValueError, match=r"no command 'x': choose one of recipe, train, "):
        main(["x"])


def test_lists_are_complete(capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch):
    main(["list", "recipes"])
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[1:]] == [
        "asterisk",
        "covost2",
        "debian_speech",
        "librispeech_aishell",
    ]
    main(["list", "kinds"])
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["asr", "st", "ssl", "cls", "spk", "enh"]
    main(["list", "combiners"])
    assert "modo" in [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="exp holds no experiment"):
        main(["list", "experiments"])
    for file in ("config.yaml", "valid.acc.ave.pth", "decode_msp/test/scores.json"):
        path = tmp_path / "exp" / "msp_a" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    main(["list", "experiments"])
    assert capsys.readouterr().out.splitlines()[1].split() == [
        "exp/msp_a",
        "valid.acc.ave.pth",
        "decode_msp/test",
    ]


def test_all_commands_are_in_one_parser():
    parsed = whole_parser().parse_args(["compare", "exp/a", "exp/b", "--resamples", "10"])
    assert (parsed.command, parsed.resamples) == ("compare", 10)


def test_bash_completes_commands_and_options(tmp_path):
    pytest.importorskip("shtab")
    script = tmp_path / "completion.bash"
    done = subprocess.run(
        [sys.executable, "-m", "espnet_soups", "completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
    )
    script.write_text(done.stdout)
    for words, wanted in (
        (["espnet-soups", "trans"], "transcribe"),
        (["espnet-soups", "list", "ki"], "kinds"),
    ):
        line = " ".join(words)
        code = f"""
. {script}
COMP_WORDS=({line}) COMP_CWORD={len(words) - 1} COMP_LINE='{line}' COMP_POINT={len(line)}
function=$(complete -p espnet-soups | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function espnet-soups {words[-1]} {words[-2]}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
        said = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False)
        assert wanted in said.stdout.split(), said.stderr


def test_without_shtab_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(
        ValueError, match=r"not installed: pip install 'espnet-soups\[completion\]'"
    ):
        main(["completion", "bash"])


def test_the_doctor_finds_what_is_installed(capsys: pytest.CaptureFixture[str]):
    doctor([])
    out = capsys.readouterr().out
    rows = [line.split() for line in out.split("\n\n")[0].splitlines()]
    assert {"ok"} == {row[0] for row in rows if row[1] in ("espnet", "torchjd", "bash")}
    assert "\ncores " in out
    assert "\ndisk " in out

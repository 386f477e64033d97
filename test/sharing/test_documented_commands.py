"""Every command of docs/command_line.md, sharing.md and use_model.md runs as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from hub_stand_in import stand_in

from espnet_soups.testing.audible_model import FS, pause, say
from espnet_soups.testing.toy_corpus import ToyExperiment

ROOT = Path(__file__).parents[2]
# Runs lines one after another in one process, since importing ESPnet takes long.
DRIVER = """
import contextlib, io, json, os, shlex, subprocess, sys
from espnet_soups.bin.main import main

said = {}
for line in json.loads(sys.argv[1]):
    if line.startswith("cd ") and "&&" not in line:
        os.chdir(line[3:])
        continue
    if line.count(chr(10)):  # Python
        written = io.StringIO()
        with contextlib.redirect_stdout(written):
            exec(compile(line, "document", "exec"), {})
        said[line] = written.getvalue()
        continue
    if not line.startswith("espnet-soups "):
        said[line] = subprocess.run(
            ["bash", "-euc", line], check=True, capture_output=True, text=True
        ).stdout
        continue
    words = shlex.split(line)[1:]
    source = [word[1:] for word in words if word.startswith("<")]
    if source:
        sys.stdin = open(source[0])
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        main([word for word in words if not word.startswith("<")])
    said[line] = written.getvalue()
print(json.dumps(said))
"""


def blocks_of(name: str, language: str) -> list[str]:
    """Return the blocks of a document that are marked with a language."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands_of(name: str) -> list[str]:
    """Return the lines of all blocks of bash in a document."""
    return [line for block in blocks_of(name, "bash") for line in block.splitlines()]


def test_every_command_of_the_documents_runs(audible: ToyExperiment, tmp_path: Path):
    (tmp_path / "hub").mkdir()
    work = tmp_path / "work"
    (work / "exp").mkdir(parents=True)
    (work / "recordings").mkdir()
    (work / "exp" / "msp_audible").symlink_to(audible.exp_dir)
    talk = np.concatenate([say("abcd", "fr"), pause(22.0), say("hgfa", "fr")])
    soundfile.write(work / "talk.wav", talk, FS)
    soundfile.write(work / "recordings" / "more.flac", say("cabd", "fr"), FS)
    lines = [*commands_of("command_line.md"), *commands_of("sharing.md")]
    lines += blocks_of("sharing.md", "python")
    assert len(lines) >= 16
    other = tmp_path / "other"  # with a model of the name that the page has
    (other / "exp").mkdir(parents=True)
    (other / "exp" / "msp_e_branchformer_muon_fbank_char_sp").symlink_to(audible.exp_dir)
    (other / "recordings").symlink_to(work / "recordings")
    soundfile.write(other / "prompt.wav", say("abcd", "fr"), FS)
    code = "".join(blocks_of("use_model.md", "python"))
    used = [line for line in commands_of("use_model.md") if "soups demo" not in line]  # a server
    lines += [f"cd {other}", *used, code]
    with stand_in(tmp_path / "hub") as address:
        settings = {
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "hub-cache"),
            "HF_TOKEN": "hf_stand_in",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "ESPNET_SOUPS_CACHE": str(tmp_path / "cache"),
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, json.dumps(lines)],
            cwd=work,
            env=os.environ | {"HF_HUB_OFFLINE": "0"} | settings,  # other tests need no hub
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert set(said) == {line for line in lines if line != f"cd {other}"}
    assert said[used[0]] == "abcd\n"
    assert (other / "subtitles" / "more.srt").is_file()
    assert re.fullmatch(r"abcd -?[\d.]+\n\w+\n", said[code])
    plain = re.compile(r"espnet-soups transcribe talk\.wav --lang fr")
    heard = [said[line] for line in lines if plain.match(line)]
    assert heard.count("abcd\nhgfa\n") == 3  # by folder, bundle and name on the hub
    piped = json.loads(next(said[line] for line in lines if line.endswith("<talk.wav")))
    assert (piped["language"], piped["text"]) == ("fr", "abcd hgfa")
    assert {path.name for path in (work / "subtitles").iterdir()} == {"talk.srt", "more.srt"}
    assert (work / "asr_fr.zip").is_file()
    assert "--stop_stage" in said["cd my_folder && ./run.sh --help"]

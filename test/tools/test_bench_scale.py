"""Generated corpora, and models of many objectives, through the commands of a recipe."""

import gc
import json
import re
import sys
from importlib import import_module

import pytest

from tools.benchmark import many_objectives, scale


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # ESPnet leaves tables open
def test_the_commands_of_all_stages_run_on_what_is_generated(tmp_path, capsys):
    stages = ""
    for name, command in scale.plan(tmp_path, utterances=40, languages=2, part=16):
        stages += name[0]
        # in this process, where ESPnet is imported already
        import_module(command[2]).main(command[3:])
    gc.collect()
    assert stages == "4445569"
    assert re.search(r"kept/train: \d\d of 40 utterances", capsys.readouterr().out)
    assert len((tmp_path / "stats/train/speech_shape").read_text().splitlines()) <= 16
    assert (tmp_path / "exp/checkpoint.pth").is_file()


def test_each_command_is_measured_and_its_files_are_deleted(tmp_path, capsys, monkeypatch):
    script = "numbers = bytes(300 * 2**20)"
    monkeypatch.setattr(scale, "plan", lambda *_: iter([("large", [sys.executable, "-c", script])]))
    scale.main(["--utterances", "40", "--part", "40", "--folder", str(tmp_path)])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["utterances"] == 40
    assert found["commands"]["large"]["MiB"] > 300
    assert not list(tmp_path.iterdir())


def test_a_command_that_fails_is_named_with_the_end_of_its_output(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit('the disk is full')"]
    with pytest.raises(RuntimeError, match=r"ended with 1:\nthe disk is full"):
        scale.measure(command, tmp_path / "log")


def test_too_few_utterances_are_refused():
    with pytest.raises(ValueError, match="20 or more, four of each language, but got 19"):
        scale.main(["--utterances", "19"])


def test_a_training_of_many_objectives_is_measured_from_its_start_to_its_pictures(capsys, tmp_path):
    many_objectives.main(["--languages", "3", "--steps", "1", "--folder", str(tmp_path)])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["objectives"] == 6
    assert found["checkpoint, MiB"] > found["model, MiB"] > 0
    assert found["picture cosine, MiB"] > 0
    assert all(value >= 0 for value in found.values())

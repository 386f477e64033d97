"""The command: a recipe whose run.sh leaves results at once."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_up_study import write_run

from espnet_soups.bin.run_study import main
from espnet_soups.study.execute import Execution
from espnet_soups.study.finished import Finished
from espnet_soups.study.plan import load_study
from espnet_soups.study.runs import plan_study


@pytest.fixture
def two_seeds(study_file, recipe):
    path = study_file(seeds=[1, 2])
    for run in plan_study(load_study(path)):
        write_run(recipe / "made" / run.tag, [2.0, 4.0])
    return path


def commands_of(recipe, tag):
    lines = (recipe / "commands").read_text().splitlines()
    return [line for line in lines if f"--msp_tag {tag} " in line]


def test_all_runs_are_made_once_and_donors_hand_on_their_numbers(two_seeds, recipe, capsys):
    main([str(two_seeds), "--recipe", str(recipe), "--parallel", "2"])
    assert len(list((recipe / "exp").glob("msp_trial_*"))) == 10
    (line,) = commands_of(recipe, "trial_frozen_seed2")
    given = line.partition("--train_args=")[2]
    weights = json.loads(given.partition("combiner_conf=")[2].partition(" --")[0])
    assert weights[0] == {"weights": {"asr_fr": 0.9, "st_fr_en": 0.1}}
    (line,) = commands_of(recipe, "trial_flat_seed1")
    penalties = json.loads(line.partition("penalty=")[2].partition(" --")[0])
    assert penalties == [{"level": 2, "schedule": "constant", "init": 0.75}]
    page = (recipe / "exp" / "studies" / "trial" / "study.md").read_text()
    assert "10 of 10 runs finished" in page
    assert (recipe / "exp" / "studies" / "trial" / "study.svg").is_file()

    capsys.readouterr()
    main([str(two_seeds), "--recipe", str(recipe)])
    assert "10 of 10 runs are finished" in capsys.readouterr().out
    assert len(commands_of(recipe, "trial_vs_seed1")) == 1


def test_a_run_that_fails_stops_only_what_needs_it(two_seeds, recipe):
    (recipe / "fail").write_text("trial_vs_seed1\n")
    with pytest.raises(OSError, match="2 of 10 runs have no result") as error:
        main([str(two_seeds), "--recipe", str(recipe)])
    assert "trial_vs_seed1: ended with status 3" in str(error.value)
    assert "trial_frozen_seed1: it takes numbers of trial_vs_seed1" in str(error.value)
    page = (recipe / "exp" / "studies" / "trial" / "study.md").read_text()
    assert "- trial_vs_seed1: ended with status 3" in page
    (recipe / "fail").unlink()
    main([str(two_seeds), "--recipe", str(recipe)])
    assert len(list((recipe / "exp").glob("msp_trial_*"))) == 10


def test_the_budget_starts_no_run_that_would_end_later(two_seeds, recipe, capsys):
    (recipe / "seconds").write_text("0.4")
    main([str(two_seeds), "--recipe", str(recipe), "--budget_hours", "0.0005"])  # 1.8 s
    finished = len(list((recipe / "exp").glob("msp_trial_*")))
    assert 1 <= finished < 10
    assert f"{10 - finished} runs were not started" in capsys.readouterr().out


def test_some_arms_are_trained_with_their_donors(two_seeds, recipe, capsys):
    main([str(two_seeds), "--recipe", str(recipe), "--arms", "frozen"])
    trained = sorted(folder.name for folder in (recipe / "exp").glob("msp_trial_*"))
    assert trained == [f"msp_trial_{arm}_seed{seed}" for arm in ("frozen", "vs") for seed in (1, 2)]
    assert (
        "4 of 10 runs finished" in (recipe / "exp" / "studies" / "trial" / "study.md").read_text()
    )
    with pytest.raises(ValueError, match=r"`--arms`.*vz"):
        main([str(two_seeds), "--recipe", str(recipe), "--arms", "vz"])


def test_a_dry_run_prints_commands_and_trains_nothing(two_seeds, recipe, capsys):
    main([str(two_seeds), "--recipe", str(recipe), "--dry_run", "--publish"])
    assert capsys.readouterr().out.count("--msp_tag") == 10
    assert not (recipe / "commands").exists()
    assert "0 of 10 runs finished" in (recipe / "studies" / "trial" / "study.md").read_text()


def test_finished_runs_of_other_settings_are_refused_before_anything_is_trained(two_seeds, recipe):
    write_run(recipe / "exp" / "msp_trial_joint_seed1", [2.0, 4.0])
    write_run(recipe / "exp" / "msp_trial_vs_seed1", [2.0, 4.0], batch_bins=7)
    with pytest.raises(ValueError, match="differ in `batch_bins`, which is not stated"):
        main([str(two_seeds), "--recipe", str(recipe)])
    assert not (recipe / "commands").exists()


def test_a_folder_without_a_recipe_is_refused(two_seeds, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no run\.sh"):
        main([str(two_seeds), "--recipe", str(tmp_path)])


def test_published_runs_count_as_finished_without_their_folders(two_seeds, recipe, capsys):
    main([str(two_seeds), "--recipe", str(recipe), "--publish"])
    page = (recipe / "studies" / "trial" / "study.md").read_text()
    for folder in (recipe / "exp").glob("msp_trial_*"):
        shutil.rmtree(folder)
    (recipe / "commands").unlink()
    write_run(recipe / "exp" / "msp_trial_frozen_seed2", [1.0, 4.0])  # trained again: it wins
    main([str(two_seeds), "--recipe", str(recipe), "--publish"])
    assert "10 of 10 runs are finished" in capsys.readouterr().out
    again = (recipe / "studies" / "trial" / "study.md").read_text()
    assert "10 of 10 runs finished" in again
    assert again != page
    lines = (recipe / "studies" / "trial" / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 10 + 1  # all have the same settings


def test_published_runs_of_other_settings_are_refused(two_seeds, recipe):
    main([str(two_seeds), "--recipe", str(recipe), "--publish"])
    file = recipe / "studies" / "trial" / "runs.jsonl"
    kept = [line for line in file.read_text().splitlines() if "trial_vs_seed1" not in line]
    file.write_text("\n".join(kept))
    shutil.rmtree(recipe / "exp" / "msp_trial_vs_seed1")
    write_run(recipe / "exp" / "msp_trial_vs_seed1", [2.0, 4.0], batch_bins=7)
    with pytest.raises(ValueError, match="differ in `batch_bins`, which is not stated"):
        main([str(two_seeds), "--recipe", str(recipe)])
    file.write_text("\n".join(kept[1:]))
    with pytest.raises(ValueError, match="which no line above it holds"):
        main([str(two_seeds), "--recipe", str(recipe)])


def test_a_signal_ends_the_trainings_too(two_seeds, recipe):
    (recipe / "seconds").write_text("30")
    words = ["-m", "espnet_soups.bin.run_study", str(two_seeds), "--recipe", str(recipe)]
    with subprocess.Popen(
        [sys.executable, *words, "--parallel", "2"], stderr=subprocess.DEVNULL
    ) as run:
        pids = recipe / "pids"
        end = time.monotonic() + 60
        while time.monotonic() < end and not (pids.exists() and len(pids.read_text().split()) > 1):
            time.sleep(0.1)
        run.send_signal(signal.SIGTERM)
        assert run.wait(30) == 128 + signal.SIGTERM
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_runs_that_fail_at_once_do_not_make_the_others_look_short(study_file, recipe):
    study = load_study(study_file(seeds=[1, 2]))
    runs = plan_study(study)
    finished = Finished(recipe / "exp", Path("decode_msp_valid.acc.ave/test"))
    (recipe / "fail").write_text("".join(f"{run.tag}\n" for run in runs))
    ticks = itertools.count(0, 0.001)  # a failure takes no time
    execution = Execution(recipe, finished, len(runs), 1e6, clock=lambda: next(ticks))
    seen = []
    execution._is_late = lambda begun, took: seen.append(list(took)) or False
    execution.run_all(runs)
    assert len(execution.failures) == len(runs)
    assert not any(seen)

"""Rows of a table are run, fail and are shown."""

import json
import subprocess
from pathlib import Path

import pytest
from small_table import write

from espnet_soups.bin.run_table import main


def test_a_dry_run_prints_commands_that_a_shell_understands_and_runs_none(tmp_path, recipe, capsys):
    table = write(tmp_path / "small.yaml")
    main([str(table), "--recipe", str(recipe), "--dry-run", "--seeds", "1 2", "--", "--ngpu", "4"])
    lines = capsys.readouterr().out.splitlines()
    assert not (recipe / "calls").exists()
    commands = [line for line in lines if line.startswith("cd ")]
    assert len(commands) == 4
    last = subprocess.run(
        ["bash", "-c", f"{commands[3]}; cat calls"], capture_output=True, text=True
    )
    assert "--msp_tag train_msp_vm_seed2 --st_nbpe 100 --order SA --soup vm" in last.stdout
    assert "--trainer_conf refresh=8 --trainer_conf layers=all --seed 2" in last.stdout
    assert last.stdout.strip().endswith("--expdir exp --ngpu 4")
    assert "# later, seed 1: it is not written" in lines


def test_a_table_runs_its_rows_and_stands_beside_the_paper(tmp_path, recipe, capsys):
    table = write(tmp_path / "small.yaml")
    words = [str(table), "--recipe", str(recipe)]
    main(words)
    assert len((recipe / "calls").read_text().splitlines()) == 2
    tags = [path.name for path in sorted((recipe / "exp").glob("msp_*"))]
    assert tags == ["msp_train_msp_vm", "msp_train_msp_vs"]
    for value, name in ((20.0, "a"), (30.0, "b"), (9.0, "test")):
        folder = recipe / "exp" / tags[1] / "decode_msp_valid.acc.ave" / name
        folder.mkdir(parents=True)
        scores = {"asr_fr": {"wer": {"value": value}}, "asr_en": {"wer": {"value": value + 2}}}
        (folder / "scores.json").write_text(json.dumps({"objectives": scores}))
    training = {"training": {"seconds": 90.0, "epochs": 2}}
    (recipe / "exp" / tags[1] / "results.json").write_text(json.dumps(training))
    capsys.readouterr()
    main([*words, "--dry-run"])
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("| VS"))
    cells = ["VS", "10.0", "7.7", "25.0", "not public", "no gender objective", "not public"]
    assert row.strip("| ").split(" | ") == [*cells, "45.0", "not public"]
    assert "- later: not run, since it is not written." in printed
    assert "- a note" in printed
    assert (recipe / "exp" / "tables" / "small.md").is_file()


def test_chosen_rows_alone_are_run_and_all_are_shown(tmp_path, recipe, capsys):
    words = [str(write(tmp_path / "small.yaml")), "--recipe", str(recipe), "--rows"]
    main([*words, "vm"])
    calls = (recipe / "calls").read_text().splitlines()
    assert [line.split()[3] for line in calls] == ["train_msp_vm"]
    printed = capsys.readouterr().out
    assert "- VS: not run yet (train_msp_vs)." in printed
    assert "| VM |" in printed
    with pytest.raises(ValueError, match=r"`--rows` has no 'vx'.*later.*vm.*vs"):
        main([*words, "vx"])


def test_other_settings_are_refused_before_anything_is_trained(tmp_path, recipe):
    for name, epochs in (("vs", 1), ("vm", 2)):
        folder = recipe / "exp" / f"msp_train_msp_{name}"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(f"max_epoch: {epochs}\n")
    with pytest.raises(ValueError, match="differ in 1 settings"):
        main([str(write(tmp_path / "small.yaml")), "--recipe", str(recipe)])
    assert not (recipe / "calls").exists()


def test_other_settings_end_the_table_after_the_row_that_has_them(tmp_path, recipe):
    folder = recipe / "exp" / "msp_train_msp_vm"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("max_epoch: 2\n")
    with pytest.raises(ValueError, match="differ in 1 settings"):
        main([str(write(tmp_path / "small.yaml")), "--recipe", str(recipe)])
    assert len((recipe / "calls").read_text().splitlines()) == 1


def called(recipe: Path) -> list[str]:
    return [line.split()[3] for line in (recipe / "calls").read_text().splitlines()]


def test_a_run_that_fails_is_named_and_the_other_rows_are_run(tmp_path, recipe, capsys):
    (recipe / "fail_train_msp_vs").write_text("3")
    words = [str(write(tmp_path / "small.yaml")), "--recipe", str(recipe)]
    with pytest.raises(OSError, match=r"1 of 3 runs have no result \(train_msp_vs: .* status 3\)"):
        main(words)
    assert called(recipe) == ["train_msp_vs", "train_msp_vm"]
    assert "error: train_msp_vs: ended with status 3; the other" in capsys.readouterr().err
    text = (recipe / "exp" / "tables" / "small.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| VS"))
    assert row.strip("| ").split(" | ")[1:5] == ["failed", "7.7", "failed", "not public"]
    assert "no gender objective" in row
    assert "- VS: failed, train_msp_vs: ended with status 3." in text
    assert next(line for line in text.splitlines() if line.startswith("| VM")).count("–") == 3
    (recipe / "fail_train_msp_vs").unlink()
    main(words)
    assert "failed" not in (recipe / "exp" / "tables" / "small.md").read_text()


def test_a_seed_that_fails_leaves_the_numbers_of_the_others(tmp_path, recipe):
    (recipe / "fail_train_msp_vs_seed2").write_text("1")
    folder = recipe / "exp" / "msp_train_msp_vs" / "decode_msp_valid.acc.ave" / "test"
    folder.mkdir(parents=True)
    scores = {"objectives": {"asr_fr": {"wer": {"value": 8.0}}}}
    (folder / "scores.json").write_text(json.dumps(scores))
    table = str(write(tmp_path / "small.yaml"))
    with pytest.raises(OSError, match="train_msp_vs_seed2: ended with status 1"):
        main([table, "--recipe", str(recipe), "--seeds", "1 2"])
    text = (recipe / "exp" / "tables" / "small.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| VS"))
    assert row.strip("| ").split(" | ")[1:4] == ["8.0", "7.7", "failed"]
    assert "- VS: failed, train_msp_vs_seed2: ended with status 1." in text


def test_what_fails_shows_no_score_of_an_earlier_run(tmp_path, recipe):
    rows = [
        {"title": "VS", "run": "vs"},
        {"title": "static", "run": "static", "search": "conf/grid.yaml"},
    ]
    (recipe / "conf" / "grid.yaml").write_text("weights: {}\n")
    (recipe / "fail_train_msp_vs").write_text("1")
    for name in ("train_msp_vs", "train_msp_static_old"):
        folder = recipe / "exp" / f"msp_{name}" / "decode_msp_valid.acc.ave" / "test"
        folder.mkdir(parents=True)
        scores = {"objectives": {"asr_fr": {"wer": {"value": 8.0}}}}
        (folder / "scores.json").write_text(json.dumps(scores))
    point = {"tag": "train_msp_static_old", "weights": {"st_*": 2.0}, "accuracy": 0.5}
    search = recipe / "exp" / "train_msp_static_search.json"
    search.write_text(json.dumps({"points": [point]}))
    table = str(write(tmp_path / "small.yaml", rows=rows))
    with pytest.raises(OSError, match="2 of 2 runs have no result"):
        main([table, "--recipe", str(recipe)])
    text = (recipe / "exp" / "tables" / "small.md").read_text()
    for title in ("VS", "static"):
        row = next(line for line in text.splitlines() if line.startswith(f"| {title}"))
        assert row.strip("| ").split(" | ")[1] == "failed"
    assert "validation accuracy" not in text


@pytest.mark.parametrize("status", [130, "kill -INT $$"])
@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_the_whole_table(tmp_path, recipe, status):
    run = recipe / "run.sh"
    end = f"exit {status}" if isinstance(status, int) else status
    run.write_text(f'#!/bin/bash\necho "$*" >>calls\n{end}\n')
    with pytest.raises(KeyboardInterrupt):
        main([str(write(tmp_path / "small.yaml")), "--recipe", str(recipe)])
    assert called(recipe) == ["train_msp_vs"]


@pytest.mark.parametrize("pretrained", [False, True])
def test_rows_that_need_the_encoder_of_a_failed_row_are_not_run(
    tmp_path, recipe, pretrained, capsys
):
    two_stage = {"ssl": "cpc", "baseline": "two_stage"}
    rows = [
        {"title": "two-stage", "run": "a", "options": two_stage},
        {"title": "with weights", "run": "b", "options": two_stage, "search": "conf/grid.yaml"},
        {"title": "from scratch", "run": "c", "options": {**two_stage, "baseline": "joint"}},
    ]
    (recipe / "msp.sh").write_text('option ssl none "x"\noption baseline "" "x"\n')
    (recipe / "conf" / "pretrain_cpc.yaml").touch()
    (recipe / "conf" / "grid.yaml").write_text("weights: {'st_*': [1.0]}\n")
    (recipe / "fail_train_msp_a").write_text("1")
    # of another seed, and not ended
    for name in ("ssl_cpc_train_msp_fbank_seed2/.stage7.done", "ssl_cpc_train_msp_fbank/x"):
        (recipe / "exp" / name).parent.mkdir(parents=True)
        (recipe / "exp" / name).touch()
    if pretrained:
        (recipe / "exp" / "ssl_cpc_train_msp_fbank" / ".stage7.done").touch()
    with pytest.raises(OSError, match="2 of 3") as caught:  # the search needs more than a run.sh
        main([str(write(tmp_path / "small.yaml", rows=rows)), "--recipe", str(recipe)])
    blocked = "train_msp_b: it needs the pre-trained encoder that train_msp_a failed at"
    assert (blocked in str(caught.value)) == (not pretrained)
    assert "train_msp_c" in called(recipe)
    assert ("msp_tag=train_msp_b" in (recipe / "calls").read_text()) == pretrained
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("| with weights"))
    assert ("| not run |" in row) == (not pretrained)

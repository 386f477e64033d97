"""The command that plans a soup, and what it refuses."""

import dataclasses

import pytest
import yaml

from espnet_soups.bin.plan_soup import main
from espnet_soups.conflict.record import RECORD, ConflictRecord, write_record
from espnet_soups.conflict.table import FILE, write_conflicts
from espnet_soups.testing.planted_conflicts import blocks, plant

NAMES = ["asr_en", "asr_fr", "st_fr_en"]
FIRST = ConflictRecord(
    objectives={name: {"kind": name.split("_")[0], "supervised": True} for name in NAMES},
    checkpoints=["start", "last"],
    batches=16,
    batch_bins=1000,
    repeated=0,
    left_out={},
    confidence=0.95,
    step=0.0,
    seconds=1.0,
)


@pytest.fixture
def folder(tmp_path):
    """Nothing conflicts at the start; translation does with recognition at the end."""
    rows = plant(NAMES, blocks([3], 0.2, 0.0))
    rows += plant(NAMES, blocks([2, 1], 0.4, -0.3), checkpoint="last")
    write_conflicts(tmp_path / FILE, rows)
    write_record(tmp_path / RECORD, FIRST)
    return tmp_path


def test_the_last_checkpoint_is_planned_from_with_reasons_as_comments(folder, capsys):
    main(["--conflict_dir", str(folder), "--top", "st", "--output", str(folder / "plan.yaml")])
    text = (folder / "plan.yaml").read_text()
    conf = yaml.safe_load(text)["trainer_conf"]
    assert conf["levels"] == [["st_fr_en"], ["asr_en", "asr_fr"]]
    assert "# asr_en, asr_fr and st_fr_en stand apart: " in text
    told = capsys.readouterr().out
    assert "- st_fr_en on top: as asked for." in told
    assert f"wrote {folder / 'plan.yaml'}" in told


def test_another_checkpoint_can_be_planned_from_and_the_plan_is_printed(folder, capsys):
    main(["--conflict_dir", str(folder), "--checkpoint", "start"])
    told = capsys.readouterr().out
    assert yaml.safe_load(told[told.index("trainer:") :])["trainer_conf"]["soup"] == "joint"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--checkpoint", "epoch 7"], r"conflict\.csv has no checkpoint 'epoch 7'; it has"),
        (["--top", "cls"], "'cls_\\*' matches no objective"),
        (["--max_levels", "0"], "`--max_levels` must be 1 or more, but got 0"),
    ],
)
def test_what_cannot_be_planned_is_refused(folder, words, message):
    with pytest.raises(ValueError, match=message):
        main(["--conflict_dir", str(folder), *words])


def test_a_record_of_another_recipe_beside_the_table_is_refused(folder):
    other = {"asr_de": {"kind": "asr", "supervised": True}, **FIRST.objectives}
    write_record(folder / RECORD, dataclasses.replace(FIRST, objectives=other))
    with pytest.raises(ValueError, match=r"this run has .*'asr_de'.*: it is of another recipe"):
        main(["--conflict_dir", str(folder)])


def test_a_folder_without_a_measurement_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"conflict\.json"):
        main(["--conflict_dir", str(tmp_path)])

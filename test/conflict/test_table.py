"""The table of conflicts and its record: written, read again, and refused where malformed."""

import dataclasses
import json
import math

import numpy as np
import pytest

from espnet_soups.conflict.record import ConflictRecord, read_record, write_record
from espnet_soups.conflict.table import read_conflicts, write_conflicts
from espnet_soups.testing.planted_conflicts import blocks, plant

RECORD = ConflictRecord(
    objectives={"asr_en": {"kind": "asr", "supervised": True}},
    checkpoints=["start"],
    batches=16,
    batch_bins=1000,
    repeated=0,
    left_out={"start": 0},
    confidence=0.95,
    step=0.001,
    seconds=1.5,
)


def test_a_table_is_read_as_it_was_written_and_unknown_numbers_are_empty_cells(tmp_path):
    rows = plant(["asr_en", "st_en_fr"], blocks([1, 1], 1.0, -0.25), norms=[2.0, math.nan])
    write_conflicts(tmp_path / "conflict.csv", rows)
    found = read_conflicts(tmp_path / "conflict.csv")
    assert [dataclasses.astuple(row)[:5] for row in found] == [
        dataclasses.astuple(row)[:5] for row in rows
    ]
    numbers = [[row.value, row.low, row.high, row.p] for row in found]
    expected = [[row.value, row.low, row.high, row.p] for row in rows]
    assert np.array(numbers) == pytest.approx(np.array(expected), rel=1e-5, nan_ok=True)
    text = (tmp_path / "conflict.csv").read_text()
    assert "nan" not in text
    assert ",norm,,,,,16" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with the columns checkpoint,group,first"),
        ("a,b\n1,2\n", "begins with 'a,b': it is no table of stage 8"),
        ("{head}", "holds no row: run stage 8 again"),
        ("{head}start,all,a,b,cosine,0.1\n", "2: 10 cells are expected, but there are 6"),
        ("{head}start,all,a,b,taste,1,1,1,1,4\n", "`quantity` must be one of"),
        ("{head}start,all,a,b,cosine,x,1,1,1,4\n", "conflict.csv:2: a number is malformed"),
        ("{head}start,all,a,b,cosine,1,1,1,1,\n", "conflict.csv:2: a number is malformed"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_its_line(tmp_path, text, message):
    head = "checkpoint,group,first,second,quantity,value,low,high,p,batches\n"
    (tmp_path / "conflict.csv").write_text(text.format(head=head))
    with pytest.raises(ValueError, match=message):
        read_conflicts(tmp_path / "conflict.csv")


def test_a_table_that_lacks_a_pair_or_has_one_twice_is_refused(tmp_path):
    rows = plant(["asr_en", "asr_fr", "st_fr_en"], blocks([2, 1], 0.4, -0.3))
    pair = next(row for row in rows if row.group == "all" and row.quantity == "cosine")
    write_conflicts(tmp_path / "conflict.csv", [row for row in rows if row is not pair])
    with pytest.raises(ValueError, match=r"a cosine of every pair .* and 2 cosines: run stage 8"):
        read_conflicts(tmp_path / "conflict.csv")
    write_conflicts(tmp_path / "conflict.csv", [*rows, pair])
    with pytest.raises(ValueError, match="has start, all, asr_en, asr_fr, cosine twice"):
        read_conflicts(tmp_path / "conflict.csv")


def test_affinities_are_read_and_those_of_unknown_objectives_refused(tmp_path):
    names = ["asr_en", "asr_fr"]
    affinity = [[0.1, 0.2], [0.2, 0.1]]
    rows = plant(names, blocks([2], 0.4, 0.0), affinity=affinity)
    rows += plant(names, blocks([2], 0.4, 0.0), checkpoint="last")
    write_conflicts(tmp_path / "conflict.csv", rows)
    found = [row for row in read_conflicts(tmp_path / "conflict.csv") if row.quantity == "affinity"]
    assert [row.value for row in found] == [0.1, 0.2, 0.2, 0.1]
    strange = dataclasses.replace(found[1], second="asr_de")
    write_conflicts(tmp_path / "conflict.csv", [*rows, strange])
    with pytest.raises(
        ValueError, match=r"a norm of every objective .* the checkpoint 'start', but"
    ):
        read_conflicts(tmp_path / "conflict.csv")


def test_a_table_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"conflict\.csv does not exist: stage 8 writes it"):
        read_conflicts(tmp_path / "conflict.csv")
    (tmp_path / "conflict.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"conflict\.csv is no table of conflicts"):
        read_conflicts(tmp_path / "conflict.csv")


def test_a_record_is_read_as_it_was_written(tmp_path):
    write_record(tmp_path / "conflict.json", RECORD)
    assert read_record(tmp_path / "conflict.json") == RECORD
    write_record(
        tmp_path / "conflict.json", dataclasses.replace(RECORD, checkpoints=["exp/modèle"])
    )
    assert '"exp/modèle"' in (tmp_path / "conflict.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batches": None}, "batches.* run stage 8"),
        ({"objectives": {"asr_en": {"kind": "asr"}}}, "must have `supervised` each"),
        ({"checkpoints": []}, "has no checkpoint: run stage 8 again"),
        ({"colour": "red"}, "has no 'colour'"),
        ({"objectives": ["asr_en"]}, "objectives.* run stage 8"),
    ],
)
def test_a_malformed_record_is_refused(tmp_path, change, message):
    record = {**dataclasses.asdict(RECORD), **change}
    record = {key: value for key, value in record.items() if value is not None}
    (tmp_path / "conflict.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=message):
        read_record(tmp_path / "conflict.json")

"""A part of the campaign of docs/reliability.md; `python test/reliability/campaign.py` does all."""

import logging
import random
from pathlib import Path

import pytest
from damaged_checkpoints import damage_states, flip_every_bit
from steady import SETTINGS, train_long

DAMAGES, WARM_UP, STEPS = 500, 25, 100


def test_a_damaged_checkpoint_is_replaced_or_refused_and_never_read_wrong(tmp_path: Path):
    logging.disable(logging.WARNING)
    try:
        ends = damage_states(tmp_path, DAMAGES, random.Random(1))
    finally:
        logging.disable(logging.NOTSET)
    assert ends.total() == DAMAGES
    assert min(ends[end] for end in ("refused", "the one before", "as it was")) > 0


def test_no_bit_of_the_table_of_contents_of_a_checkpoint_lets_it_be_read_wrong(tmp_path: Path):
    ends = flip_every_bit(tmp_path, b"/data/5")
    assert ends.total() == 8 * (46 + len("checkpoint/data/5"))
    assert ends["the one before"] == 0
    assert min(ends["refused"], ends["as it was"]) > 50


@pytest.mark.parametrize("setting", SETTINGS)
def test_memory_threads_and_handles_are_flat_over_many_steps(setting: str):
    before, after = train_long(setting, WARM_UP, STEPS)
    assert after.is_steady_since(before), f"before {before}, after {after}"

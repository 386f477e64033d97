"""A part of the campaign of docs/reliability.md; `python test/reliability/campaign.py` does all."""

import logging
import os
import random
from pathlib import Path

import pytest
from damaged_checkpoints import damage_states
from injured_recipe import prepared_recipe
from kills import draw_kills, kill_again_and_again
from steady import SETTINGS, train_long

KILLS, DAMAGES, WARM_UP, STEPS = 2, 500, 25, 100
SEED = 1542  # the script alone in stage 6, all processes in stage 9


def test_a_run_that_is_killed_twice_ends_with_the_bits_of_an_undisturbed_one():
    kills = draw_kills(KILLS, random.Random(SEED))
    with prepared_recipe(f"reliability{os.getpid()}") as prepared:
        done = kill_again_and_again(prepared, "kills", kills)
    assert done, "no kill has hit the run"


def test_a_damaged_checkpoint_is_replaced_or_refused_and_never_read_wrong(tmp_path: Path):
    logging.disable(logging.WARNING)
    try:
        ends = damage_states(tmp_path, DAMAGES, random.Random(1))
    finally:
        logging.disable(logging.NOTSET)
    assert ends.total() == DAMAGES
    assert min(ends[end] for end in ("refused", "the one before", "as it was")) > 0


@pytest.mark.parametrize("setting", SETTINGS)
def test_memory_threads_and_handles_are_flat_over_many_steps(setting: str):
    before, after = train_long(setting, WARM_UP, STEPS)
    assert after.is_steady_since(before), f"before {before}, after {after}"

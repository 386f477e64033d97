"""Clocks that are set back, and two runs at once: stages rest on contents, one run at a stage."""

import os
import random
import re
import time
from pathlib import Path

from injured_recipe import (
    OPTIONS,
    Prepared,
    copy_recipe,
    must_end_well,
    must_equal,
    run,
    start,
)

PAST = 978_307_200  # 1 January 2001
# What is changed, a pattern and what is put there, and the stage that must run again.
CHANGES = (
    ("conf/decode_msp.yaml", "beam_size: 2", "beam_size: 1", 11),
    ("conf/train_msp.yaml", "lr: 0.01", "lr: 0.02", 9),
    ("data/dev/text", "[a-e]$", "a", 3),
    ("data/train/text", "[a-e]$", "a", 2),
)


def set_clock_back(prepared: Prepared, name: str) -> list[int]:
    """Date all files of a finished recipe back, then change inputs, which are dated back, too.

    Returns:
        The stages that ran again, one for each change.

    Raises:
        AssertionError: If a stage runs although nothing has changed, or none does after a change.
    """
    recipe = copy_recipe(prepared.finished, name)
    for path in recipe.rglob("*"):
        _date_back(path)
    assert "All stages are up to date" in must_end_well(recipe)
    ran = []
    for file, found, put, first in CHANGES:
        path = recipe / file
        text = path.read_text()
        changed = re.sub(found, put, text, flags=re.M)
        assert changed != text
        assert len(changed) == len(text)
        path.write_text(changed)
        _date_back(path)
        # a finished training refuses another learning rate, which is no silence, either
        said = run(recipe, *OPTIONS, f"--stop_stage={first}", timeout=1500).stdout
        again = re.search(rf"^stage {first}: .*\(again, since this changed: .*", said, re.M)
        assert again, f"{file} has changed, but stage {first} has not run:\n{said[-3000:]}"
        ran.append(first)
    return ran


def _date_back(path: Path) -> None:
    if not path.is_symlink():
        os.utime(path, (PAST, PAST))


def run_twice_at_once(prepared: Prepared, name: str, random_: random.Random) -> float:
    """Start two runs in one folder, the second a random time after the first.

    Returns:
        This time in seconds.

    Raises:
        AssertionError: If one ends badly, or with other results than an undisturbed run.
    """
    recipe = copy_recipe(prepared.folder, name)
    offset = random_.random() * sum(prepared.lasts.values())
    first, first_log = start(recipe)
    time.sleep(offset)
    second, second_log = start(recipe)
    for running, log in ((first, first_log), (second, second_log)):
        assert running.wait(timeout=1500) == 0, log.read_text()[-3000:]
    must_equal(recipe, prepared.bits)
    return offset

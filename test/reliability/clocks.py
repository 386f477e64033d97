"""Clocks that are set back or move, two runs at once: stages rest on contents, one run at each."""

import os
import random
import re
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path

from injured_recipe import (
    OPTIONS,
    Prepared,
    copy_recipe,
    must_end_well,
    must_equal,
    run,
    stage_in,
    start,
)

PAST = 978_307_200  # 1 January 2001
MOVES = (-86_400, -3_600, -30, 30, 3_600, 86_400)  # seconds from the true time
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


def build_clock(folder: Path) -> Path | None:
    """Compile the library by which processes read another clock; None: there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = Path(__file__).parent / "inject" / "moved_clock.c", folder / "moved_clock.so"
    words = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(words, check=True)
    return library


def move_clock(
    prepared: Prepared, name: str, library: Path, random_: random.Random
) -> list[tuple[int, int]]:
    """Move the clock of all processes of a run again and again while it goes.

    Processes read the moved time; what the kernel writes into files is the true one, so that files
    seem to come from the future or from long ago.

    Returns:
        The stage and the seconds of each move.

    Raises:
        AssertionError: If it does not end well, or with other results.
    """
    recipe = copy_recipe(prepared.folder, name)
    offset = recipe / "offset"
    offset.write_text("+0")
    running, log = start(recipe, **_moved_by(offset, library))
    moves = []
    while running.poll() is None:
        time.sleep(random_.random() * sum(prepared.lasts.values()) / 10)
        seconds = random_.choice(MOVES)
        moves.append((stage_in(log), seconds))
        _put(offset, seconds)
    assert running.returncode == 0, log.read_text()[-3000:]
    dated = datetime.fromtimestamp(time.time() + moves[-1][1])
    assert len(moves) > 2, "the clock has hardly moved"
    assert _now(offset, library).date() == dated.date(), f"{library} does not move the clock"
    must_equal(recipe, prepared.bits)
    return moves


def _moved_by(offset: Path, library: Path) -> dict[str, str]:
    """Return the variables by which processes read a clock that is off as the file says."""
    return {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(offset)}


def _put(offset: Path, seconds: int) -> None:
    whole = offset.with_suffix(".new")
    whole.write_text(f"{seconds:+d}")
    whole.replace(offset)


def _now(offset: Path, library: Path) -> datetime:
    told = subprocess.run(
        ["date", "+%s"],
        env=os.environ | _moved_by(offset, library),
        capture_output=True,
        check=True,
    )
    return datetime.fromtimestamp(int(told.stdout))


def run_twice_on_two_clocks(
    prepared: Prepared, name: str, library: Path, random_: random.Random
) -> int:
    """Start two runs in one folder, the second with a clock that is wrong.

    Returns:
        By how many seconds it is wrong.

    Raises:
        AssertionError: If one ends badly, or with other results than an undisturbed run.
    """
    recipe = copy_recipe(prepared.folder, name)
    wrong = random_.choice(MOVES)
    _put(recipe / "offset", wrong)
    _run_twice(recipe, prepared, random_, _moved_by(recipe / "offset", library))
    return wrong


def run_twice_at_once(prepared: Prepared, name: str, random_: random.Random) -> float:
    """Start two runs in one folder, the second a random time after the first.

    Returns:
        This time in seconds.

    Raises:
        AssertionError: If one ends badly, or with other results than an undisturbed run.
    """
    return _run_twice(copy_recipe(prepared.folder, name), prepared, random_, {})


def _run_twice(
    recipe: Path, prepared: Prepared, random_: random.Random, of_the_second: dict[str, str]
) -> float:
    offset = random_.random() * sum(prepared.lasts.values())
    first, first_log = start(recipe)
    time.sleep(offset)
    second, second_log = start(recipe, **of_the_second)
    for running, log in ((first, first_log), (second, second_log)):
        assert running.wait(timeout=1500) == 0, log.read_text()[-3000:]
    must_equal(recipe, prepared.bits)
    return offset

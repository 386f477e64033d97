"""A place that cannot be written to: a full disk, a folder that is read-only."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from injured_recipe import (
    EXP,
    OPTIONS,
    Prepared,
    copy_recipe,
    must_end_well,
    must_equal,
    must_refuse,
    refusal_in,
    stage_in,
    start,
)

FULL_STAGES = (3, 5, 6, 9, 11, 13)
READ_ONLY = {3: "dump", 5: "data", 6: "exp", 9: "exp", 11: "exp", 13: "exp"}
LARGEST_ROOM = 64  # kB that are left on a full disk; what comes first needs less, all needs more
FILLER = "filler"
WITHIN = (3, 9, 11)
MADE_BY = {3: "dump", 9: EXP, 11: EXP}  # removed, a stage that has ended well runs anew


def can_mount() -> bool:
    """Return whether this process may mount, which takes root: permissions do not hold for it."""
    return os.geteuid() == 0 and _mount("--bind", "/mnt", "/mnt") and _unmount(Path("/mnt"))


def fill_disk(prepared: Prepared, name: str, random_: random.Random) -> Iterator[tuple[int, str]]:
    """Run a recipe on a disk that is full when each stage begins; then there is room again.

    Yields:
        Each stage and the sentence in which it refused.

    Raises:
        AssertionError: If one ends well or without a sentence, does not go on, or ends with other
            results than an undisturbed run.
    """
    with _small_disk(prepared, name) as recipe:
        done = 2
        for stage in FULL_STAGES:
            if done < stage - 1:
                must_end_well(recipe, *OPTIONS, f"--stop_stage={stage - 1}")
            room = random_.randrange(0, LARGEST_ROOM, 4)
            _fill(recipe / FILLER, room)
            sentence = must_refuse(recipe, *OPTIONS, f"--stop_stage={stage}")
            (recipe / FILLER).unlink()
            must_end_well(recipe, *OPTIONS, f"--stop_stage={stage}")
            done = stage
            yield stage, f"{room} kB left: {sentence}"
        must_equal(recipe, prepared.bits)


def fill_disk_within(
    prepared: Prepared, name: str, random_: random.Random
) -> Iterator[tuple[int, str]]:
    """Fill the disk of a recipe while a stage is at work, and keep it full until the run has ended.

    Yields, raises: As `fill_disk`. A moment that comes too late, so that the stage ends well, is
    tried again, earlier.
    """
    with _small_disk(prepared, name) as recipe:
        for stage in WITHIN:
            must_end_well(recipe, *OPTIONS, f"--stop_stage={stage - 1}")
            part = 0.3 + 0.6 * random_.random()
            while not (said := _fill_at(recipe, stage, part * prepared.lasts[stage])):
                shutil.rmtree(recipe / MADE_BY[stage])
                must_end_well(recipe, *OPTIONS, f"--stop_stage={stage - 1}")
                part /= 2
                assert part > 0.05, f"stage {stage} ends well on a full disk"
            must_end_well(recipe, *OPTIONS, f"--stop_stage={stage}")
            yield stage, f"after {part:.0%} of its time: {said}"
        must_end_well(recipe)
        must_equal(recipe, prepared.bits)


def _fill_at(recipe: Path, stage: int, seconds: float) -> str:
    """Run a stage, fill the disk so many seconds after it has begun, and return its sentence;
    empty: it has ended well before."""
    # the log is elsewhere, or the sentence would be lost with the disk
    running, log = start(recipe, *OPTIONS, f"--stop_stage={stage}", log_in=recipe.parent)
    while stage_in(log) < stage and running.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    with open(recipe / FILLER, "wb", buffering=0) as filler:
        while running.poll() is None:  # what others remove is taken, too
            try:
                filler.write(bytes(4096))
            except OSError:
                time.sleep(0.002)
    (recipe / FILLER).unlink()
    said = log.read_text()
    return "" if running.returncode == 0 else refusal_in(said)


def make_read_only(prepared: Prepared, name: str) -> Iterator[tuple[int, str]]:
    """Run a recipe whose folder for a stage is read-only; then it is not, and the run goes on.

    Yields, raises: As `fill_disk`.
    """
    recipe = copy_recipe(prepared.folder, name)
    done = 2
    for stage, folder in READ_ONLY.items():
        if done < stage - 1:
            must_end_well(recipe, *OPTIONS, f"--stop_stage={stage - 1}")
        with _read_only(recipe / folder):
            sentence = must_refuse(recipe, *OPTIONS, f"--stop_stage={stage}")
        must_end_well(recipe, *OPTIONS, f"--stop_stage={stage}")
        done = stage
        yield stage, sentence
    must_equal(recipe, prepared.bits)


@contextmanager
def _small_disk(prepared: Prepared, name: str) -> Iterator[Path]:
    recipe = prepared.folder.parents[1] / f"{prepared.folder.parent.name}_{name}" / "msp1"
    recipe.mkdir(parents=True)
    assert _mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(recipe))
    try:
        yield copy_recipe(prepared.folder, name)
    finally:
        _unmount(recipe)


def _fill(filler: Path, room: int) -> None:
    """Write zeros until the disk is full, and give `room` kB back."""
    with open(filler, "wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(4096))
        assert shutil.disk_usage(filler.parent).free == 0
        file.truncate(max(0, file.tell() - 1024 * room))


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    assert _mount("--bind", str(folder), str(folder))
    try:
        assert _mount("-o", "remount,ro,bind", str(folder))
        yield
    finally:
        _unmount(folder)


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> bool:
    return subprocess.run(["umount", folder], capture_output=True, check=False).returncode == 0

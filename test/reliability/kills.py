"""SIGKILL at random moments of a run; the same command follows at once."""

import os
import random
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from injured_recipe import (
    EXP,
    OPTIONS,
    Prepared,
    copy_recipe,
    environment,
    must_end_well,
    must_equal,
    stage_in,
    start,
)

from espnet_soups.task.training.checkpoint import CURRENT
from espnet_soups.task.training.model_file import is_whole

STAGES = (3, 4, 5, 6, 9, 9, 10, 11, 12)  # training twice: it lasts longest
PATIENCE = 900.0
INJECT = Path(__file__).parent / "inject"  # a module that Python reads at its start
SAVING_SECONDS = 0.03  # about as long as a checkpoint of the tiny model takes


@dataclass(frozen=True)
class Kill:
    """One SIGKILL.

    Attributes:
        stage: Where it is to hit.
        part: How much of the stage goes by before, as a share of what it lasts undisturbed.
        group: Whether all processes are hit, or run.sh alone.
        hit: The stage in which it hit; None: it has not been done, or the run ended before.
    """

    stage: int
    part: float
    group: bool
    hit: int | None = None


def draw_kills(number: int, random_: random.Random) -> list[Kill]:
    """Draw kills for one run, in the order of their stages."""
    stages = sorted(random_.choice(STAGES) for _ in range(number))
    return [Kill(stage, random_.random(), random_.random() < 0.5) for stage in stages]


def kill_again_and_again(prepared: Prepared, name: str, kills: list[Kill]) -> list[Kill]:
    """Kill a run, start it again at once, kill it …; the last one ends with the same bits.

    Returns:
        The kills with where they hit; those that came after the end of the run are left out.

    Raises:
        AssertionError: If the run does not end well, or with other results.
    """
    recipe = copy_recipe(prepared.folder, name)
    done = []
    for kill in kills:
        hit = _kill_once(recipe, kill, prepared.lasts)
        if hit is not None:
            done.append(replace(kill, hit=hit))
    must_end_well(recipe)
    must_equal(recipe, prepared.bits)
    return done


def _kill_once(recipe: Path, kill: Kill, lasts: dict[int, float]) -> int | None:
    running, log = start(recipe)
    deadline = time.monotonic() + PATIENCE
    while stage_in(log) < kill.stage and running.poll() is None:
        assert time.monotonic() < deadline, f"{log} hangs"
        time.sleep(0.01)
    moment = time.monotonic() + kill.part * lasts.get(kill.stage, 0.0)
    while running.poll() is None and time.monotonic() < moment:
        time.sleep(0.01)
    if running.poll() is not None:
        assert running.returncode == 0, log.read_text()[-3000:]
        return None
    (os.killpg if kill.group else os.kill)(running.pid, signal.SIGKILL)
    running.wait()
    return stage_in(log)


def kill_while_saving(
    prepared: Prepared, name: str, times: int, random_: random.Random
) -> tuple[int, int]:
    """Kill a training again and again while it writes a checkpoint; then let it end.

    Returns:
        How often it was killed, and how often that left no whole checkpoint but the one before.

    Raises:
        AssertionError: If it does not end well, or with other results.
    """
    recipe = copy_recipe(prepared.folder, name)
    must_end_well(recipe, *OPTIONS, "--stop_stage=8")
    killed = torn = 0
    for _ in range(times):
        moment = f"1:{random_.random() * SAVING_SECONDS}"
        path = f"{INJECT}{os.pathsep}{environment()['PYTHONPATH']}"
        command = (*OPTIONS, "--stage=9", "--stop_stage=9")
        running, log = start(recipe, *command, RELIABILITY_SAVING=moment, PYTHONPATH=path)
        status = running.wait(timeout=PATIENCE)
        assert status in (0, -signal.SIGKILL), log.read_text()[-3000:]
        killed += status != 0
        torn += status != 0 and not is_whole(recipe / EXP / CURRENT)
    must_end_well(recipe)
    must_equal(recipe, prepared.bits)
    return killed, torn

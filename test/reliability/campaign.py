"""Injures the tiny recipe in every way, and writes what came of it as a table.

    python test/reliability/campaign.py --kills 50 --seed 1 --table reliability.md

It ends with status 1 if a promise of docs/reliability.md has been broken. It needs no GPU. To fill
a disk and to make a folder read-only it mounts, for which it must be root; else it skips these two.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from subprocess import TimeoutExpired

import torch
from clocks import (
    build_clock,
    move_clock,
    run_twice_at_once,
    run_twice_on_two_clocks,
    set_clock_back,
)
from damaged_checkpoints import damage_a_training, damage_states, flip_every_bit
from injured_recipe import Prepared, prepared_recipe
from kills import draw_kills, kill_again_and_again, kill_while_saving
from places import can_mount, fill_disk, fill_disk_within, make_read_only
from ranks import Ranks, draw_injuries, injure_a_rank, train_with_nan
from steady import SETTINGS, train_long

KILLS_OF_A_RUN = 10
WARM_UP = 100
SKIPPED = "skipped: it mounts a disk, and so must be root"


@dataclass(frozen=True)
class Row:
    """A line of the table: what was done, and what came of it."""

    injury: str
    outcome: str
    held: bool = True


def injure_by_kills(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Kill runs, each some times, and compare the bits of each."""
    left, runs, hits, groups = given.kills, 0, Counter[int](), 0
    while left > 0:
        runs += 1
        kills = draw_kills(min(left, KILLS_OF_A_RUN), random.Random(given.seed + runs))
        done = kill_again_and_again(prepared, f"kills{runs}", kills)
        for kill in done:
            print(f"run {runs}: {kill}", flush=True)
        left -= len(kills)
        hits.update(kill.hit or 0 for kill in done)
        groups += sum(kill.group for kill in done)
    where = ", ".join(f"{stage}: {number}" for stage, number in sorted(hits.items()))
    yield Row(
        "SIGKILL at random moments",
        f"{hits.total()} kills in {runs} runs, {groups} of them of the whole group (by stage, 0"
        f" before the first: {where}): all bits equal",
    )


def injure_while_saving(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Kill a training while it writes its checkpoints."""
    seeded = random.Random(given.seed)
    killed, torn = kill_while_saving(prepared, "saving", given.saving, seeded)
    yield Row(
        "SIGKILL while a checkpoint is written",
        f"{killed} kills in 1 run, {torn} left it missing or half-written: all bits equal",
        killed > 0,
    )


def injure_by_damage(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Damage checkpoints: many small ones in this process, some of the recipe's training."""
    with tempfile.TemporaryDirectory() as folder:
        ends = damage_states(Path(folder), given.damages, random.Random(given.seed))
        flipped = flip_every_bit(Path(folder))
    said = ", ".join(f"{end} {number}" for end, number in ends.most_common())
    yield Row("a checkpoint cut short or with a flipped bit", f"{ends.total():,} times: {said}")
    said = ", ".join(f"{end} {number}" for end, number in flipped.most_common())
    yield Row("each bit of its table of contents flipped", f"{flipped.total():,} times: {said}")
    for number in range(given.trainings):
        seeded = random.Random(given.seed + number)
        how = damage_a_training(prepared, f"damage{number}", seeded)
        yield Row("the same between two runs of stage 9", f"{how}; all bits equal")


def injure_by_places(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Take the room of a disk, then the right to write."""
    if not can_mount():
        yield Row("full disk, read-only folder", SKIPPED)
        return
    for stage, said in fill_disk(prepared, "disk", random.Random(given.seed)):
        yield Row(f"full disk, stage {stage}", f"{said} Then it went on")
    for stage, said in make_read_only(prepared, "read_only"):
        yield Row(f"read-only folder, stage {stage}", f"{said} Then it went on")


def injure_by_filling(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Fill the disk in the middle of stages."""
    if not can_mount():
        yield Row("a disk that fills within a stage", SKIPPED)
        return
    for stage, said in fill_disk_within(prepared, "filling", random.Random(given.seed)):
        yield Row(f"a disk that fills within stage {stage}", f"{said} Then it went on")


def injure_by_moved_clocks(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Move the clock of a run, and of one of two."""
    with tempfile.TemporaryDirectory() as folder:
        library = build_clock(Path(folder))
        if library is None:
            yield Row("a clock that moves", "skipped: it needs a C compiler, cc")
            return
        seeded = random.Random(given.seed)
        moves = move_clock(prepared, "moved", library, seeded)
        told = ", ".join(f"stage {stage}: {seconds:+,} s" for stage, seconds in moves)
        yield Row("a clock that moves while a run goes", f"{told}; all bits equal")
        wrong = run_twice_on_two_clocks(prepared, "two_clocks", library, seeded)
        yield Row("two runs in one folder, one on a wrong clock", f"{wrong:+,} s; all bits equal")


def injure_by_ranks(prepared: Prepared | None, given: argparse.Namespace) -> Iterator[Row]:
    """Train on two processes, and injure one of them."""
    with tempfile.TemporaryDirectory() as folder:
        ranks = Ranks(Path(folder))
        assert set(ranks.train("whole", "none").statuses) == {0}
        expected = ranks.bits("whole")
        for number, injury in enumerate(draw_injuries(random.Random(given.seed))):
            ended = injure_a_rank(ranks, f"injured{number}", injury, expected)
            yield Row(
                f"rank {injury.rank} of 2: {injury.how}, launcher: {injury.launcher}",
                f"{ended.sentences[0]} After {ended.seconds:.0f} s; resumed, all bits equal",
            )
    with tempfile.TemporaryDirectory() as folder:
        yield Row("features that are no numbers on one of 2 ranks", train_with_nan(Path(folder)))


def injure_by_clocks(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Date files back."""
    ran = set_clock_back(prepared, "clock")
    yield Row("clock set back", f"nothing ran by times alone; after changes ran: {ran}")


def injure_by_pairs(prepared: Prepared, given: argparse.Namespace) -> Iterator[Row]:
    """Start two runs in one folder."""
    for number in range(given.pairs):
        offset = run_twice_at_once(prepared, f"pair{number}", random.Random(given.seed + number))
        yield Row("two runs in one folder", f"{offset:.0f} s apart: both ended well, bits equal")


def injure_by_length(prepared: Prepared | None, given: argparse.Namespace) -> Iterator[Row]:
    """Train for long, after a few epochs to warm up."""
    torch.set_num_threads(1)
    for setting in SETTINGS:
        before, after = train_long(setting, WARM_UP, given.steps)
        grown = f"memory {(after.memory - before.memory) / 1024:+.1f} MB"
        for name in ("threads", "handles", "tensors"):
            grown += f", {name} {getattr(before, name)} → {getattr(after, name)}"
        yield Row(f"{given.steps:,} steps ({setting})", grown, after.is_steady_since(before))


PARTS: dict[str, Callable[[Prepared, argparse.Namespace], Iterator[Row]]] = {
    "kills": injure_by_kills,
    "saving": injure_while_saving,
    "damage": injure_by_damage,
    "places": injure_by_places,
    "filling": injure_by_filling,
    "clocks": injure_by_clocks,
    "moved_clocks": injure_by_moved_clocks,
    "pairs": injure_by_pairs,
    "ranks": injure_by_ranks,
    "length": injure_by_length,
}


def main() -> None:
    """Run the parts that are asked for, print their table, and end with status 1 if one failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50, help="SIGKILLs (50)")
    options.add_argument("--saving", type=int, default=10, help="SIGKILLs of checkpoints (10)")
    options.add_argument(
        "--damages", type=int, default=10_000, help="Of a small checkpoint (10000)"
    )
    options.add_argument("--trainings", type=int, default=4, help="Damaged trainings (4)")
    options.add_argument("--pairs", type=int, default=3, help="Pairs of runs (3)")
    options.add_argument("--steps", type=int, default=10_000, help="Of the toy model (10000)")
    options.add_argument("--seed", type=int, default=1, help="Of all that is random (1)")
    options.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="(all)")
    options.add_argument("--table", type=Path, help="File that the table is written to, too")
    given = options.parse_args()
    rows = list(_rows(given))
    lines = ["| injury | outcome | held |", "|---|---|---|"]
    lines += [
        f"| {row.injury} | {row.outcome} | {'yes' if row.held else '**no**'} |" for row in rows
    ]
    table = f"{date.today()}, seed {given.seed}\n\n" + "\n".join(lines) + "\n"
    print(table)
    if given.table is not None:
        given.table.write_text(table, encoding="utf-8")
    sys.exit(0 if all(row.held for row in rows) else 1)


def _rows(given: argparse.Namespace) -> Iterator[Row]:
    needs_recipe = not set(given.parts) <= {"length", "ranks"}
    with prepared_recipe(f"campaign{os.getpid()}") if needs_recipe else nullcontext() as prepared:
        for part in given.parts:
            begin = time.monotonic()
            try:
                for row in PARTS[part](prepared, given):
                    print(f"{row.injury}: {row.outcome}", flush=True)
                    yield replace(row, outcome=row.outcome.replace("|", "\\|"))
            except (AssertionError, TimeoutExpired) as error:
                print(f"{part}: {error}", flush=True)
                first = str(error).strip().splitlines() or [repr(error)]
                yield Row(part, f"broken: {first[-1]:.300}", held=False)
            print(f"{part}: {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()

"""Plant small faults into the package's functions and count how many of them its tests see."""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from tools.mutants.mutant import Mutant, mutants_of
from tools.mutants.session import KILLED, NOT_PLANTED, SURVIVED, TIMED_OUT, Limits, try_mutants


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutants",
        description=__doc__ + " A mutant that no test sees is printed as `survived`.",
    )
    add = parser.add_argument
    add("--rooms", nargs="+", required=True, help="Folders or files below the package")
    add("--package", type=Path, default=Path("espnet_soups"), help="The package (espnet_soups)")
    add("--tests", type=Path, default=Path("test"), help="Its tests, which mirror it (test)")
    add("--also", nargs="*", type=Path, default=[], help="More files or folders of tests")
    add("--sample", type=int, help="Mutants to draw (all)")
    add("--at", nargs="*", default=[], help="Only mutants of these lines, such as soup/step.py:31")
    add("--seed", type=int, default=1, help="Seed of the draw (1)")
    add("--budget", type=float, default=30.0, help="Seconds of tests for a mutant (30)")
    add("--grace", type=int, default=10, help="Seconds before a mutant counts as timed out (10)")
    add("--threshold", type=float, default=0.95, help="Least share killed for status 0 (0.95)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Try the mutants; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If there is nothing to try, or too few mutants were killed.
    """
    options = get_parser().parse_args(arguments)
    package, tests = options.package.resolve(), options.tests.resolve()
    mutants = draw(package, options)
    mirrored = sorted({tests / Path(room).parts[0] for room in options.rooms})
    fates: Counter[str] = Counter()

    def tell(mutant: Mutant, fate: str) -> None:
        fates[fate] += 1
        place = f"{mutant.path.relative_to(package)}:{mutant.line}"
        print(f"{fate:11s} {place}  {mutant.function}  {mutant.change}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(Path.cwd()))
        limits = Limits(options.budget, options.grace)
        done = try_mutants(mutants, [*mirrored, *options.also], limits, folder, tell)
    if not done or sum(fates.values()) < len(mutants):
        raise ValueError("The tests could not be run: see pytest's own message above.")
    report(fates, options.threshold)


def draw(package: Path, options: argparse.Namespace) -> list[Mutant]:
    """Return the mutants to try, in the order of files and lines.

    Args:
        package: Folder of the package.
        options: The options of `get_parser`.

    Raises:
        ValueError: If there are none.
    """
    found: list[Mutant] = []
    for room in options.rooms:
        place = package / room
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        found += [mutant for file in files for mutant in mutants_of(file)]
    if options.at:
        places = {f"{package}/{place}" for place in options.at}
        found = [mutant for mutant in found if f"{mutant.path}:{mutant.line}" in places]
    if not found:
        raise ValueError(f"No mutants in {' '.join(options.rooms)}: give rooms with functions.")
    if options.sample is not None and options.sample < len(found):
        chosen = sorted(random.Random(options.seed).sample(range(len(found)), options.sample))
        found = [found[number] for number in chosen]
    return found


def report(fates: Counter[str], threshold: float) -> None:
    """Print the counts.

    Args:
        fates: Number of mutants by fate.
        threshold: Smallest share of mutants that tests must see, 0 to 1.

    Raises:
        ValueError: If the share is below the threshold.
    """
    seen = fates[KILLED] + fates[TIMED_OUT]
    tried = seen + fates[SURVIVED]
    share = seen / tried if tried else 0.0
    print(
        f"{tried} mutants: {fates[KILLED]} killed, {fates[TIMED_OUT]} timed out,"
        f" {fates[SURVIVED]} survived; {share:.1%} were seen."
        f" {fates[NOT_PLANTED]} more could not be planted."
    )
    if share < threshold:
        raise ValueError(
            f"The tests saw {share:.1%} of the mutants, but {threshold:.1%} are asked."
        )


if __name__ == "__main__":
    run_command(main)

"""Collect what `run` needs on a machine without a network: wheels and features."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from tools.gpu_check.wheels import NEEDS, ROOTS, fetch_wheels, needed_packages, read_names

LARGEST_MIB = 64.0
MACHINE = Path(__file__).with_name("machine.txt")


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="tools/gpu_check.sh prepare", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("gpu_check"),
        help="New folder for all of it (gpu_check)",
    )  # fmt: skip
    parser.add_argument(
        "--recipe", type=Path, default=Path("egs2/asterisk/msp1"),
        help="Recipe with features and statistics, after its stage 6 (egs2/asterisk/msp1)",
    )  # fmt: skip
    parser.add_argument(
        "--python_version", default="3.12", help="Python of the machine with the GPU (3.12)"
    )
    parser.add_argument(
        "--machine", type=Path, default=MACHINE,
        help="Names of the packages that the machine has (tools/gpu_check/machine.txt)",
    )  # fmt: skip
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Collect; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If the folder exists, is too large in the end, or a package is unknown here.
        OSError: If a package cannot be fetched, or stage 6 of the recipe has not been run.
    """
    options = get_parser().parse_args(arguments)
    folder: Path = options.folder
    if folder.exists():
        raise ValueError(f"{folder} exists: remove it, or choose another `--folder`.")
    present, need_not = read_names(options.machine)
    bring, met = needed_packages(ROOTS, present | need_not, options.python_version)
    bring.pop("espnet-soups", None)  # the clone itself is there
    from tools.gpu_check.features import copy_features, find_statistics

    find_statistics(options.recipe)
    try:
        (folder / "wheels").mkdir(parents=True)
        print(f"{len(bring)} packages: {', '.join(sorted(bring))}", flush=True)
        fetch_wheels(bring, folder / "wheels", options.python_version)
        (folder / NEEDS).write_text("".join(f"{name}\n" for name in sorted(met - need_not)))
        copy_features(options.recipe, folder / "features")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # what is not whole would be taken for it
        raise
    sizes = {part: size_mib(folder / part) for part in ("wheels", "features")}
    told = ", ".join(f"{part} {size:.1f} MiB" for part, size in sizes.items())
    if sum(sizes.values()) > LARGEST_MIB:
        raise ValueError(f"{folder} has {told}, more than {LARGEST_MIB:.0f} MiB in all.")
    print(f"{folder}: {told}")


def size_mib(folder: Path) -> float:
    """Return the size of all files of a folder, MiB.

    Args:
        folder: The folder.
    """
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


if __name__ == "__main__":
    run_command(main)

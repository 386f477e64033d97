"""Check training on one GPU, and measure it.

Parts: `tests` (those that are marked `gpu`), `rates` (of matrix products), `steps` (modes of the
benchmark on two models), `objectives` (growth with their number), `training` (the recipe's model
with several soups and seeds at once). What no time was left for is named. Writes gpu_check.json
after each part, and table.md at the end; status 1 if a test failed or a training broke.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from espnet_soups.bin.command import run_command
from espnet_soups.files import write_json, write_text
from tools.gpu_check.wheels import NEEDS, lacking

PARTS = ("tests", "rates", "steps", "objectives", "training")
# Share of the time by the end of which a part must be over.
ENDS = {"tests": 0.25, "rates": 0.28, "steps": 0.6, "objectives": 0.73, "training": 0.97}
DEVICES = ("cuda", "cpu")


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="tools/gpu_check.sh run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("gpu_check"),
        help="Folder that `prepare` has made (gpu_check)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("gpu_check_results"),
        help="New folder for results and logs (gpu_check_results)",
    )  # fmt: skip
    parser.add_argument(
        "--device", choices=DEVICES, default="cuda",
        help="cuda; or cpu: the same on tiny models, to try the check itself (cuda)",
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, default=7.5, help="Time for all parts (7.5)")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
        help=f"Parts to run: {', '.join(PARTS)} (all)",
    )  # fmt: skip
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the check; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid, or a package or the GPU is missing.
    """
    options = get_parser().parse_args(arguments)
    check_options(options)
    from tools.gpu_check.parts import Check

    options.out.mkdir(parents=True, exist_ok=True)
    check = Check(options.device, options.folder, options.out)
    results = run_parts(check.part, options.parts, 60 * options.minutes, options.out, check.results)
    from tools.gpu_check.table import render

    table = render(results)
    write_text(options.out / "table.md", table)
    print(table)
    broken = failures(results)
    if broken:
        print(f"error: {'; '.join(broken)}", file=sys.stderr)
        sys.exit(1)


def check_options(options: argparse.Namespace) -> None:
    """Refuse what would fail later on.

    Args:
        options: The options.

    Raises:
        ValueError: If the folder is not whole, the results exist, a package or the GPU is missing.
    """
    if options.minutes <= 0:
        raise ValueError(f"`--minutes` must be positive, but got {options.minutes}.")
    if not (options.folder / NEEDS).is_file():
        raise ValueError(
            f"{options.folder} is no folder of `tools/gpu_check.sh prepare`: it has no {NEEDS}."
        )
    if (options.out / "gpu_check.json").exists():
        raise ValueError(f"{options.out} holds results: remove it, or choose another `--out`.")
    missing = lacking((options.folder / NEEDS).read_text(encoding="utf-8").split())
    if missing:
        raise ValueError(
            f"this Python ({sys.executable}) lacks {', '.join(missing)}: install them, or take them"
            " out of tools/gpu_check/machine.txt and run `prepare` again, which then brings them."
        )
    if options.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ValueError("PyTorch sees no GPU here; `--device cpu` tries the check itself.")


def run_parts(
    part: Callable[[str, Callable[[], float]], None],
    names: Sequence[str],
    seconds: float,
    out: Path,
    results: dict[str, Any],
) -> dict[str, Any]:
    """Run parts one after the other, each until its share of the time is over.

    Args:
        part: Function that runs a part by its name, and asks for the seconds that are left.
        names: The parts.
        seconds: Time for all, s.
        out: Folder of `gpu_check.json`, which is written after each part.
        results: What the parts fill in.

    Returns:
        The results.
    """
    begin = time.perf_counter()
    for name in [known for known in PARTS if known in names]:
        end = begin + seconds * ENDS[name]

        def left(until: float = end) -> float:
            return until - time.perf_counter()

        print(f"{name}: {left():.0f} s", file=sys.stderr, flush=True)
        part(name, left)
        results["seconds"] = time.perf_counter() - begin
        write_json(out / "gpu_check.json", json.loads(json.dumps(results)))
    return results


def failures(results: dict[str, Any]) -> list[str]:
    """Return a sentence for each part that failed.

    Args:
        results: The results.
    """
    found = []
    tests = results.get("tests", {})
    if "error" in tests:
        found.append(f"tests: {tests['error']}")
    elif tests and not tests["passed"]:
        found.append(f"tests: none passed, and {tests['skipped']} were skipped; see tests.log")
    found += [f"test failed: {name}" for name in tests.get("failures", [])]
    for row in (*results.get("steps", []), *results.get("objectives", [])):
        if row.get("failed"):
            found.append(f"mode {row['mode']} of {row['config']}: {row['error']}")
    for name, run in results.get("training", {}).get("runs", {}).items():
        if "error" in run:
            found.append(f"training {name}: {run['error']}")
    return found


if __name__ == "__main__":
    run_command(main)

"""Show where the time of a training step goes: by part of the model, and by operator.

A part is run alone, again and again; the median of its CPU seconds is shown, so that other work on
the machine counts little. Operators are those of PyTorch's profiler: how often each is called in a
step, its own wall-clock time, and the memory that it allocates: on a busy machine trust the counts
alone. The last line of the output is one JSON object.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from espnet_soups.bin.command import run_command
from tools.benchmark.names import BASELINE, MODES

if TYPE_CHECKING:
    from tools.benchmark.step_parts import StepProfile

SHOWN = 15  # operators


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", default="asterisk", help="Name of a shipped config, or a YAML file (asterisk)"
    )
    parser.add_argument(
        "--mode", default=BASELINE, choices=MODES, metavar="MODE",
        help=f"Mode of the step: {', '.join(MODES)} ({BASELINE})",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, default=8, help="Steps to profile (8)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Profile a step; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
    """
    options = get_parser().parse_args(arguments)
    if options.steps < 1:
        raise ValueError(f"`--steps` must be 1 or more, but got {options.steps}.")
    from tools.benchmark.catalogue import build_mode
    from tools.benchmark.measure import device_name
    from tools.benchmark.spec import read_spec
    from tools.benchmark.step_parts import profile_step

    spec = read_spec(options.config)
    found = profile_step(build_mode(options.mode, spec), options.steps)
    print(f"{spec.name}, {options.mode}, on {device_name('cpu')}")
    _print_profile(found)
    print(json.dumps({"config": spec.name, "mode": options.mode, **asdict(found)}))


def _print_profile(found: "StepProfile") -> None:
    whole = found.parts["step"]
    print(f"\n{'part':<32} {'ms':>8} {'share':>6}")
    for name, seconds in found.parts.items():
        print(f"{name:<32} {1e3 * seconds:8.1f} {seconds / whole:6.1%}")
    total = sum(operator.seconds for operator in found.operators)
    print(f"\n{'operator':<32} {'calls':>8} {'own ms':>8} {'share':>6} {'MiB':>7}")
    for operator in found.operators[:SHOWN]:
        print(
            f"{operator.name[:32]:<32} {operator.calls:8.0f} {1e3 * operator.seconds:8.1f}"
            f" {operator.seconds / total:6.1%} {operator.mib:7.1f}"
        )
    print(
        f"\n{found.calls:.0f} calls of operators a step, {found.waits:.0f} of which hand a number"
        f" to Python (`.item()`); peak memory {found.peak_mib:.0f} MiB"
    )


if __name__ == "__main__":
    run_command(main)

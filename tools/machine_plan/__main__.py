"""Estimate the needs of the paper's tables: GPU hours, memory, mini-batches, disk."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from tools.machine_plan.machine import GPUS, WITHOUT_BFLOAT16, Machine


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.machine_plan",
        description=__doc__ + " Arithmetic, nothing measured: every assumption is an option.",
    )
    add = parser.add_argument
    add("tables", nargs="+", type=Path, help="Tables of one recipe, YAML")
    add("--train_config", default="", help="YAML of training (that of the tables or the recipe)")
    add("--gpu", default="A100", choices=GPUS, help="Kind of GPU (A100)")
    add("--gpus", type=int, default=1, help="GPUs of a training (1)")
    add("--peak_tflops", type=float, help="Peak of another GPU, TFLOP/s at 16 bits")
    add("--memory_gb", type=float, help="Memory of another GPU, GB")
    add("--utilisation", type=float, default=0.06, help="Share of the peak that is reached (0.06)")
    add("--activation_bytes", type=int, default=4, help="Bytes of a kept number (4)")
    add("--context_gb", type=float, default=1.5, help="Memory of CUDA itself, GB (1.5)")
    add("--slack", type=float, default=1.2, help="Memory times this for fragmentation (1.2)")
    add("--flac_ratio", type=float, default=0.5, help="Size of FLAC against WAV (0.5)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the plan; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from tools.machine_plan.planner import plan_tables
    from tools.machine_plan.report import render_plan

    plan = plan_tables(options.tables, options.train_config, read_machine(options))
    print(render_plan(plan, options.flac_ratio))


def read_machine(options: argparse.Namespace) -> Machine:
    """Return the machine that the options describe.

    Args:
        options: The options of `get_parser`.

    Raises:
        ValueError: If a number is out of its range.
    """
    peak, memory = GPUS[options.gpu]
    return Machine(
        gpus=options.gpus,
        peak_tflops=peak if options.peak_tflops is None else options.peak_tflops,
        memory_gb=memory if options.memory_gb is None else options.memory_gb,
        utilisation=options.utilisation,
        activation_bytes=options.activation_bytes,
        context_gb=options.context_gb,
        slack=options.slack,
        reuses=options.gpu not in WITHOUT_BFLOAT16,
    )


if __name__ == "__main__":
    run_command(main)

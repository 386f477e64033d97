"""Measure the cost of a training step against joint training.

`time` is against joint training on pooled batches; `alike` against joint steps of which those that
the mode measures are encoded by language if the encoder allows it, the others pooled. All modes
take turns in one process; a ratio is the median over rounds. Peak memory is that of a fresh process
per mode. The last line of the output is one JSON object.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from espnet_soups.bin.command import run_command
from tools.benchmark.names import BASELINE, JOINT, MODES

if TYPE_CHECKING:
    from tools.benchmark.comparison import ModeCost, SizeCost
    from tools.benchmark.spec import BenchSpec


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.steps",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", default="asterisk", help="Name of a shipped config, or a YAML file (asterisk)"
    )
    parser.add_argument(
        "--modes", nargs="+", default=list(MODES), choices=MODES, metavar="MODE",
        help=f"Modes beside {' and '.join(JOINT)}: {', '.join(MODES[2:])} (all)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="Turns of each mode (5)")
    parser.add_argument(
        "--memory", action=argparse.BooleanOptionalAction, default=True,
        help="Measure peak memory, too",
    )  # fmt: skip
    parser.add_argument("--objectives", type=int, nargs="+", default=[], metavar="K",
                        help="Instead: how time grows with the number of objectives at equal"
                        " audio, e.g. 3 9 21")  # fmt: skip
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="Device of the steps (cpu)"
    )
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall",
        help="Seconds of the wall, or of the processor: for busy machines (wall)",
    )  # fmt: skip
    parser.add_argument("--memory_of", choices=MODES, help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
    """
    options = get_parser().parse_args(arguments)
    if options.rounds < 1:
        raise ValueError(f"`--rounds` must be 1 or more, but got {options.rounds}.")
    from tools.benchmark.comparison import compare_modes, compare_sizes, peak_memory_of
    from tools.benchmark.measure import device_name
    from tools.benchmark.spec import read_spec

    spec = read_spec(options.config)
    if options.memory_of:
        peak = peak_memory_of(options.memory_of, spec, options.device)
        print(json.dumps({"mode": options.memory_of, "peak_mib": peak}))
    elif options.objectives:
        sizes = sorted(set(options.objectives))
        _print_sizes(spec, compare_sizes(spec, sizes, options.rounds, _show_round, options.device))
    else:
        modes = [mode for mode in MODES if mode in JOINT or mode in options.modes]
        parameters, costs = compare_modes(
            options.config,
            spec,
            modes,
            options.rounds,
            options.memory,
            _show_round,
            options.device,
            options.clock,
        )
        _print_modes(spec, parameters, costs, device_name(options.device))


def _print_modes(
    spec: "BenchSpec", parameters: int, costs: "dict[str, ModeCost]", device: str
) -> None:
    print(
        f"{spec.name}: {parameters / 1e6:.2f} M parameters, {spec.batch.objectives} objectives,"
        f" {spec.batch.audio_seconds:.0f} s of audio in a mini-batch, on {device}"
    )
    print(
        f"\n{'mode':<18} {'s/update':>9} {'time':>6} {'alike':>6} {'per audio':>9} {'memory':>7}"
        f" {'rows MiB':>9}"
    )
    for mode, cost in costs.items():
        shown = "-" if cost.memory_ratio is None else f"{cost.memory_ratio:.2f}"
        print(
            f"{mode:<18} {cost.seconds:9.3f} {cost.time_ratio:6.2f} {cost.alike_ratio:6.2f}"
            f" {cost.time_ratio_per_audio:9.2f} {shown:>7} {cost.rows_mib:9.1f}"
        )
    records = {mode: cost.record() for mode, cost in costs.items()}
    print(
        json.dumps({"config": spec.name, "baseline": BASELINE, "device": device, "modes": records})
    )


def _print_sizes(spec: "BenchSpec", costs: "dict[int, SizeCost]") -> None:
    smallest = min(costs)
    print(f"\n{'objectives':>10} {'audio s':>8}  time against {smallest} objectives, same mode")
    for size, cost in costs.items():
        shown = "  ".join(f"{mode} {ratio:.2f}" for mode, ratio in cost.time_ratio.items())
        print(f"{size:>10} {cost.audio_seconds:8.0f}  {shown}")
    records = {str(size): asdict(cost) for size, cost in costs.items()}
    print(json.dumps({"config": spec.name, "baseline": f"{smallest} objectives", "sizes": records}))


def _show_round(number: int) -> None:
    print(f"round {number}" if number else "warm-up", "done", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)

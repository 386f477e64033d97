"""Measures what a training step costs, against joint training on pooled batches.

All modes take turns in one process; the ratio is the median over rounds. Peak memory is that of a
fresh process per mode. The last line of the output is one JSON object.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from espnet_soups.bin.command import run_command

if TYPE_CHECKING:
    from espnet_soups.benchmark.spec import BenchSpec

BASELINE = "joint_pooled"
MODES = (
    BASELINE,
    "joint",
    "exact_all",
    "pipelined_all",
    "selected",
    "selected_refresh4",
    "published",
    "torchjd_modo",
)
SCALED_MODES = ("joint", "selected_refresh4")
STEPS_PER_ROUND = 4  # a whole period of `refresh: 4`


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.bench_step",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", default="asterisk", help="Name of a shipped config, or a YAML file (asterisk)"
    )
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES, metavar="MODE",
                        help=f"Modes beside {BASELINE}: {', '.join(MODES[1:])} (all)")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="Turns of each mode (5)")
    parser.add_argument(
        "--memory", action=argparse.BooleanOptionalAction, default=True,
        help="Measure peak memory, too",
    )  # fmt: skip
    parser.add_argument("--objectives", type=int, nargs="+", default=[], metavar="K",
                        help="Instead: how time grows with the number of objectives at equal"
                        " audio, e.g. 3 9 21")  # fmt: skip
    parser.add_argument("--memory_of", choices=MODES, help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    if options.rounds < 1:
        raise ValueError(f"`--rounds` must be 1 or more, but got {options.rounds}.")
    from espnet_soups.benchmark.spec import read_spec

    spec = read_spec(options.config)
    if options.memory_of:
        _print_memory(spec, options.memory_of)
    elif options.objectives:
        _compare_sizes(spec, options.objectives, options.rounds)
    else:
        modes = [BASELINE, *(mode for mode in MODES[1:] if mode in options.modes)]
        _compare_modes(options.config, spec, modes, options.rounds, options.memory)


def _print_memory(spec: "BenchSpec", mode: str) -> None:
    from espnet_soups.benchmark.catalogue import build_mode
    from espnet_soups.benchmark.measure import peak_memory_mib

    step = build_mode(mode, spec)
    for _ in range(STEPS_PER_ROUND):
        step.step()
    print(json.dumps({"mode": mode, "peak_mib": peak_memory_mib()}))


def _compare_modes(
    config: str, spec: "BenchSpec", modes: list[str], rounds: int, memory: bool
) -> None:
    from espnet_soups.benchmark.catalogue import build_mode
    from espnet_soups.benchmark.measure import (
        interleaved_seconds,
        median_ratio,
        memory_in_fresh_process,
    )

    peaks = {mode: memory_in_fresh_process(config, mode) for mode in modes} if memory else {}
    built = {mode: build_mode(mode, spec) for mode in modes}
    parameters = sum(p.numel() for p in built[BASELINE].model.parameters())
    print(
        f"{spec.name}: {parameters / 1e6:.2f} M parameters, {spec.batch.objectives} objectives,"
        f" {spec.batch.audio_seconds:.0f} s of audio in a mini-batch"
    )
    seconds = interleaved_seconds(
        {mode: step.step for mode, step in built.items()}, rounds, STEPS_PER_ROUND, _show_round
    )
    results: dict[str, dict[str, Any]] = {}
    print(
        f"\n{'mode':<18} {'s/update':>9} {'time':>6} {'per audio':>9} {'memory':>7} {'rows MiB':>9}"
    )
    for mode, step in built.items():
        ratio = median_ratio(seconds[mode], seconds[BASELINE])
        results[mode] = {
            "time_ratio": round(ratio, 3),
            "time_ratio_per_audio": round(ratio / step.batches_per_update, 3),
            "memory_ratio": round(peaks[mode] / peaks[BASELINE], 3) if peaks else None,
            "rounds": rounds,
            "rows_mib": round(step.rows_mib(), 1),
        }
        median = sorted(seconds[mode])[rounds // 2]
        shown = f"{results[mode]['memory_ratio']:7.2f}" if peaks else f"{'-':>7}"
        print(
            f"{mode:<18} {median:9.3f} {ratio:6.2f} {ratio / step.batches_per_update:9.2f} {shown}"
            f" {step.rows_mib():9.1f}"
        )
    print(json.dumps({"config": spec.name, "baseline": BASELINE, "modes": results}))


def _compare_sizes(spec: "BenchSpec", sizes: list[int], rounds: int) -> None:
    from dataclasses import replace

    from espnet_soups.benchmark.catalogue import build_mode
    from espnet_soups.benchmark.measure import interleaved_seconds, median_ratio
    from espnet_soups.benchmark.spec import with_objectives

    sizes = sorted(set(sizes))
    specs = {size: replace(spec, batch=with_objectives(spec.batch, size)) for size in sizes}
    steps = {
        f"{mode}@{size}": build_mode(mode, specs[size]).step
        for size in sizes
        for mode in SCALED_MODES
    }
    seconds = interleaved_seconds(steps, rounds, STEPS_PER_ROUND, _show_round)
    results: dict[str, dict[str, Any]] = {}
    print(f"\n{'objectives':>10} {'audio s':>8}  time against {sizes[0]} objectives, same mode")
    for size in sizes:
        ratios = {
            mode: round(median_ratio(seconds[f"{mode}@{size}"], seconds[f"{mode}@{sizes[0]}"]), 3)
            for mode in SCALED_MODES
        }
        audio = specs[size].batch.audio_seconds
        results[str(size)] = {"time_ratio": ratios, "audio_seconds": audio, "rounds": rounds}
        shown = "  ".join(f"{mode} {ratio:.2f}" for mode, ratio in ratios.items())
        print(f"{size:>10} {audio:8.0f}  {shown}")
    print(json.dumps({"config": spec.name, "baseline": f"{sizes[0]} objectives", "sizes": results}))


def _show_round(number: int) -> None:
    print(f"round {number}" if number else "warm-up", "done", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)

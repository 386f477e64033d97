"""Searches static weights on a grid: trains every combination, then scores the best one."""

import argparse
import subprocess
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.search_weights",
        description=__doc__,
        epilog="Example, in the folder of a recipe: python -m espnet_soups.bin.search_weights"
        " --grid conf/static_weights.yaml -- ./run.sh --ssl cpc --baseline two_stage",
    )
    parser.add_argument("--grid", type=Path, required=True, help="YAML: weights: {glob: [w, ...]}")
    parser.add_argument("--expdir", type=Path, default=Path("exp"), help="Experiments (exp)")
    parser.add_argument("--tag", default="two_stage", help="How their names begin (two_stage)")
    parser.add_argument("command", nargs="+", help="The recipe with its options")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains the grid, prints a table, and runs all stages for the best point."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.task.weight_search import rank_outcomes, read_grid, read_outcome

    trials = read_grid(options.grid)
    outcomes = []
    for number, trial in enumerate(trials, start=1):
        print(f"grid point {number} of {len(trials)}: {trial.train_args}", flush=True)
        tag = f"{options.tag}_{trial.tag}"
        _run([*options.command, *_words(tag, trial.train_args), "--stop_stage", "9"])
        outcomes.append(read_outcome(trial, options.expdir / f"msp_{tag}"))
    ranked = rank_outcomes(outcomes)
    print(f"{'valid acc':>9}  {'delta':>7}  epoch  weights (delta: over the first grid point)")
    for outcome, delta in ranked:
        weights = ", ".join(f"{glob} {w:g}" for glob, w in outcome.trial.weights.items())
        print(f"{outcome.accuracy:9.4f}  {delta:+7.4f}  {outcome.epoch:5d}  {weights}")
    best = ranked[0][0].trial
    _run([*options.command, *_words(f"{options.tag}_{best.tag}", best.train_args)])


def _words(tag: str, train_args: str) -> list[str]:
    return [f"--msp_tag={tag}", f"--train_args={train_args}"]


def _run(command: Sequence[str]) -> None:
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        raise ValueError(
            f"`{' '.join(command)}` ended with status {status}; the same search goes on from here."
        )


if __name__ == "__main__":
    run_command(main)

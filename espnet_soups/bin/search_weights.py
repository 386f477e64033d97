"""Search static weights on a grid: train every combination, then score the best one."""

import argparse
import itertools
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import exit_on_signals, run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.search_weights",
        description=__doc__,
        epilog="Example, in the folder of a recipe: python -m espnet_soups.bin.search_weights"
        " --grid conf/tuning/static_weights.yaml -- ./run.sh --ssl cpc --baseline two_stage",
    )
    parser.add_argument("--grid", type=Path, required=True, help="YAML: weights: {glob: [w, ...]}")
    parser.add_argument(
        "--tag", default="two_stage", help="Prefix of the names of experiments (two_stage)"
    )
    parser.add_argument("command", nargs="+", help="The recipe with its options")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the grid, print a table, run all stages for the best point, and record it.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If the grid is malformed, or a run fails.
        OSError: If the command does not exist.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.task import weight_search

    expdir = Path(option_of(options.command, "expdir") or "exp")
    common = option_of(options.command, "train_args")

    def words(trial: weight_search.Trial) -> list[str]:
        """Return the command for a point of the grid; of options given twice, the last counts."""
        train_args = f"{common} {trial.train_args}".strip()
        tag = f"{options.tag}_{trial.tag}"
        return [*options.command, f"--msp_tag={tag}", f"--train_args={train_args}"]

    trials = weight_search.read_grid(options.grid)
    path = weight_search.search_file(expdir, options.tag)
    path.unlink(missing_ok=True)  # of an earlier search: if this one fails, there is no result
    outcomes = []
    for number, trial in enumerate(trials, start=1):
        print(f"grid point {number} of {len(trials)}: {trial.train_args}", flush=True)
        _run([*words(trial), "--stop_stage", "9"])
        folder = expdir / f"msp_{options.tag}_{trial.tag}"
        outcomes.append(weight_search.read_outcome(trial, folder))
    ranked = weight_search.rank_outcomes(outcomes)
    print(f"{'valid acc':>9}  {'delta':>7}  epoch  weights (delta: over the first grid point)")
    for outcome, delta in ranked:
        weights = ", ".join(f"{glob} {w:g}" for glob, w in outcome.trial.weights.items())
        print(f"{outcome.accuracy:9.4f}  {delta:+7.4f}  {outcome.epoch:5d}  {weights}", flush=True)
    _run(words(ranked[0][0].trial))
    weight_search.write_search(path, options.tag, ranked)
    print(f"wrote {path}")


def option_of(command: Sequence[str], name: str) -> str:
    """Return the value of an option among the words of a command; empty: it has none.

    Args:
        command: Words of the command.
        name: Name of the option, without dashes.

    >>> option_of(["./run.sh", "--train-args", "--seed 2", "--expdir=exp2"], "train_args")
    '--seed 2'
    """
    found = ""
    for word, following in itertools.pairwise([*command, ""]):
        key, separator, value = word.partition("=")
        if key.startswith("--") and key[2:].replace("-", "_") == name:
            found = value if separator else following
    return found


def _run(command: Sequence[str]) -> None:
    if shutil.which(command[0]) is None:
        raise OSError(
            f"{command[0]} is not a command here; run the search in the folder of a recipe."
        )
    exit_on_signals()
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        raise ValueError(
            f"`{shlex.join(command)}` ended with status {status} (its last lines say why); the"
            " same search goes on from here."
        )


if __name__ == "__main__":
    run_command(main)

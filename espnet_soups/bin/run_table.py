"""Run the experiments of one of the paper's tables and print it beside the paper's numbers."""

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import exit_on_signals, run_command, split_words

if TYPE_CHECKING:
    from espnet_soups.tables.failure import Failure
    from espnet_soups.tables.runs import Run

TRAIN_CONFIGS = {
    "paper": "conf/train_msp.yaml",
    "mini": "conf/tuning/train_msp_e_branchformer_mini.yaml",
}


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.run_table",
        description=__doc__
        + " When run again, it resumes where it was interrupted. If a row fails, the others are run"
        " all the same: the table says `failed`, and the exit status is 1.",
        epilog="Words after `--` are further options of run.sh for every run, such as --ngpu 4"
        " --gpu_inference true.",
    )
    parser.add_argument("table", type=Path, help="The table, YAML")
    parser.add_argument("--recipe", type=Path, default=Path(), help="Folder of the recipe (.)")
    parser.add_argument(
        "--dry-run", action="store_true", help="Print the commands and the table as it stands"
    )
    parser.add_argument(
        "--scale",
        default="paper",
        choices=["paper", "mini"],
        help="mini: the same plan on the asterisk corpus (paper)",
    )
    parser.add_argument(
        "--train_config",
        help="Of every run (that of the table, or else"
        f" {TRAIN_CONFIGS['paper']}; mini: {TRAIN_CONFIGS['mini']})",
    )
    parser.add_argument("--seeds", default="1", help="Seeds of every row, such as '1 2 3' (1)")
    parser.add_argument(
        "--rows", default="", help="Runs to make now, such as 'vs vc' (all); all are shown"
    )
    parser.add_argument("--expdir", default="exp", help="Experiments (exp)")
    parser.add_argument(
        "--inference_tag", default="decode_msp_valid.acc.ave", help="Name of the decoding"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the table; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        OSError: If rows have failed; before that, the others are run and the table is written.
        ValueError: If the table or an option is not valid.
    """
    own, more = split_words(arguments)
    options = get_parser().parse_args(own)
    from espnet_soups.files import write_text
    from espnet_soups.tables.plan import load_table
    from espnet_soups.tables.render import render
    from espnet_soups.tables.runs import plan_runs

    mini = options.scale == "mini"
    table = load_table(options.table, mini)
    recipe = options.recipe
    if mini:
        recipe = recipe.resolve().parents[1] / "asterisk" / "msp1"
    seeds = [read_seed(word) for word in options.seeds.replace(",", " ").split()]
    more = ["--expdir", options.expdir, *more]
    config = options.train_config or table.train_config or TRAIN_CONFIGS[options.scale]
    runs = plan_runs(table, recipe, seeds, config, more)
    expdir = recipe / options.expdir
    rows = options.rows.replace(",", " ").split()
    exit_on_signals()
    failures = train_runs(runs, recipe, expdir, rows, options.dry_run)
    text = render(table, runs, expdir, options.inference_tag, mini, failures)
    print(f"\n{text}")
    if not options.dry_run:
        (expdir / "tables").mkdir(parents=True, exist_ok=True)
        path = expdir / "tables" / f"{table.name}.md"
        write_text(path, text)
        print(f"wrote {path}", flush=True)
    report_failures(failures, len(runs))


def train_runs(
    runs: "Sequence[Run]", recipe: Path, expdir: Path, rows: Sequence[str], dry_run: bool
) -> "dict[str, Failure]":
    """Print the command of each run and execute it; check the settings before and after.

    Args:
        runs: All runs of the table; a failure stops only those that start from its encoder.
        recipe: Folder of the recipe.
        expdir: Folder of the experiments.
        rows: Names of the runs to make now; empty: all.
        dry_run: Whether to print the commands only.

    Returns:
        Tag to the failure, for runs that failed or could not be started.

    Raises:
        KeyboardInterrupt: If a run was interrupted by Ctrl-C.
        ValueError: If a row does not exist, or experiments differ in more than their soup.
    """
    from espnet_soups.settings import refuse_unknown
    from espnet_soups.tables.failure import Failure, execute, find_blocker

    failures: dict[str, Failure] = {}
    refuse_unknown("`--rows`", rows, sorted({run.row.run for run in runs}))
    check_trained(runs, expdir)
    for run in runs:
        wanted = (not rows or run.row.run in rows) and not run.obstacle
        print(f"# {run.row.title}, seed {run.seed}" + (f": {run.obstacle}" * bool(run.obstacle)))
        line = f"cd {shlex.quote(str(recipe))} && {run.line}"
        print(line if wanted else f"# {line}", flush=True)
        if dry_run or not wanted:
            continue
        failed = [other for other in runs if other.tag in failures]
        failure = find_blocker(run, failed, expdir) or execute(run, recipe)
        if failure is not None:
            failures[run.tag] = failure
            print(f"error: {run.tag}: {failure.reason}; the other rows go on", file=sys.stderr)
        check_trained(runs, expdir)
    return failures


def report_failures(failures: "Mapping[str, Failure]", runs: int) -> None:
    """End the command with an error if runs have failed.

    Args:
        failures: Tag of a run to its failure.
        runs: Number of all runs.

    Raises:
        OSError: If there is a failure.
    """
    if failures:
        listed = "; ".join(f"{tag}: {failure.reason}" for tag, failure in failures.items())
        raise OSError(
            f"{len(failures)} of {runs} runs have no result ({listed}); the last lines of each say"
            " why, and the same command goes on from there."
        )


def check_trained(runs: "Sequence[Run]", expdir: Path) -> None:
    """Compare the settings of the runs that are trained or being trained.

    Args:
        runs: All runs of the table.
        expdir: Folder of the experiments.

    Raises:
        ValueError: If they differ in more than their soup.
    """
    from espnet_soups.tables.same_settings import check_same_settings

    trained = {run.tag: run.folder(expdir) for run in runs}
    check_same_settings(
        {tag: path for tag, path in trained.items() if (path / "config.yaml").is_file()}
    )


def read_seed(word: str) -> int:
    """Read a seed.

    Args:
        word: The word of the command line.

    Raises:
        ValueError: If it is not a whole number.
    """
    if not word.isdigit():
        raise ValueError(f"`--seeds` must be whole numbers, but got {word!r}.")
    return int(word)


if __name__ == "__main__":
    run_command(main)

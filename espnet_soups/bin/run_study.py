"""Run the arms of a study with every seed, and compare them seed by seed."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import exit_on_signals, run_command, split_words

if TYPE_CHECKING:
    from espnet_soups.study.finished import Finished
    from espnet_soups.study.plan import Study


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.run_study",
        description=__doc__
        + " When run again, it resumes where it was interrupted; --dry_run prints the commands and"
        " writes the page from what is finished. docs/studies.md has the keys of the YAML.",
        epilog="Words after `--` are further options of run.sh for every run, such as --ngpu 1.",
    )
    parser.add_argument("study", type=Path, help="The study, YAML")
    parser.add_argument("--recipe", type=Path, default=Path(), help="Folder of the recipe (.)")
    parser.add_argument("--expdir", default="exp", help="Experiments (exp)")
    parser.add_argument("--parallel", type=int, help="Trainings side by side (as the study has it)")
    parser.add_argument("--budget_hours", type=float, help="Likewise: start none that ends later")
    parser.add_argument(
        "--arms", default="", help="Arms to train now, such as 'joint vs' (all); all are shown"
    )
    parser.add_argument(
        "--decoded", type=Path, default=Path("decode_msp_valid.acc.ave/test"),
        help="The decoded set of every run (decode_msp_valid.acc.ave/test)",
    )  # fmt: skip
    parser.add_argument("--dry_run", action="store_true", help="Train nothing")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="Write page, picture and runs.jsonl into studies/<name> of the recipe, too, for git;"
        " published runs count as finished wherever the study is run",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        OSError: If runs have failed; before that, the others are run and the page is written.
        ValueError: If the study or an option is not valid.
    """
    own, more = split_words(arguments)
    options = get_parser().parse_args(own)
    from espnet_soups.settings import refuse_unknown
    from espnet_soups.study.finished import PUBLISHED, Finished, read_published
    from espnet_soups.study.plan import load_study
    from espnet_soups.study.runs import plan_study

    study = load_study(options.study)
    if not (options.recipe / "run.sh").is_file():
        raise FileNotFoundError(f"{options.recipe} has no run.sh; name a recipe by `--recipe`.")
    arms = options.arms.replace(",", " ").split()
    refuse_unknown("`--arms`", arms, [arm.name for arm in study.arms])
    if options.parallel is not None and options.parallel < 1:
        raise ValueError(f"`--parallel` must be 1 or more, but got {options.parallel}.")
    published = options.recipe / "studies" / study.name
    finished = Finished(
        options.recipe / options.expdir,
        options.decoded,
        read_published(published / PUBLISHED),
        ["--expdir", options.expdir, *more],
    )
    failures: dict[str, str] = {}
    if options.dry_run:
        _print_commands(study, arms, finished.more)
    else:
        failures = _execute(study, arms, finished, options)
    paths = _write_page(study, finished, failures, published if options.publish else None)
    print("\n".join(f"wrote {path}" for path in paths), flush=True)
    if failures:
        listed = "; ".join(f"{tag}: {reason}" for tag, reason in failures.items())
        raise OSError(
            f"{len(failures)} of {len(plan_study(study))} runs have no result ({listed}); the same"
            " command goes on from there."
        )


def _print_commands(study: "Study", arms: Sequence[str], more: Sequence[str]) -> None:
    from espnet_soups.study.runs import line_of, plan_study, preparations

    for command in preparations(study, more):
        print(line_of(command))
    for run in plan_study(study, arms):
        waits = f"  # and numbers of {run.arm.donor}" if run.arm.donor else ""
        print(line_of(run.command(None, ["--stage", "7", *more])) + waits)


def _execute(
    study: "Study",
    arms: Sequence[str],
    finished: "Finished",
    options: argparse.Namespace,
) -> dict[str, str]:
    """Prepare the data, train what is missing, and return what failed."""
    import subprocess

    from espnet_soups.study.compare import read_records
    from espnet_soups.study.execute import Execution
    from espnet_soups.study.runs import line_of, plan_study, preparations

    read_records(study, finished)  # refuses changed settings
    exit_on_signals()
    for command in preparations(study, finished.more):
        print(f"# data: {line_of(command)}", flush=True)
        status = subprocess.run(command, cwd=options.recipe, check=False).returncode
        if status:
            raise OSError(f"The data could not be prepared: run.sh ended with status {status}.")
    hours = study.budget_hours if options.budget_hours is None else options.budget_hours
    execution = Execution(
        options.recipe,
        finished,
        options.parallel or study.parallel,
        3600 * hours,
    )
    left = execution.run_all(plan_study(study, arms))
    if left:
        print(f"{len(left)} runs were not started: the budget of {hours:g} hours is used up")
    return execution.failures


def _write_page(
    study: "Study", finished: "Finished", failures: dict[str, str], published: Path | None
) -> list[Path]:
    from espnet_soups.files import write_text
    from espnet_soups.report.plots.figure import save, style_context
    from espnet_soups.study.compare import read_records
    from espnet_soups.study.finished import PUBLISHED, publish
    from espnet_soups.study.plot import plot_study
    from espnet_soups.study.plot_front import plot_front
    from espnet_soups.study.render import render_study

    records = read_records(study, finished)
    folders = [finished.expdir / "studies" / study.name]
    folders += [] if published is None else [published]
    written = []
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        pictures = []
        for name, draw in (("study.svg", plot_study), ("front.svg", plot_front)):
            with style_context():
                figure = draw(study, records)
                if figure is not None:
                    save(figure, folder / name)
                    pictures.append(name)
        write_text(folder / "study.md", render_study(study, records, failures, pictures))
        written += [folder / name for name in ("study.md", *pictures)]
    if published is not None:
        publish(published / PUBLISHED, records)
        written.append(published / PUBLISHED)
    return written


if __name__ == "__main__":
    run_command(main)

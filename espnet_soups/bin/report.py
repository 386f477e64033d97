"""Write the report of an experiment (stage 13)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.report",
        description="Writes results.json, RESULTS.md, images/*.png and report.html into --exp_dir,"
        " and RESULTS.md, comparison.html and comparison.png, which compare all experiments, into"
        " --expdir. Each"
        " decoded set and inference tag keeps its own row, section and results.json.",
    )
    parser.add_argument("--exp_dir", type=Path, required=True, help="The experiment")
    parser.add_argument("--inference_tag", required=True, help="Name of the decoding (stage 11)")
    parser.add_argument("--set", dest="test_set", required=True, help="Name of the decoded set")
    parser.add_argument("--command", required=True, help="The command that ran it, for the record")
    parser.add_argument("--expdir", type=Path, required=True, help="Folder of all experiments")
    parser.add_argument(
        "--publish_dir",
        type=Path,
        help="Recipe folder whose results.jsonl and RESULTS.md get the line of this decoded set",
    )
    parser.add_argument(
        "--audio",
        type=Path,
        help="wav.scp of the set: report.html then holds recordings of its examples",
    )
    parser.add_argument(
        "--parameters", type=int, help="Trainable parameters (default: as train.log says)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the report, and print what was written; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        FileNotFoundError: If a folder is missing.
        ValueError: If a file is malformed.
    """
    options = get_parser().parse_args(arguments)
    for option in ("exp_dir", "expdir", "publish_dir"):
        folder = getattr(options, option)
        if folder is not None and not folder.is_dir():
            raise FileNotFoundError(f"{folder} is missing; `--{option}` must be a directory.")
    from dataclasses import asdict

    from espnet_soups.report.markdown import render_comparison
    from espnet_soups.report.results import read_experiment
    from espnet_soups.report.write_report import publish, write_overview, write_report
    from espnet_soups.soup.config import SoupConfig

    experiment = read_experiment(
        options.exp_dir,
        options.inference_tag,
        options.test_set,
        options.command,
        asdict(SoupConfig()),
        options.parameters,
        options.audio,
    )
    written, left_out = write_report(experiment, options.exp_dir)
    overview, not_compared = write_overview(options.expdir)
    written += overview
    if options.publish_dir is not None:
        written += publish(experiment, options.publish_dir)
    print(render_comparison([experiment.results]))
    for why in dict.fromkeys(left_out.values()):
        names = [name for name, reason in left_out.items() if reason == why]
        print(f"no picture of {', '.join(names)}: {why}")
    for name, why in not_compared.items():
        print(f"warning: left out: {name} ({why})")
    for path in written:
        print(f"wrote {path}")


if __name__ == "__main__":
    run_command(main)

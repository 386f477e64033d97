"""Checks a data dir: files, ids, languages, labels and audio (stage 1)."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.check_data_dir", description=__doc__
    )
    parser.add_argument("path", type=Path, help="The data dir")
    parser.add_argument("--asr_langs", default="", help="Languages that are recognised")
    parser.add_argument("--st_pairs", default="", help="Pairs that are translated")
    parser.add_argument(
        "--may_lack_languages",
        default="false",
        choices=["true", "false"],
        help="Whether the set may lack some of the languages, as test sets may (false)",
    )
    parser.add_argument(
        "--unlabeled", default="false", choices=["true", "false"], help="Audio alone (false)"
    )
    parser.add_argument(
        "--least", type=int, default=1, help="Utterances that each language must have (1)"
    )
    parser.add_argument(
        "--train", type=Path, help="Training set: warn of what the set shares with it"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Checks one data dir; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.check_objectives import check_audio, count_labels
    from espnet_soups.data.data_dir import read_data_dir
    from espnet_soups.data.overlap import describe_overlap, find_overlap
    from espnet_soups.objectives.registry import declared_objectives

    if options.unlabeled == "true":
        data = read_data_dir(options.path, labelled=False)
        check_audio(data)
        print(f"{options.path}: {len(data.audio)} utterances without labels")
        return
    objectives = declared_objectives(
        {
            "asr_token_list": dict.fromkeys(options.asr_langs.split()),
            "st_pairs": options.st_pairs.split(),
        }
    )
    data = read_data_dir(options.path)
    check_audio(data)
    if options.may_lack_languages == "true":
        spoken = set(data.languages.values())
        objectives = [item for item in objectives if item.language in spoken] or objectives
    labels: Counter[str] = count_labels(data, objectives, options.least)
    listed = ", ".join(f"{name} {number}" for name, number in labels.items())
    print(f"{options.path}: {len(data.audio)} utterances; labels: {listed}")
    if options.train is not None:
        train = read_data_dir(options.train)
        for warning in describe_overlap(find_overlap(train, data), train, data):
            print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)

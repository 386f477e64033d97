"""Check a data dir: files, ids, languages, labels and audio (stage 1)."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import run_command, set_up_logging
from espnet_soups.bin.run_parser import RunParser

if TYPE_CHECKING:
    from espnet_soups.data.data_dir import DataDir


def get_parser() -> RunParser:
    """Return the options."""
    parser = RunParser("check_data_dir", __doc__)
    parser.add_argument("path", type=Path, help="The data dir")
    parser.add_argument(
        "--may_lack_languages",
        default="false",
        choices=["true", "false"],
        help="Whether the set may lack languages and tables of labels, as test sets may (false)",
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
    """Check one data dir; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        OSError: If a file is missing.
        ValueError: If the set does not fit the run.
    """
    options, given = get_parser().parse(arguments)
    from espnet_soups.data.check_audio import check_audio
    from espnet_soups.data.data_dir import read_data_dir
    from espnet_soups.data.noise import CLEAN
    from espnet_soups.data.overlap import describe_overlap, find_overlap
    from espnet_soups.objectives.registry import kind_of
    from espnet_soups.objectives.run import read_run
    from espnet_soups.objectives.set_labels import (
        compare_labels,
        compare_with_settings,
        count_labels,
        objectives_of,
    )

    set_up_logging()
    if options.unlabeled == "true":
        data = read_data_dir(options.path, labelled=False)
        check_audio(data)
        print(f"{options.path}: {len(data.audio)} utterances without labels")
        return
    run = read_run(given)
    may_lack = options.may_lack_languages == "true"
    later = CLEAN if given.get("noise") else None  # stage 2 makes it
    known = [objective for objective in run.objectives if objective.label_file != later]
    seconds = [
        label.file for label in run.labels() if label.type == "audio" and label.file != later
    ]
    seconds = [name for name in seconds if not may_lack or (options.path / name).is_file()]
    whole = read_data_dir(options.path, audio_labels=seconds)
    check_audio(whole)
    data = _of_languages(whole, run.languages)
    absent = set(run.options["languages"]) - set(data.languages.values())
    if absent and not may_lack:
        raise ValueError(
            f"{options.path / 'utt2lang'} has no utterance of {', '.join(sorted(absent))}, which"
            " `--languages` names, but training and validation need all languages: leave it out,"
            " or add data."
        )
    objectives = objectives_of(data, known) if may_lack else known
    labels = count_labels(data, objectives, options.least, run.languages)
    listed = ", ".join(f"{name} {number}" for name, number in labels.items())
    print(f"{options.path}: {len(data.audio)} utterances; labels: {listed}")
    for objective in objectives if may_lack else ():
        for warning in kind_of(objective).check_test_set(objective, options.path):
            print(f"warning: {warning}", file=sys.stderr)
    compare_with_settings(data, objectives, run.settings_of, training=options.train is None)
    if options.train is not None:
        train = read_data_dir(options.train).keep_languages(run.languages)
        compare_labels(data, train, objectives, () if may_lack else run.objectives)
        for warning in describe_overlap(find_overlap(train, data), train, data):
            print(f"warning: {warning}", file=sys.stderr)


def _of_languages(whole: "DataDir", languages: Sequence[str]) -> "DataDir":
    """Return the utterances of the run's languages, and warn of others; if none is left, all."""
    data = whole.keep_languages(languages)
    left_out = len(whole.audio) - len(data.audio)
    if not data.audio or not left_out:
        return whole
    others = sorted(set(whole.languages.values()) - set(languages))
    print(
        f"warning: {whole.path}: {left_out:,} of {len(whole.audio):,} utterances are left out,"
        f" since neither an objective nor `--languages` names their language: {', '.join(others)}",
        file=sys.stderr,
    )
    return data


if __name__ == "__main__":
    run_command(main)

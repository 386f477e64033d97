"""Write the data dirs of LibriSpeech: train, dev, test_clean, test_other."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command, set_up_logging


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.prepare_librispeech", description=__doc__
    )
    parser.add_argument(
        "--corpus", type=Path, default=Path("downloads"), help="Holds LibriSpeech/ or its archives"
    )
    parser.add_argument(
        "--download", default="false", choices=["true", "false"], help="Fetch archives (false)"
    )
    parser.add_argument(
        "--only_find",
        default="false",
        choices=["true", "false"],
        help="Find, fetch and unpack the corpus, no more (false)",
    )
    parser.add_argument("--data", type=Path, default=Path("data/en"), help="Parent of data dirs")
    parser.add_argument(
        "--hours", default="100", choices=["100", "460", "960"], help="Training hours (100)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the corpus; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    set_up_logging()
    from espnet_soups.data.corpora.counts import check_counts
    from espnet_soups.data.corpora.librispeech import (
        OFFICIAL,
        TRAIN_SETS,
        find_librispeech,
        read_librispeech,
    )
    from espnet_soups.data.utterance import write_set

    sets = {
        "train": TRAIN_SETS[options.hours],
        "dev": ("dev-clean", "dev-other"),
        "test_clean": ("test-clean",),
        "test_other": ("test-other",),
    }
    subsets = [subset for members in sets.values() for subset in members]
    folder = find_librispeech(options.corpus, subsets, options.download == "true")
    if options.only_find == "true":
        return
    found = {
        name: write_set(options.data / name, read_librispeech(folder, members), genders=True)["en"]
        for name, members in sets.items()
    }
    official = {name: sum(OFFICIAL[s] for s in members) for name, members in sets.items()}
    why = "An archive was unpacked in part: delete the folder of its subset and run again."
    check_counts("LibriSpeech", found, official, why)
    for name, number in found.items():
        print(f"{options.data / name}: {number:,} utterances")


if __name__ == "__main__":
    run_command(main)

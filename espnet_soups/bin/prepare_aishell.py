"""Write the data dirs of AISHELL-1: train, dev, test."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command, set_up_logging


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.prepare_aishell", description=__doc__
    )
    parser.add_argument(
        "--corpus", type=Path, default=Path("downloads"), help="Holds data_aishell/ or its archives"
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
    parser.add_argument("--data", type=Path, default=Path("data/zh"), help="Parent of data dirs")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the corpus; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    set_up_logging()
    from espnet_soups.data.corpora.aishell import OFFICIAL, find_aishell, read_aishell
    from espnet_soups.data.corpora.counts import check_counts
    from espnet_soups.data.utterance import write_set

    corpus, resources = find_aishell(options.corpus, options.download == "true")
    if options.only_find == "true":
        return
    found = {
        name: write_set(options.data / name, read_aishell(corpus, resources, name), genders=True)[
            "zh"
        ]
        for name in OFFICIAL
    }
    why = "The corpus is not complete: fetch data_aishell.tgz and run again."
    check_counts("AISHELL-1", found, OFFICIAL, why)
    for name, number in found.items():
        print(f"{options.data / name}: {number:,} utterances")


if __name__ == "__main__":
    run_command(main)

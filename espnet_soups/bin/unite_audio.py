"""Unite the audio of several dumped sets into one, for self-supervision (stages 7 and 9)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.unite_audio", description=__doc__
    )
    parser.add_argument("--labeled", type=Path, required=True, help="Dumped set with labels")
    parser.add_argument(
        "--unlabeled", type=Path, nargs="*", default=[], help="Dumped sets of audio alone"
    )
    parser.add_argument("--target", type=Path, required=True, help="Folder of the new set")
    parser.add_argument("--feats_type", default="fbank", choices=["fbank", "raw"], help="(fbank)")
    parser.add_argument(
        "--keep_labels",
        default="false",
        choices=["true", "false"],
        help="Keep labels, and give audio without labels the language `unlabeled` (false)",
    )
    parser.add_argument("--audio_labels", nargs="*", default=[], help="Files of second audio")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Unite the sets; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.audio_union import unite_audio

    union = unite_audio(
        options.labeled,
        options.unlabeled,
        options.target,
        options.feats_type,
        options.keep_labels == "true",
        options.audio_labels,
    )
    languages = ", ".join(sorted(set(union.languages.values())))
    print(f"{options.target}: {len(union.audio)} utterances of {languages}")


if __name__ == "__main__":
    run_command(main)

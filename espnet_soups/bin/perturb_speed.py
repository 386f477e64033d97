"""Add every training utterance at other speeds (stage 2)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.perturb_speed", description=__doc__
    )
    parser.add_argument("--source", type=Path, required=True, help="Data dir")
    parser.add_argument("--target", type=Path, required=True, help="New data dir")
    parser.add_argument(
        "--factors", type=float, nargs="+", default=[0.9, 1.0, 1.1], help="Speeds (0.9 1.0 1.1)"
    )
    parser.add_argument("--audio_labels", nargs="*", default=[], help="Files of second audio")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data dir; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.data_dir import read_data_dir, write_data_dir
    from espnet_soups.data.speed import perturb_speed

    source = read_data_dir(options.source, audio_labels=options.audio_labels)
    data = perturb_speed(source, options.factors, options.target)
    write_data_dir(data)
    print(f"{options.target}: {len(source.audio)} -> {len(data.audio)} utterances")


if __name__ == "__main__":
    run_command(main)

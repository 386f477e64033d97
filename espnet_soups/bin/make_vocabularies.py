"""Make the vocabularies of a run, such as token lists, from its training set (stage 5)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from espnet_soups.bin.run_parser import RunParser


def get_parser() -> RunParser:
    """Return the options."""
    parser = RunParser("make_vocabularies", __doc__)
    parser.add_argument("--train", type=Path, required=True, help="Folder of the training set")
    parser.add_argument(
        "--check", type=Path, nargs="*", default=[], help="Sets whose labels they must cover, too"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the vocabularies; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options, given = get_parser().parse(arguments)
    from espnet_soups.data.data_dir import read_data_dir
    from espnet_soups.files import read_table
    from espnet_soups.objectives.label_lengths import describe_long_labels
    from espnet_soups.objectives.run import read_run

    run = read_run(given)
    for vocabulary in run.vocabularies():
        line, warnings = vocabulary.make(options.train, options.check)
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print(line, flush=True)
    frames = options.train / "utt2num_frames"
    if frames.is_file():
        lengths = {key: int(number) for key, number in read_table(frames).items()}
        data = read_data_dir(options.train, "feats.scp")
        for warning in describe_long_labels(run, data, lengths, "bpe"):
            print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)

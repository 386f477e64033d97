"""Join the outputs of parallel decoding jobs (stage 11)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import set_up_logging
from espnet_soups.inference.join_outputs import join_outputs


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.join_outputs",
        description="Joins <decode_dir>/logdir/output.<1..N> into"
        " <decode_dir>/<objective>/{text,token,token_int,score} (array.scp too, if the result is"
        " numbers), <decode_dir>/objectives.json and <decode_dir>/speed.json.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--decode_dir", type=Path, required=True, help="Folder with logdir/")
    add("--jobs", type=int, required=True, help="Number of jobs")
    add("--utt2lang", type=Path, required=True, help="Language of every utterance of the set")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Join the outputs; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    args = get_parser().parse_args(arguments)
    set_up_logging()
    joined = join_outputs(args.decode_dir, args.jobs, args.utt2lang)
    counts = ", ".join(f"{objective} {count}" for objective, count in joined.items())
    print(f"{args.decode_dir}: {counts} utterances")


if __name__ == "__main__":
    from espnet_soups.bin.command import run_command

    run_command(main)

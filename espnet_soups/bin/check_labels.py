"""Look at all labels of a run before anything is pre-trained or measured (stage 5)."""

import argparse
import sys
from collections.abc import Sequence

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return a parser for the help alone: all options are those of msp_train."""
    return argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.check_labels",
        usage="%(prog)s [--help] --config FILE ...",
        description="Refuses a run of which an objective has no label that it could learn, and"
        " warns of labels that are longer than their frames or cannot be spelt. All options are"
        " those of msp_train; the shape files may be tables of lengths, such as utt2num_frames.",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Check them; see `get_parser`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or "--help" in words or "-h" in words:
        get_parser().print_help()
        return
    from espnet_soups.task.checks.check_labels import check_labels
    from espnet_soups.task.msp_task import MSPTask
    from espnet_soups.task.preprocessor import build_preprocessor

    # statistics do not exist yet, and no soup is needed
    untrained = ["--output_dir", "unused", "--normalize", "none", "--trainer", "default"]
    args = MSPTask.get_parser().parse_args([*words, *untrained])
    MSPTask.check_required_command_args(args)
    model = MSPTask.build_model(args)
    for warning in check_labels(args, model, build_preprocessor(args, train=True)):
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)

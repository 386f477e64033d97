"""Check all labels of a run before anything is measured or pre-trained (stage 5)."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from espnet_soups.bin.run_parser import EPILOG, RunParser


def get_parser() -> RunParser:
    """Return the options."""
    parser = RunParser(
        "check_labels",
        "Refuses a run if an objective has no label that it could learn, and warns of labels"
        " that are longer than their frames or cannot be spelt.",
        f"{EPILOG} Words after `--` are options of msp_train; its shape files may be tables of"
        " lengths, such as utt2num_frames.",
    )
    parser.add_argument("--whole", type=Path, required=True, help="Training set before stage 4")
    parser.add_argument("--kept", type=Path, required=True, help="Training set after stage 4")
    parser.add_argument("train_args", nargs="*", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the labels; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an objective has no label that it could learn, or an option is not valid.
    """
    options, given = get_parser().parse(arguments)
    _refuse_emptied(options.whole, options.kept, given)
    from espnet_soups.task.checks.check_labels import check_labels
    from espnet_soups.task.msp_task import MSPTask
    from espnet_soups.task.preprocessor import build_preprocessor

    # statistics do not exist yet, and no soup is needed
    untrained = ["--output_dir", "unused", "--normalize", "none", "--trainer", "default"]
    args = MSPTask.get_parser().parse_args([*options.train_args, *untrained])
    MSPTask.check_required_command_args(args)
    model = MSPTask.build_model(args)
    for warning in check_labels(args, model, build_preprocessor(args, train=True)):
        print(f"warning: {warning}", file=sys.stderr)


def _refuse_emptied(whole: Path, kept: Path, given: Mapping[str, str]) -> None:
    """Refuse a length filter that leaves an objective without a label.

    Raises:
        ValueError: If it does; the message names the objective and counts its labels.
    """
    from espnet_soups.data.data_dir import read_data_dir
    from espnet_soups.objectives.run import read_run
    from espnet_soups.objectives.set_labels import emptied_objectives, labels_by_objective

    audio = "wav.scp" if (whole / "wav.scp").exists() else "feats.scp"
    objectives = read_run(given).objectives
    # one set after the other, since each takes 1 GB for a million utterances
    before, after = (
        labels_by_objective(read_data_dir(path, audio), objectives) for path in (whole, kept)
    )
    emptied = emptied_objectives(before, after)
    if emptied:
        listed = ", ".join(f"{name} (all {number} labels)" for name, number in emptied.items())
        raise ValueError(
            f"The length filter leaves out every label of {listed} in {whole}: change"
            " `--min_wav_duration` or `--max_wav_duration`, cut long utterances, or leave the"
            " objective out."
        )


if __name__ == "__main__":
    run_command(main)

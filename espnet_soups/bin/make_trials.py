"""Make a list of trials for speaker verification of the utterances of a data dir."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.make_trials", description=__doc__
    )
    parser.add_argument("--data_dir", type=Path, required=True, help="Data dir; it gets the list")
    parser.add_argument("--name", default="trials", help="Name of the list (trials)")
    parser.add_argument("--label_file", default="utt2spk", help="File of speakers (utt2spk)")
    parser.add_argument(
        "--per_speaker",
        type=int,
        default=250,
        help="Target trials of a speaker at most; there are as many non-target trials (250)",
    )
    parser.add_argument(
        "--same_language",
        default="true",
        choices=["true", "false"],
        help="Whether both utterances of a trial are of one language, by utt2lang (true)",
    )
    parser.add_argument("--seed", type=int, default=0, help="Seed of the draws (0)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the list; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If the set has too few speakers or utterances, or an option is not valid.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.trials import make_trials
    from espnet_soups.files import read_table, write_text

    path = options.data_dir / options.label_file
    speakers = read_table(path)
    same = options.same_language == "true"
    languages = read_table(options.data_dir / "utt2lang") if same else None
    try:
        trials = make_trials(speakers, languages, options.per_speaker, options.seed)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    write_text(options.data_dir / options.name, trials.lines())
    print(
        f"{options.data_dir / options.name}: {len(trials.target):,} target and"
        f" {len(trials.nontarget):,} non-target trials of {len(set(speakers.values()))} speakers"
    )


if __name__ == "__main__":
    run_command(main)

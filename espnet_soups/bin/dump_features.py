"""Write features or audio of data dirs into dump/ (stage 3)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import exit_on_signals, run_command, set_up_logging


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.dump_features", description=__doc__
    )
    parser.add_argument(
        "--sets", nargs="+", required=True, metavar="DATA=TARGET", help="Data dir and its target"
    )
    parser.add_argument(
        "--look_at",
        type=Path,
        nargs="*",
        default=[],
        help="Further data dirs whose first recording is read before all else, to find a wrong"
        " sampling rate at once",
    )
    parser.add_argument("--feats_type", default="fbank", choices=["fbank", "raw"], help="(fbank)")
    parser.add_argument("--fs", type=int, default=16000, help="Sampling rate, Hz (16000)")
    parser.add_argument("--num_mel_bins", type=int, default=80, help="Filters (80)")
    parser.add_argument("--stack", type=int, default=4, help="Frames put into one (4)")
    parser.add_argument("--resample", default="false", choices=["true", "false"], help="(false)")
    parser.add_argument(
        "--dump_audio",
        default="true",
        choices=["true", "false"],
        help="With raw: copy the audio; if not, each recording is read once and training reads it"
        " where it lies (true)",
    )
    parser.add_argument("--nj", type=int, default=4, help="Processes (4)")
    parser.add_argument(
        "--unlabeled", default="false", choices=["true", "false"], help="Audio alone (false)"
    )
    parser.add_argument(
        "--audio_labels",
        nargs="*",
        default=[],
        help="Files of second audio, which are dumped like the speech in sets that have them",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sets; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option or a set is not valid, or audio cannot be read.
        OSError: If a file is missing, or the disk is full.
    """
    options = get_parser().parse_args(arguments)
    set_up_logging()
    from espnet_soups.data.data_dir import read_data_dir
    from espnet_soups.data.dump import look_at_first, replace_set
    from espnet_soups.data.features import FeatureConfig

    config = FeatureConfig(options.feats_type, options.fs, options.num_mel_bins, options.stack)
    pairs = [item.partition("=") for item in options.sets]
    if not all(separator and target for _, separator, target in pairs):
        raise ValueError(f"Sets must look like data/train=dump/train, but got {options.sets}.")
    labelled = options.unlabeled != "true"
    sets = []
    for source, _, target in pairs:
        seconds = [name for name in options.audio_labels if (Path(source) / name).is_file()]
        data = read_data_dir(Path(source), labelled=labelled, audio_labels=seconds)
        sets.append((data, Path(target)))
    for source in dict.fromkeys([*(data.path for data, _ in sets), *options.look_at]):
        look_at_first(source, config, options.resample == "true")
    exit_on_signals()
    for data, target in sets:
        length = replace_set(
            *(data, target, config, options.nj, options.resample == "true"),
            copies=options.dump_audio == "true",
        )
        print(f"{target}: {len(data.audio)} utterances, {length / 60:.1f} minutes")


if __name__ == "__main__":
    run_command(main)

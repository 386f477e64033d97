"""Leaves out utterances that are too short or too long to train on (stage 4)."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.filter_lengths", description=__doc__
    )
    parser.add_argument("--source", type=Path, required=True, help="Folder of a dumped set")
    parser.add_argument("--target", type=Path, required=True, help="Folder of the filtered set")
    parser.add_argument("--frame_seconds", type=float, required=True, help="Seconds of a frame")
    parser.add_argument("--min_wav_duration", type=float, default=0.1, help="Seconds (0.1)")
    parser.add_argument("--max_wav_duration", type=float, default=20.0, help="Seconds (20)")
    parser.add_argument(
        "--unlabeled", default="false", choices=["true", "false"], help="Audio alone (false)"
    )
    parser.add_argument(
        "--labels", nargs="*", default=[], help="Files whose labels count beside texts"
    )
    parser.add_argument("--audio_labels", nargs="*", default=[], help="Files of second audio")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Filters one set; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.data_dir import read_data_dir, write_data_dir
    from espnet_soups.data.length_filter import filter_lengths
    from espnet_soups.data.lengths import read_lengths
    from espnet_soups.files import write_table

    raw = (options.source / "wav.scp").exists()
    audio_file = "wav.scp" if raw else "feats.scp"
    lengths_file = "utt2num_samples" if raw else "utt2num_frames"
    labelled = options.unlabeled != "true"
    data = read_data_dir(options.source, audio_file, labelled, options.audio_labels)
    lengths = read_lengths(options.source / lengths_file)
    seconds = {key: length * options.frame_seconds for key, length in lengths.items()}
    kept, report = filter_lengths(
        data, seconds, options.min_wav_duration, options.max_wav_duration, options.labels
    )
    write_data_dir(replace(kept, path=options.target), audio_file)
    write_table(options.target / lengths_file, {key: str(lengths[key]) for key in kept.audio})
    print(
        f"{options.target}: {len(kept.audio)} of {len(data.audio)} utterances,"
        f" {sum(seconds[key] for key in kept.audio) / 60:.1f} minutes; left out: {report.too_short}"
        f" shorter than {options.min_wav_duration:g} s, {report.too_long} longer than"
        f" {options.max_wav_duration:g} s, {report.no_label} without any label"
    )


if __name__ == "__main__":
    run_command(main)

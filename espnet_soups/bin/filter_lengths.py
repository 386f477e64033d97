"""Leave out utterances that are too short or too long to train on, or of another language."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import run_command
from espnet_soups.bin.run_parser import EPILOG, RunParser

if TYPE_CHECKING:
    from espnet_soups.data.data_dir import DataDir

LABELS_EPILOG = " With them, labels that have more tokens than frames are counted."


def get_parser() -> RunParser:
    """Return the options."""
    parser = RunParser("filter_lengths", __doc__, EPILOG + LABELS_EPILOG)
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
    parser.add_argument(
        "--keep_languages", nargs="*", default=[], help="Keep the utterances of these alone (all)"
    )
    parser.add_argument(
        "--least", type=int, default=0, help="Utterances that each language must have left (0)"
    )
    parser.add_argument(
        "--languages_alone",
        default="false",
        choices=["true", "false"],
        help="Whether durations and labels do not count, as in test sets (false)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Filter one set; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options, given = get_parser().parse(arguments)
    from espnet_soups.data.audio_digest import copy_digests
    from espnet_soups.data.data_dir import read_data_dir, write_data_dir
    from espnet_soups.data.lengths import read_lengths
    from espnet_soups.files import write_table

    raw = (options.source / "wav.scp").exists()
    audio_file = "wav.scp" if raw else "feats.scp"
    lengths_file = "utt2num_samples" if raw else "utt2num_frames"
    labelled = options.unlabeled != "true"
    lengths = read_lengths(options.source / lengths_file)
    whole = read_data_dir(options.source, audio_file, labelled, options.audio_labels)
    number = len(whole.audio)
    seconds = {key: length * options.frame_seconds for key, length in lengths.items()}
    kept, reasons = _filter(whole, seconds, options)
    kept = replace(kept, path=options.target)
    del whole  # a million utterances take 1 GB
    warnings = _long_labels(kept, lengths, given) if given else []
    write_data_dir(kept, audio_file)
    write_table(options.target / lengths_file, {key: str(lengths[key]) for key in kept.audio})
    copy_digests(options.source, options.target, kept.audio)
    print(
        f"{options.target}: {len(kept.audio)} of {number} utterances,"
        f" {sum(seconds[key] for key in kept.audio) / 60:.1f} minutes; left out:"
        f" {', '.join(reasons)}"
    )
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _filter(
    whole: "DataDir", seconds: Mapping[str, float], options: argparse.Namespace
) -> "tuple[DataDir, list[str]]":
    """Return the utterances that are kept, and phrases on those left out."""
    from espnet_soups.data.length_filter import check_languages_left, filter_lengths

    data = whole.keep_languages(options.keep_languages) if options.keep_languages else whole
    if not data.audio:
        raise ValueError(
            f"{options.source} has no utterance of {', '.join(options.keep_languages)}, but of"
            f" {', '.join(sorted(set(whole.languages.values())))}."
        )
    others = len(whole.audio) - len(data.audio)
    reasons = [f"{others} of other languages"] if options.keep_languages else []
    if options.languages_alone == "true":
        return data, reasons
    kept, report = filter_lengths(
        data, seconds, options.min_wav_duration, options.max_wav_duration, options.labels
    )
    check_languages_left(data, kept, options.least)
    reasons += [
        f"{report.too_short} shorter than {options.min_wav_duration:g} s",
        f"{report.too_long} longer than {options.max_wav_duration:g} s",
        f"{report.no_label} without any label",
    ]
    return kept, reasons


def _long_labels(
    kept: "DataDir", lengths: Mapping[str, int], given: Mapping[str, str]
) -> list[str]:
    """Return warnings of labels that have more characters than frames."""
    from espnet_soups.objectives.label_lengths import describe_long_labels
    from espnet_soups.objectives.run import read_run

    frames = {key: lengths[key] for key in kept.audio}
    return describe_long_labels(read_run(given), kept, frames, "char")


if __name__ == "__main__":
    run_command(main)

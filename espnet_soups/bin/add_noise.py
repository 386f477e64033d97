"""Write a noisy version of a data dir, with the clean audio beside it in clean.scp (stage 2)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command, set_up_logging


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.add_noise", description=__doc__
    )
    parser.add_argument("--source", type=Path, required=True, help="Data dir")
    parser.add_argument("--target", type=Path, required=True, help="New data dir")
    parser.add_argument("--audio_dir", type=Path, help="Folder of its audio (TARGET/audio)")
    parser.add_argument(
        "--noises",
        default="generated",
        help="generated (white, pink, brown, hum, babble of the set's own utterances), or a folder"
        " of recordings of noise, such as MUSAN's (generated)",
    )
    parser.add_argument(
        "--snr",
        type=float,
        nargs=2,
        default=[0.0, 20.0],
        metavar=("LEAST", "MOST"),
        help="Range of signal-to-noise ratios, dB (0 20)",
    )
    parser.add_argument(
        "--rooms",
        type=float,
        nargs=2,
        metavar=("LEAST", "MOST"),
        help="Range of reverberation times (RT60), seconds, such as 0.2 0.8; not given: no rooms",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="Seed of all that is drawn, with the id (0)"
    )
    parser.add_argument("--nj", type=int, default=4, help="Processes (4)")
    parser.add_argument(
        "--look_at",
        type=Path,
        nargs="*",
        default=[],
        help="Data dirs whose first recording is read before all else, to check its rate (--fs)",
    )
    parser.add_argument("--fs", type=int, default=16000, help="Rate of stage 3, Hz (16000)")
    parser.add_argument("--resample", default="false", choices=["true", "false"], help="(false)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data dir; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    set_up_logging()
    from espnet_soups.data.data_dir import read_data_dir
    from espnet_soups.data.dump import look_at_first
    from espnet_soups.data.features import FeatureConfig
    from espnet_soups.data.noise import NoiseConfig, add_noise

    for path in options.look_at:
        look_at_first(path, FeatureConfig("raw", options.fs), options.resample == "true")
    rooms = None if options.rooms is None else tuple(options.rooms)
    config = NoiseConfig(options.noises, tuple(options.snr), rooms, options.seed)
    data = read_data_dir(options.source)
    folder = options.audio_dir or options.target / "audio"
    report = add_noise(data, options.target, folder, config, options.nj)
    listed = ", ".join(f"{name} {number}" for name, number in sorted(report.noises.items()))
    print(
        f"{options.target}: {len(data.audio)} utterances; noises: {listed};"
        f" {report.softer} made softer, {report.silent} silent"
    )


if __name__ == "__main__":
    run_command(main)

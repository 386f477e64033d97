"""Measure the preparation of CoVoST 2: time and memory for rows of the tables, clips per second."""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.corpora",
        description=__doc__ + " The data are generated and deleted. Last line: one JSON object.",
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="Rows of the tables (1000000)")
    parser.add_argument("--clips", type=int, default=200, help="MP3 clips that are decoded (200)")
    parser.add_argument("--seconds", type=float, default=5.0, help="Length of a clip (5.0)")
    parser.add_argument("--folder", type=Path, help="Folder of temporary files (the system's)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    import tempfile

    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        results = measure_tables(Path(scratch), options.rows)
        print(
            f"{options.rows:,} rows joined, sorted and written in {results['seconds']:.1f} s;"
            f" peak memory {results['peak_mb']:.0f} MB, {results['start_mb']:.0f} MB at the start"
        )
        results |= measure_clips(Path(scratch), options.clips, options.seconds)
        print(
            f"{options.clips} clips of {options.seconds:g} s, 48 kHz MP3 to 16 kHz FLAC:"
            f" {results['clips_per_second']:.1f} a second on one core"
        )
    print(json.dumps(results))


def measure_tables(folder: Path, rows: int) -> dict[str, float]:
    """Join generated tables, write a data dir, and return time and memory.

    Args:
        folder: Folder for the files.
        rows: Rows of the tables.

    Returns:
        Rows, seconds, and memory at the start and at its peak, MB.
    """
    from espnet_soups.data.corpora.covost2_join import ClipStore
    from espnet_soups.data.utterance import write_set

    write_tables(folder, rows)
    before = peak_megabytes()
    start = time.perf_counter()
    store = ClipStore(folder / "fr.sqlite", "fr")
    store.join({"fr_en": folder / "covost_v2.fr_en.tsv"}, folder / "validated.tsv")
    write_set(folder / "train", store.utterances("train", ["en"]), ["en"])
    store.close()
    seconds = time.perf_counter() - start
    return {"rows": rows, "seconds": seconds, "start_mb": before, "peak_mb": peak_megabytes()}


def measure_clips(folder: Path, clips: int, seconds: float) -> dict[str, float]:
    """Decode generated MP3 clips in this process, and return the speed.

    Args:
        folder: Folder for the files.
        clips: Number of clips.
        seconds: Length of a clip.

    Returns:
        Number and length of the clips, and clips per second.

    Raises:
        ValueError: If a clip could not be decoded.
    """
    from espnet_soups.data.corpora.convert_clips import convert_clips
    from espnet_soups.testing.miniature_corpora import write_noise

    for number in range(clips):
        write_noise(folder / "clips" / f"{number}.mp3", seconds, 48000, number, "MP3")
    pairs = [
        (path, folder / "flac" / f"{path.stem}.flac") for path in (folder / "clips").glob("*.mp3")
    ]
    start = time.perf_counter()
    failures = list(convert_clips(pairs, 16000, jobs=1))
    duration = time.perf_counter() - start
    if failures:
        raise ValueError(f"{len(failures)} clips could not be decoded: {failures[0]}.")
    return {"clips": clips, "clip_seconds": seconds, "clips_per_second": clips / duration}


def write_tables(folder: Path, rows: int) -> None:
    """Write `validated.tsv` and a table of CoVoST 2, in different orders.

    Args:
        folder: Folder for the files.
        rows: Rows of each table.
    """
    with open(folder / "validated.tsv", "w", encoding="utf-8", newline="\n") as file:
        file.write("client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent\n")
        for number in range(rows):
            file.write(
                f"{number % 5000:0128x}\tcommon_voice_fr_{number:08d}.mp3\tUne phrase, « d’une"
                f" longueur moyenne » : numéro {number}.\t2\t0\t\t\t\n"
            )
    with open(folder / "covost_v2.fr_en.tsv", "w", encoding="utf-8", newline="\n") as file:
        file.write("path\ttranslation\tsplit\n")
        for number in range(rows):
            name = (number * 7919) % rows if rows % 7919 else number
            file.write(
                f"common_voice_fr_{name:08d}.mp3\tA sentence, “of average length”: number"
                f" {name}.\ttrain\n"
            )


def peak_megabytes() -> float:
    """Return the peak resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    run_command(main)

"""Check that every audio file of a data dir exists."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from espnet_soups.data.ark import is_command
from espnet_soups.data.data_dir import NO_LABEL, DataDir
from espnet_soups.data.place import read_place


def check_audio(data: DataDir) -> None:
    """Check that every audio file exists and is not empty, including those that are labels.

    Args:
        data: The set.

    Raises:
        FileNotFoundError: If some do not; the message counts them and names the first.
        ValueError: If an entry is a Kaldi pipe.
    """
    _check_files(data.path / "wav.scp", data.audio)
    for name, table in data.audio_labels.items():
        present = {key: audio for key, audio in table.items() if audio != NO_LABEL}
        _check_files(data.path / name, present)


def _check_files(path: Path, table: Mapping[str, str]) -> None:
    pipes = [key for key, audio in table.items() if is_command(audio)]
    if pipes:
        raise ValueError(
            f"{path}: {pipes[0]} is a pipe (`... |`), and pipes are not run: write"
            " plain paths of audio files; stage 3 decodes FLAC, MP3, OGG and WAV itself."
        )
    has_content = cache(_has_content)  # a recording may have thousands of parts
    missing = [key for key, audio in table.items() if not has_content(read_place(audio).path)]
    if missing:
        raise FileNotFoundError(
            f"{path}: {len(missing)} of {len(table)} audio files do not exist"
            f" or are empty; the first is {table[missing[0]]} ({missing[0]});"
            " put them there, or take their lines out of all files of the folder."
        )


def _has_content(name: str) -> bool:
    path = Path(name)
    return path.is_file() and path.stat().st_size > 0

"""Read tables of audio, with Kaldi's `segments` where utterances are parts of recordings."""

from dataclasses import replace
from pathlib import Path

from espnet_soups.data.ark import refuse_commands
from espnet_soups.data.place import read_place
from espnet_soups.files import read_table

SEGMENTS = "segments"
NO_AUDIO = "<na>"  # in tables of a second recording, such as clean.scp


def read_audio_table(path: Path) -> dict[str, str]:
    """Read a table of audio, such as `wav.scp`.

    Args:
        path: The table. If `segments` lies beside it, its keys are recordings.

    Returns:
        Utterance id to place, see `data/place.py`, in the order of the table or of `segments`.

    Raises:
        OSError: If there is no such file.
        ValueError: If a file is malformed, or a segment names a recording that the table lacks.
    """
    table, segments = read_table(path), path.with_name(SEGMENTS)
    if not segments.is_file():
        return table
    refuse_commands(path, table)
    return {
        key: _part(f"{segments}: {key}", value, table, path)
        for key, value in read_table(segments).items()
    }


def _part(line: str, value: str, table: dict[str, str], path: Path) -> str:
    """Return the place of a segment."""
    words = value.split()
    if len(words) != 3:
        raise ValueError(
            f"{line} has {value!r:.60}; expected `utterance recording begin end`, in seconds"
            " (a channel is not read: cut channels into files of their own)."
        )
    recording = words[0]
    if recording not in table:
        raise ValueError(
            f"{line} is a part of {recording}, which {path} lacks: add the recording there, or take"
            " the utterance out of all files of the folder."
        )
    audio = table[recording]
    if audio == NO_AUDIO:
        return audio
    try:
        begin, end = float(words[1]), float(words[2])
        whole = read_place(audio)
        if whole.seconds is not None:
            raise ValueError(f"{path} has a part of a file for {recording} already")
        # Kaldi: -1 is the end of the recording
        return str(replace(whole, seconds=(begin, None if end == -1 else end)))
    except ValueError as error:
        raise ValueError(f"{line} is no part of a recording: {error}.") from error

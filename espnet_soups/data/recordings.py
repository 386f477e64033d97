"""Find and read the recordings that a user names: files, folders of them, or standard input."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import numpy as np

STDIN = "-"
SUFFIXES = (".aif", ".aiff", ".au", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".w64", ".wav")


def find_recordings(named: Sequence[str]) -> dict[str, str]:
    """Return the recordings that a user names.

    Args:
        named: Files, folders (all below them with an ending of audio), or `-` for standard input.

    Returns:
        Name of its results to path or `-`. The name has no ending; below a folder it is the path
        from there.

    Raises:
        FileNotFoundError: If there is no such file, or no recording in a folder.
        ValueError: If two recordings would get the same name.
    """
    found: dict[str, str] = {}
    for name in named:
        path = Path(name)
        if name == STDIN:
            own = [("stdin", STDIN)]
        elif path.is_dir():
            sounds = (item for item in path.rglob("*") if item.suffix.lower() in SUFFIXES)
            files = sorted(item for item in sounds if not item.is_dir())
            own = [(str(item.relative_to(path).with_suffix("")), str(item)) for item in files]
            if not own:
                endings = ", ".join(SUFFIXES)
                raise FileNotFoundError(f"Folder {path} holds no recording ({endings}).")
        elif path.is_file():
            own = [(path.stem, str(path))]
        else:
            raise FileNotFoundError(f"Audio file {path} does not exist.")
        for called, place in own:
            if found.setdefault(called, place) != place:
                raise ValueError(
                    f"{found[called]} and {place} would both be written as {called}: name them in"
                    " two calls."
                )
    return found


def read_recording(place: str, stdin: BinaryIO | None = None) -> "tuple[np.ndarray, int]":
    """Return the samples of a recording, the mean of its channels, and its rate.

    Args:
        place: A path, or `-`.
        stdin: Stream to read for `-`: a whole file, such as WAV, with its header.

    Returns:
        (samples in [-1, 1], float32, `(samples,)`; the rate, Hz).

    Raises:
        OSError: If there is no such file.
        ValueError: If it cannot be read; the message names it.
    """
    from espnet_soups.data.audio import decode_audio

    if place != STDIN or stdin is None:
        if not Path(place).is_file():
            raise FileNotFoundError(f"Audio file {place} does not exist.")
        return decode_audio(place, f"Audio file {place}", "name a recording, such as WAV or FLAC")
    content = io.BytesIO(stdin.read())
    way_out = "pipe a whole file with its header, such as WAV"
    return decode_audio(content, "Standard input", way_out)

"""Read tables of whole numbers: lengths of utterances, and shapes for ESPnet's samplers."""

from pathlib import Path

from espnet_soups.files import read_table

MOST = 10**12  # no recording has this many samples


def read_shapes(path: Path) -> dict[str, list[int]]:
    """Read a table of shapes, such as `speech_shape`: frames and dimension, or samples.

    Args:
        path: The file.

    Returns:
        Utterance id to its shape.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed, or a value is not a list of whole numbers, separated by
            commas.
    """
    shapes = {}
    for key, value in read_table(path).items():
        words = value.split(",")
        if not all(word.isascii() and word.isdecimal() for word in words):
            raise ValueError(f"{path}: {key} must have whole numbers, but has {value!r:.60}.")
        if not all(len(word) < len(str(MOST)) for word in words):
            raise ValueError(f"{path}: {key} cannot be as long as {value!r:.60}.")
        shapes[key] = [int(word) for word in words]
    return shapes


def read_lengths(path: Path) -> dict[str, int]:
    """Read a table of lengths, such as `utt2num_frames`.

    Args:
        path: The file.

    Returns:
        Utterance id to its length.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed, or a value is not a whole number.
    """
    shapes = read_shapes(path)
    several = [key for key, shape in shapes.items() if len(shape) > 1]
    if several:
        raise ValueError(f"{path}: {several[0]} must have one number, but has several.")
    return {key: shape[0] for key, shape in shapes.items()}

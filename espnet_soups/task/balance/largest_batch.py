"""Find the largest size of mini-batches that fits, and write it into a YAML file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.files import read_lines, write_text

PRECISION = 1.05  # ratio of the smallest size that fails to the largest that fits


@dataclass(frozen=True)
class Trial:
    """Outcome of training with one size.

    Attributes:
        fits: Whether training stays within the allowed memory.
        at_end: Whether a size further in the same direction (larger if it fits, smaller if not)
            changes no mini-batch.
        utterances: Utterances of the larger of the mini-batches that were tried; None: not reached.
        gib: Largest memory that was held at once, GiB; None: too much.
    """

    fits: bool
    at_end: bool = False
    utterances: int | None = None
    gib: float | None = None


def find_largest_size(start: int, attempt: Callable[[int], Trial]) -> int:
    """Find the largest size that fits by bisection.

    Args:
        start: The first size.
        attempt: Function that tries a size.

    Returns:
        A size that fits, while one 1.05 times as large does not, or all data fit.

    Raises:
        ValueError: If no size fits.

    >>> find_largest_size(100, lambda size: Trial(size <= 730))
    725
    """
    low = high = 0  # the largest that fits, the smallest that fails; 0: not known
    size = start
    while not low or not high:
        trial = attempt(size)
        low, high = (size, high) if trial.fits else (low, size)
        if not low and (trial.at_end or size == 1):
            raise ValueError(
                "Training does not fit even with the smallest mini-batches, two utterances of each"
                " language: allow more memory, leave out the longest utterances, or take a smaller"
                " model."
            )
        if trial.fits and trial.at_end:
            return low
        size = 2 * size if trial.fits else max(1, size // 2)
    while high > PRECISION * low and high - low > 1:
        size = (low + high) // 2
        low, high = (size, high) if attempt(size).fits else (low, size)
    return low


def write_size(path: Path, key: str, value: float, reason: str) -> None:
    """Write a size into a training configuration; all other lines are kept.

    Args:
        path: The YAML file.
        key: The option that limits mini-batches: `batch_bins`, `batch_seconds` or `batch_size`.
        value: Its value.
        reason: Comment to write behind it.

    Raises:
        OSError: If the file cannot be read or written.
    """
    line = f"{f'{key}: {value}':<32} # {reason}"
    replaced = (key,) if key == "batch_size" else ("batch_bins", "batch_seconds")
    lines = list(read_lines(path))
    places = [n for n, old in enumerate(lines) if old.partition(":")[0].rstrip() in replaced]
    place = places[0] if places else len(lines)
    kept = [old for number, old in enumerate(lines) if number not in places]
    write_text(path, "\n".join([*kept[:place], line, *kept[place:], ""]))

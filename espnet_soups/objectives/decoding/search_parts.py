"""Parts of a batch to search together: as many utterances as memory allows and time suggests."""

from collections.abc import Sequence


def part_sizes(
    works: Sequence[float], alone: Sequence[float], start: float, most: Sequence[int]
) -> list[int]:
    """Cut utterances into parts whose searches take the least time together.

    A search of n utterances takes the time of its first one `start + n` times: the longest decides
    on the number of steps and frames, and each of these has a price of its own.

    Args:
        works: Time of each utterance in a search with others, in any unit, largest first.
        alone: Time of each utterance in a search of its own.
        start: Time of a search without utterances, in utterances.
        most: Largest number of utterances in a search that begins with each of them, at least 1.

    Returns:
        Number of utterances of each part.

    >>> works = [100.0, 90.0, 4.0, 3.0, 2.0]
    >>> part_sizes(works, works, 2.0, [9] * 5)
    [2, 3]
    >>> part_sizes(works, works, 2.0, [9, 9, 2, 2, 2])
    [2, 2, 1]
    >>> part_sizes(works, [30.0, 30.0, 4.0, 3.0, 2.0], 2.0, [9] * 5)
    [1, 1, 3]
    """
    least, sizes = [0.0], [0]  # of the utterances up to each
    for end in range(1, len(works) + 1):
        ways = [
            (least[first] + own[first] * (start + end - first), end - first)
            for first in range(end)
            for own in [works if end - first > 1 else alone]
            if end - first <= most[first]
        ]
        time, size = min(ways)
        least.append(time)
        sizes.append(size)
    parts, end = [], len(works)
    while end:
        parts.append(sizes[end])
        end -= sizes[end]
    return parts[::-1]

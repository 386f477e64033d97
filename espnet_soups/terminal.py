"""A line on the terminal that the next one takes the place of."""

import shutil
import sys


def renew_line(line: str) -> None:
    """Write a line to standard error for a while, if that is a terminal; empty: clear it.

    The cursor goes back to its beginning, so that whatever is written next stands in its place.
    """
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]}\033[K\r", end="", file=sys.stderr, flush=True)

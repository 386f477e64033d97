"""Show a line on the terminal that the next one replaces."""

import shutil
import sys


def renew_line(line: str) -> None:
    """Show a line on standard error until the next output, if that is a terminal.

    The cursor returns to the beginning of the line, so that whatever is written next replaces it.

    Args:
        line: The line, cut at the width of the terminal; empty: clear it.
    """
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]}\033[K\r", end="", file=sys.stderr, flush=True)

"""What every command shares: bad input ends in one sentence and a non-zero exit status."""

import errno
import logging
import signal
import sys
from collections.abc import Callable, Sequence


def run_command(main: Callable[[Sequence[str] | None], None]) -> None:
    """Runs `main` on the command line and turns bad input into one sentence.

    Args:
        main: Parses the given arguments (None: `sys.argv[1:]`) and does the work. It raises
            `ValueError` or `OSError` for what the user can mend; anything else is a defect and
            keeps its traceback. Ctrl-C ends with status 130.
    """
    try:
        main(None)
    except (ValueError, OSError) as error:
        print(f"error: {_sentence(error)}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _sentence(error: Exception) -> str:
    """Gives the text of an error; that of a full disk says what to do."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" ({error.filename} could not be written)" if error.filename else ""
        return f"{error.strerror}{place}: free some space, then run the same command again."
    return str(error)


def set_up_logging() -> None:
    """Makes log lines short and timed, on standard error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s: %(message)s", level=logging.INFO)

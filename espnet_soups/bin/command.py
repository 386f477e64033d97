"""What every command shares: bad input ends in one sentence and a non-zero exit status."""

import logging
import sys
from collections.abc import Callable, Sequence


def run_command(main: Callable[[Sequence[str] | None], None]) -> None:
    """Runs `main` on the command line and turns bad input into one sentence.

    Args:
        main: Parses the given arguments (None: `sys.argv[1:]`) and does the work. It raises
            `ValueError` or `OSError` for what the user can mend; anything else is a defect and
            keeps its traceback.
    """
    try:
        main(None)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def set_up_logging() -> None:
    """Makes log lines short and timed, on standard error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s: %(message)s", level=logging.INFO)

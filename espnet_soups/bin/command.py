"""Run a command so that bad input ends in one sentence and a non-zero exit status."""

import errno
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

import yaml

END_WITH_PARENT = "ESPNET_SOUPS_END_WITH_PARENT"  # msp.sh sets it
LOOK_SECONDS = 0.5  # between two looks at the parent
ONE_COMMAND = "espnet-soups"


def program(module: str, command: str = "") -> str:
    """Return how a command was called, for its help.

    Args:
        module: Name of its module in `espnet_soups.bin`.
        command: Its name below `espnet-soups`; empty: that of the module.
    """
    called = f"{ONE_COMMAND} {command or module}"
    return called if sys.argv[0] == called else f"python -m espnet_soups.bin.{module}"


def split_words(arguments: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the words of a command line before `--`, and those after it, for another command.

    Args:
        arguments: The words; None: `sys.argv[1:]`.

    >>> split_words(["--seed", "1", "--", "--ngpu", "4"]), split_words(["--seed", "1"])
    ((['--seed', '1'], ['--ngpu', '4']), (['--seed', '1'], []))
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end + 1 :]


def run_command(main: Callable[[Sequence[str] | None], None]) -> None:
    """Run `main` on the command line and turn bad input into one sentence.

    Args:
        main: Function that parses the given arguments (None: `sys.argv[1:]`) and does the work. It
            raises `ValueError` or `OSError` for what the user can correct; any other error is a
            defect and keeps its traceback. Ctrl-C ends with status 130.
    """
    if os.environ.get(END_WITH_PARENT):
        end_with_parent()
    try:
        main(None)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, such as `head`, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (ValueError, OSError) as error:
        print(f"error: {_sentence(error)}", file=sys.stderr)
        sys.exit(1)
    except yaml.YAMLError as error:  # for files it is a ValueError that names them
        problem = " ".join(str(error).split())
        print(f"error: The value of an option is not valid YAML: {problem}.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def exit_on_signals() -> None:
    """Turn SIGTERM and SIGHUP into `SystemExit`, so that clean-up runs and processes are ended."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` sets it
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))


def end_with_parent() -> None:
    """Send this process SIGTERM when the one that started it is gone, even by SIGKILL."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    # an orphan is handed to another process
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _sentence(error: Exception) -> str:
    """Return the text of an error; on a full disk it says what to do."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" ({error.filename} could not be written)" if error.filename else ""
        return f"{error.strerror}{place}: free some space, then run the same command again."
    return str(error)


def set_up_logging() -> None:
    """Make log lines short and timed, on standard error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s: %(message)s", level=logging.INFO)

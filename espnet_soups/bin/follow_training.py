"""Print warnings, progress and a line per epoch while stage 9 trains; ends with its parent."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from espnet_soups.terminal import renew_line

FIRST_SECONDS = 20.0  # seconds of the first epoch until the first line, if the output is a file
LOG_SECONDS = 60.0  # from one line to the next, if the output is a file


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.follow_training", description=__doc__
    )
    parser.add_argument("--exp_dir", type=Path, required=True, help="Folder of the run")
    return parser


class Remarks:
    """Remarks of training before its first step, each printed once.

    Args:
        path: The file to which training writes them.
        sign: Prefix of each line.
    """

    def __init__(self, path: Path, sign: str = "warning: ") -> None:
        self.path, self.sign = path, sign
        self._seen = time_of(path)
        self._told: list[str] = []

    def tell(self) -> None:
        """Print the remarks of this run, each once."""
        from espnet_soups.files import read_lines

        changed = time_of(self.path)
        if changed not in (None, self._seen):
            self._seen = changed
            lines = list(read_lines(self.path))
            for line in lines:
                if line not in self._told:
                    renew_line("")
                    print(f"  {self.sign}{line}", flush=True)
            self._told = lines


class Progress:
    """Progress of an epoch: a line that is renewed on a terminal, elsewhere one line a minute.

    Args:
        exp_dir: Folder of the run.
    """

    def __init__(self, exp_dir: Path) -> None:
        self.path = exp_dir / "progress.json"
        self._seen = time_of(self.path)
        self._epoch: int | None = None
        self._due = FIRST_SECONDS  # of the epoch, until the next line in a file

    def tell(self) -> None:
        """Show the progress if training has written it anew."""
        from espnet_soups.files import read_json

        changed = time_of(self.path)
        if changed in (None, self._seen):
            return
        self._seen = changed
        record = read_json(self.path, "the training", {"epoch": int, "seconds": float, "line": str})
        if sys.stderr.isatty():
            renew_line(f"  {record['line']}")
            return
        if self._epoch not in (None, record["epoch"]):
            self._due = LOG_SECONDS
        self._epoch = record["epoch"]
        if record["seconds"] >= self._due:
            self._due = record["seconds"] + LOG_SECONDS
            print(f"  {record['line']}", flush=True)


def time_of(path: Path) -> int | None:
    """Return when a file was changed, in nanoseconds; None: there is none.

    Args:
        path: The file.
    """
    return path.stat().st_mtime_ns if path.exists() else None


def max_epoch_of(exp_dir: Path) -> int:
    """Return the number of the last epoch of a training.

    Args:
        exp_dir: Folder of the run.
    """
    from espnet_soups.files import read_yaml

    path, what = exp_dir / "config.yaml", "the configuration of this training"
    return int(read_yaml(path, what, {"max_epoch": int})["max_epoch"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Follow the training until its parent ends; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.report.follow import describe_epoch, follow_epochs

    parent, folder = os.getppid(), options.exp_dir
    told = (
        Remarks(folder / "resumed.txt", sign=""),
        Remarks(folder / "remarks.txt"),
        Progress(folder),
    )

    def tell() -> None:
        for part in told:
            part.tell()

    def stop() -> bool:  # asked every two seconds
        tell()
        return os.getppid() != parent

    for record in follow_epochs(folder, stop):
        tell()  # remarks come before the line of the epoch
        renew_line("")
        print(f"  {describe_epoch(record, max_epoch_of(folder))}", flush=True)


if __name__ == "__main__":
    run_command(main)

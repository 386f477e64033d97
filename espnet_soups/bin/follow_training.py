"""Prints warnings and a line per epoch while stage 9 trains; ends with what started it."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.follow_training", description=__doc__
    )
    parser.add_argument("--exp_dir", type=Path, required=True, help="Folder of the run")
    return parser


class Remarks:
    """What training has to say before its first step, told once on the terminal.

    Args:
        path: The file that training writes it to.
        sign: What stands before each line.
    """

    def __init__(self, path: Path, sign: str = "warning: ") -> None:
        self.path, self.sign = path, sign
        self._told = self._time()

    def tell(self) -> None:
        """Print the remarks if they are of this run."""
        time = self._time()
        if time not in (None, self._told):
            self._told = time
            from espnet_soups.files import read_lines

            for line in read_lines(self.path):
                print(f"  {self.sign}{line}", flush=True)

    def _time(self) -> int | None:
        return self.path.stat().st_mtime_ns if self.path.exists() else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Follows; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.files import read_yaml
    from espnet_soups.report.follow import describe_epoch, follow_epochs

    parent, folder = os.getppid(), options.exp_dir
    remarks = (Remarks(folder / "resumed.txt", sign=""), Remarks(folder / "remarks.txt"))

    def tell() -> None:
        for remark in remarks:
            remark.tell()

    def stop() -> bool:  # asked every two seconds
        tell()
        return os.getppid() != parent

    for record in follow_epochs(options.exp_dir, stop):
        tell()  # training said it before the epoch
        path, what = options.exp_dir / "config.yaml", "the configuration of this training"
        config = read_yaml(path, what, {"max_epoch": int})
        print(f"  {describe_epoch(record, config['max_epoch'])}", flush=True)


if __name__ == "__main__":
    run_command(main)

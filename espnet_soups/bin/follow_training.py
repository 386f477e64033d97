"""Prints a line per epoch while stage 9 trains; ends with the process that started it."""

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Follows; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    import yaml

    from espnet_soups.report.follow import describe_epoch, follow_epochs

    parent = os.getppid()
    for record in follow_epochs(options.exp_dir, stop=lambda: os.getppid() != parent):
        config = yaml.safe_load((options.exp_dir / "config.yaml").read_text(encoding="utf-8"))
        print(f"  {describe_epoch(record, config['max_epoch'])}", flush=True)


if __name__ == "__main__":
    run_command(main)

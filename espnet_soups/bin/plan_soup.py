"""Propose levels, combiners and layers from the conflicts that stage 8 has measured."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("plan_soup", "plan"),
        description=__doc__ + " The rule: docs/conflict.md.",
    )
    parser.add_argument("--conflict_dir", type=Path, required=True, help="Folder of stage 8")
    parser.add_argument(
        "--checkpoint", default="", help="Checkpoint whose conflicts count (the last one)"
    )
    parser.add_argument(
        "--top",
        default="",
        help="What comes first: an objective, a glob, or the beginning of names such as st (the"
        " group with the weakest gradients)",
    )
    parser.add_argument("--max_levels", type=int, default=3, help="The most levels (3)")
    parser.add_argument("--output", type=Path, help="Write the plan here as YAML")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Propose a soup; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid, or a table is malformed.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.conflict.plan_file import render_plan
    from espnet_soups.conflict.planner import plan_soup
    from espnet_soups.conflict.record import RECORD, read_record
    from espnet_soups.conflict.table import FILE, read_conflicts
    from espnet_soups.files import write_text

    if options.max_levels < 1:
        raise ValueError(f"`--max_levels` must be 1 or more, but got {options.max_levels}.")
    record = read_record(options.conflict_dir / RECORD)
    table = options.conflict_dir / FILE
    rows = read_conflicts(table)
    checkpoint = options.checkpoint or record.checkpoints[-1]
    supervised = {name: bool(own["supervised"]) for name, own in record.objectives.items()}
    plan = plan_soup(rows, supervised, checkpoint, options.top, options.max_levels, str(table))
    for reason in plan.reasons:
        print(f"- {reason}")
    text = render_plan(plan, str(table), checkpoint)
    if options.output is None:
        print(text, end="")
    else:
        write_text(options.output, text)
        print(f"wrote {options.output}")


if __name__ == "__main__":
    run_command(main)

"""List the combiners: their input, how they resume, their options and source."""

import argparse
from collections.abc import Sequence

from espnet_soups.bin.command import run_command
from espnet_soups.weighting.catalogue import REFUSED

HEADER = ("combiner", "looks at", "resumes", "options", "source")


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.list_combiners", description=__doc__
    )
    parser.add_argument("--markdown", action="store_true", help="As the table of docs/combiners.md")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the list; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.weighting.registry import combiner_table

    rows = combiner_table()
    if options.markdown:
        print("\n".join(markdown_lines(rows)))
        return
    widths = [max(len(row[i]) for row in [HEADER, *rows]) for i in range(4)]
    for row in [HEADER, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[4]]))
    print()
    for name, reason in REFUSED.items():
        print(f"not offered: {name}: {reason}")


def markdown_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of the table in Markdown.

    Args:
        rows: The rows of the table, with a cell for each name of `HEADER`.
    """
    marked = [
        (f"`{row[0]}`", *row[1:3], f"`{row[3]}`" if row[3] != "-" else "", row[4]) for row in rows
    ]
    lines = [HEADER, ("---",) * len(HEADER), *marked]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    run_command(main)

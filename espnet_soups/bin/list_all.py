"""List recipes, combiners, kinds of objectives, or the experiments of a folder."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command

TOPICS = ("recipes", "combiners", "kinds", "experiments")


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(prog=program("list_all", "list"), description=__doc__)
    parser.add_argument("what", choices=TOPICS)
    parser.add_argument(
        "--expdir", type=Path, default=Path("exp"), help="Folder of the experiments (exp)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the list; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    if options.what == "combiners":
        from espnet_soups.bin.list_combiners import main as list_combiners

        list_combiners([])
    elif options.what == "recipes":
        print_rows(recipe_rows())
    elif options.what == "kinds":
        print_rows(kind_rows())
    else:
        print_rows(experiment_rows(options.expdir))


def recipe_rows() -> list[tuple[str, ...]]:
    """Return the name of each recipe, and the heading of its README."""
    from espnet_soups.recipes.folders import find_recipe, recipe_names, recipes_root

    root = recipes_root()
    rows: list[tuple[str, ...]] = [("recipe", "what it is")]
    for name in recipe_names(root):
        readme = find_recipe(root, name) / "README.md"
        lines = readme.read_text(encoding="utf-8").split("\n") if readme.is_file() else [""]
        rows.append((name, lines[0].strip("# ")))
    return rows


def kind_rows() -> list[tuple[str, ...]]:
    """Return name, title, letters of `order` and scores of each built-in kind."""
    from espnet_soups.objectives.registry import KINDS

    rows: list[tuple[str, ...]] = [("kind", "what it is", "letters of order", "scores")]
    for kind in KINDS:
        scores = ", ".join(metric.title for metric in kind.metrics)
        rows.append((kind.name, kind.title, " ".join(kind.letters), scores or "none"))
    return rows


def experiment_rows(expdir: Path) -> list[tuple[str, ...]]:
    """Return the experiments of a folder, with their averaged models and scored sets.

    Args:
        expdir: The folder.

    Raises:
        FileNotFoundError: If there is no such folder, or no experiment in it.
    """
    configs = sorted(expdir.glob("msp_*/config.yaml"))
    if not configs:
        raise FileNotFoundError(
            f"{expdir} holds no experiment (msp_*/config.yaml): name a folder of experiments by"
            " `--expdir`."
        )
    rows: list[tuple[str, ...]] = [("experiment", "averaged model", "scored")]
    for config in configs:
        folder = config.parent
        averaged = [path.name for path in sorted(folder.glob("valid.*.ave.pth"))]
        scored = [str(path.parent.relative_to(folder)) for path in folder.glob("*/*/scores.json")]
        model = ", ".join(averaged) or "none yet"
        rows.append((str(folder), model, ", ".join(sorted(scored)) or "none yet"))
    return rows


def print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose columns are as wide as their longest cell.

    Args:
        rows: The rows, all of the same length.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    run_command(main)

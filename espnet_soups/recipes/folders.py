"""Find the folder of the recipes: inside this package in a wheel, beside it in a clone."""

import os
from pathlib import Path

from espnet_soups.files import read_json
from espnet_soups.recipes.left_out import is_left_out

PACKED = Path(__file__).parent / "egs2"  # tools/package_recipes.py writes it into a wheel
CLONED = Path(__file__).parents[2] / "egs2"
LINKS = "links.json"  # beside packed recipes: path of each link -> what it points to
KIND = "msp1"  # folder of a recipe, as in ESPnet


def recipes_root() -> Path:
    """Return the folder that holds the recipes.

    Raises:
        FileNotFoundError: If the package was installed without them.
    """
    for root in (PACKED, CLONED):
        if (root / "TEMPLATE" / KIND).is_dir():
            return root
    raise FileNotFoundError(
        f"The installation of espnet-soups holds no recipes: neither {PACKED} nor {CLONED} exists;"
        " install it again from a wheel or a clone."
    )


def recipe_names(root: Path) -> list[str]:
    """Return the names of all recipes, without those that tests make (`tmp_…`).

    Args:
        root: The folder of the recipes, see `recipes_root`.
    """
    names = (path.parents[1].name for path in root.glob(f"*/{KIND}/run.sh"))
    return sorted(name for name in names if not name.startswith("tmp_"))


def find_recipe(root: Path, name: str) -> Path:
    """Return the folder of a recipe.

    Args:
        root: The folder of the recipes, see `recipes_root`.
        name: Name of the recipe, such as `asterisk`.

    Raises:
        ValueError: If there is no recipe of that name; the message lists those that exist.
    """
    names = recipe_names(root)
    if name not in names:
        raise ValueError(f"There is no recipe {name!r}: choose one of {', '.join(names)}.")
    return root / name / KIND


def links_below(root: Path, folder: Path) -> dict[Path, str]:
    """Return the symbolic links of a recipe, without those in folders that its runs have made.

    Args:
        root: The folder of the recipes, see `recipes_root`.
        folder: The recipe, below `root`.

    Returns:
        Path of each link, relative to `folder`, to its target.

    Raises:
        ValueError: If the table of a wheel is malformed.
    """
    table = root / LINKS
    if table.is_file():
        links = read_json(table, "the build of espnet-soups", dict[str, str])
        paths = {root / path: target for path, target in links.items()}
    else:
        paths = {path: os.readlink(path) for path in folder.rglob("*") if path.is_symlink()}
    return {
        path.relative_to(folder): target
        for path, target in sorted(paths.items())
        if path.is_relative_to(folder) and not is_left_out(path.relative_to(folder))
    }

"""Copy a recipe into a folder that runs by itself, with the environment that copied it."""

import os
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path

from espnet_soups.recipes.folders import find_recipe, links_below, recipes_root
from espnet_soups.recipes.left_out import is_left_out

ENVIRONMENT = "path.soups.sh"  # path.sh reads it


def copy_recipe(name: str, target: Path) -> None:
    """Copy a recipe; the folder appears whole or not at all.

    Links inside the recipe stay links (the name of an experiment is that of the configuration
    behind `conf/train_msp.yaml`); links to the template become copies.

    Args:
        name: Name of the recipe, such as `asterisk`.
        target: A new or an empty folder.

    Raises:
        OSError: If it cannot be written.
        ValueError: If there is no such recipe, or the folder is not empty.
    """
    root = recipes_root()
    folder = find_recipe(root, name)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{target} is there already and not empty: name a new folder.")
    settings = environment_lines(root)
    whole = target.resolve()
    temporary = whole.with_name(f".{whole.name}.{os.getpid()}.tmp")
    try:
        shutil.copytree(folder, temporary, ignore=partial(_ignored, folder))
        for link, points_to in links_below(root, folder).items():
            _bring(folder, link, points_to, temporary / link)
        (temporary / ENVIRONMENT).write_text(settings, encoding="utf-8")
        os.replace(temporary, whole)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def environment_lines(root: Path) -> str:
    """Return what `path.sh` of a copied recipe reads: the clone, or the Python, that it belongs to.

    Args:
        root: The folder of the recipes; in a clone, `tools/` lies beside it.

    Raises:
        ValueError: If there is no command `python` beside this Python; recipes call it.
    """
    head = (
        "# Written by `espnet-soups recipe`, read by path.sh: where this recipe finds its Python.\n"
    )
    if (root.parent / "tools" / "activate.sh").is_file():
        return f"{head}MAIN_ROOT={shlex.quote(str(root.parent))}\n"
    python = Path(sys.executable).with_name("python")
    if not python.exists():
        raise ValueError(
            f"Recipes call `python`, but {python.parent} has none beside {sys.executable}: install"
            " espnet-soups into a virtual environment (python3 -m venv)."
        )
    return f"{head}soups_python={shlex.quote(str(python))}\n"


def _ignored(recipe: Path, folder: str, names: list[str]) -> list[str]:
    paths = [Path(folder, name) for name in names]
    return [p.name for p in paths if is_left_out(p.relative_to(recipe)) or p.is_symlink()]


def _bring(folder: Path, link: Path, points_to: str, target: Path) -> None:
    """Make a link that stays inside the recipe, or copy the target of one that leads out."""
    path = Path(os.path.normpath(folder / link.parent / points_to))
    if path.is_relative_to(folder):
        target.symlink_to(points_to)
    elif path.is_dir():
        shutil.copytree(path, target)
    else:
        shutil.copy2(path, target)

"""Name what of a recipe is not copied: what its runs leave behind, and results of other runs."""

from fnmatch import fnmatch
from pathlib import PurePath

# The standard library alone: tools/package_recipes.py loads this file while a wheel is built.
# At the top of a recipe, as in .gitignore:
FOLDERS = ("data", "data_*", "dump", "dump_*", "exp", "exp_*", "downloads")
# Anywhere in it:
NAMES = (".queue", "path.local.sh", "path.soups.sh", "RESULTS.md", "results.jsonl", "__pycache__")


def is_left_out(path: PurePath) -> bool:
    """Return whether a file, a folder or a link of a recipe is left out.

    Args:
        path: Its path, relative to the recipe.

    >>> is_left_out(PurePath("data_uneven/dev/text")), is_left_out(PurePath("local/data_rows.py"))
    (True, False)
    """
    made = any(fnmatch(top, pattern) for top in path.parts[:1] for pattern in FOLDERS)
    return made or any(part in NAMES for part in path.parts)

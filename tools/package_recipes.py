"""Build packages that include the recipes; `setup.cfg` names these commands.

egs2/ is the only place of the recipes. Clones and editable installs find them there. An sdist holds
egs2/ with its links. A wheel cannot hold links: it gets each file once, below
`espnet_soups/recipes/egs2`, and a table of the links, which `espnet_soups/recipes` reads.
"""

import json
import os
import runpy
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

RECIPES = Path("egs2")
LINKS = "links.json"
# Loaded by its path: a build has no package espnet_soups to import, or an older one.
RULES = Path(__file__).parents[1] / "espnet_soups" / "recipes" / "left_out.py"
is_left_out = runpy.run_path(str(RULES))["is_left_out"]


def recipe_files(root: Path) -> Iterator[Path]:
    """Yield files and links of recipes, relative to their root, without those of tests.

    Args:
        root: The folder of the recipes.
    """
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        left_out = {  # below <name>/msp1
            name for name in [*folders, *files] if is_left_out(Path(*(here / name).parts[2:]))
        }
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [
            name
            for name in folders
            if name not in {*left_out, *linked} and not name.startswith("tmp_")
        ]
        yield from (here / name for name in sorted([*files, *linked]) if name not in left_out)


class BuildPy(build_py):
    """Build command that copies the package, and the recipes into it."""

    def run(self) -> None:
        """Copy everything; an editable install has its recipes in the clone."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "espnet_soups", "recipes", RECIPES.name)
        shutil.rmtree(target, ignore_errors=True)  # of an earlier build
        links = {}
        for path in recipe_files(RECIPES):
            source = RECIPES / path
            if source.is_symlink():
                links[path.as_posix()] = os.readlink(source)
            else:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / path)
        (target / LINKS).write_text(json.dumps(links, indent=1) + "\n", encoding="utf-8")


class SDist(sdist):
    """Build command that archives the sources, with the recipes and their links as they are."""

    def make_release_tree(self, base_dir: str, files: Sequence[str]) -> None:
        """Add the recipes; setuptools by itself would copy the targets of links.

        Args:
            base_dir: Folder to fill.
            files: The other files.
        """
        super().make_release_tree(base_dir, files)
        for path in recipe_files(RECIPES):
            target = Path(base_dir) / RECIPES / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(RECIPES / path, target, follow_symlinks=False)

"""Blocks of code in the documents, and a place where the shell runs them without doing the work."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("egs2/[!t]*/msp1/README.md")),  # not those of tests
]
# Programs that are only noted down: their words, with a unit separator behind each, a line a call.
NOTED = ("python", "pip", "espnet-soups", "torchrun", "srun", "ssh", "twine", "pre-commit")
NOTE = """#!/usr/bin/env bash
printf '%s\x1f' "${0##*/}" "$@" >>"{notes}"
echo >>"{notes}"
"""
# msp.sh stops here: its options and their values have been checked then. Others go on.
PATH_SH = """case "${0##*/}" in msp.sh) exit 0 ;; esac
"""


def blocks_of(path: Path, language: str) -> list[str]:
    """Return the blocks of a document that are marked with a language."""
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def all_blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield the path of a document in the repository, and a block of it."""
    for path in DOCUMENTS:
        for block in blocks_of(path, language):
            yield path.relative_to(ROOT).as_posix(), block


class Sandbox:
    """A copy of the repository's scripts beside programs that only note down their words."""

    def __init__(self, folder: Path) -> None:
        self.root, self.notes, self.bin = folder / "clone", folder / "notes", folder / "bin"
        self.bin.mkdir()
        for name in NOTED:
            _write_script(self.bin / name, NOTE.replace("{notes}", str(self.notes)))
        for script in ("setup.sh", "run_tests.sh", "docs/build.sh", "gpu_check.sh"):
            assert (ROOT / "tools" / script).is_file()
            _write_script(self.root / "tools" / script, "#!/usr/bin/env bash\n")
        activate = self.root / "tools" / "venv" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.touch()
        for path in (ROOT / "egs2" / "TEMPLATE", *ROOT.glob("egs2/[!tT]*")):
            self._copy_recipe(path.name)

    def _copy_recipe(self, name: str) -> None:
        source, target = (root / "egs2" / name / "msp1" for root in (ROOT, self.root))
        target.mkdir(parents=True, exist_ok=True)
        for entry in ("conf", "tables", "run.sh", "msp.sh", "scripts", "cmd.sh", "db.sh"):
            path = source / entry
            if path.is_dir():
                shutil.copytree(path, target / entry)
            elif path.exists():
                shutil.copy2(path, target / entry)
        (target / "path.sh").write_text(PATH_SH)
        for script in source.glob("local/*.sh"):
            _write_script(target / "local" / script.name, "#!/usr/bin/env bash\n")

    def run(self, block: str, folder: str) -> list[list[str]]:
        """Run a block in a folder of the clone; return the words of every noted program."""
        self.notes.write_text("")
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", block.replace("…", "")],
            cwd=self.root / folder,
            env={"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.root)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout[-500:]}{done.stderr[-1500:]}"
        return [line.split("\x1f")[:-1] for line in self.notes.read_text().splitlines()]


def _write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)

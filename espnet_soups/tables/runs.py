"""The commands that a table needs."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.tables.plan import Row, Table


@dataclass(frozen=True)
class Run:
    """One training with decoding and scores.

    Attributes:
        row: Its row.
        seed: Its seed.
        tag: Name of its experiment, below `exp/msp_`.
        command: Words of the command, to be run in the recipe's folder.
        obstacle: Why it cannot be run here; empty: it can.
    """

    row: Row
    seed: int
    tag: str
    command: tuple[str, ...]
    obstacle: str = ""

    @property
    def line(self) -> str:
        """The command as a line for a shell."""
        return shlex.join(self.command)


def plan_runs(
    table: Table, recipe: Path, seeds: Sequence[int], config: str, more: Sequence[str] = ()
) -> list[Run]:
    """Lists the runs of a table, row by row.

    Args:
        table: The table.
        recipe: Folder of the recipe.
        seeds: Seeds; each row is trained once with each.
        config: Training configuration, relative to the recipe.
        more: Further options of run.sh for all rows, such as `--ngpu 4`.

    Raises:
        OSError: If the recipe or the configuration does not exist.
        ValueError: If there is no seed.
    """
    if not seeds:
        raise ValueError("`--seeds` must name at least one seed.")
    for path in (recipe / "run.sh", recipe / config):
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; name an existing one.")
    known = defined_options(recipe / "msp.sh")
    size = (recipe / config).resolve().stem.removeprefix("train_msp_")
    runs = []
    for row in table.rows:
        obstacle = row.missing or _find_obstacle(row, recipe, known)
        for seed in seeds:
            tag = f"{size}_{row.run}" + (f"_seed{seed}" if seed != 1 else "")
            words = ["./run.sh", "--train_config", config, "--msp_tag", tag]
            for options in (table.shared, row.options):
                words += [word for name, value in options.items() for word in (f"--{name}", value)]
            settings = [
                f"--{name} {setting}"
                for name, value in row.train_args.items()
                for setting in value.split()
            ]
            words.append(f"--train_args={' '.join([*settings, f'--seed {seed}'])}")
            words += more
            runs.append(Run(row, seed, tag, tuple(words), obstacle))
    return runs


def defined_options(script: Path) -> set[str]:
    """Gives the options that msp.sh defines."""
    text = script.read_text(encoding="utf-8")
    return set(re.findall(r"^option (\w+) ", text, re.MULTILINE))


def _find_obstacle(row: Row, recipe: Path, known: set[str]) -> str:
    lacking = sorted(set(row.options) - known)
    if lacking:
        return f"this release has no option --{lacking[0]}"
    config = row.options.get("pretrain_config", "")
    if config and not (recipe / config).is_file():
        return f"there is no {config}"
    return ""

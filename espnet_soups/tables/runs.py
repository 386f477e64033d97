"""List the runs that a table needs, with their commands."""

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.files import read_lines
from espnet_soups.tables.plan import Row, Table
from espnet_soups.tables.train_words import TrainWords, split_train_words
from espnet_soups.task.weight_search import Search, read_search, search_file

# Seed of the pre-training configurations: rows with it share the encoder that run.sh makes.
PRETRAIN_SEED = 1
SEED_OF_FOLDER = re.compile(r"_seed(\d+)$")


@dataclass(frozen=True)
class Run:
    """One training with decoding and scores, or a search over such trainings.

    Attributes:
        row: Its row.
        seed: Its seed.
        tag: Name of its experiment, below `exp/msp_`; of a search: how their names begin.
        command: Words of the command, to be run in the recipe's folder.
        obstacle: Why it cannot be run here; empty: it can.
        pretraining: How the folder of the pre-training that it starts from begins; empty: it starts
            from none.
    """

    row: Row
    seed: int
    tag: str
    command: tuple[str, ...]
    obstacle: str = ""
    pretraining: str = ""

    @property
    def line(self) -> str:
        """The command as a line for a shell."""
        return shlex.join(self.command)

    def find_search(self, expdir: Path) -> Search | None:
        """Return the result of the search of this row; None: there is none, or it has not ended.

        Args:
            expdir: Folder of the experiments.

        Raises:
            ValueError: If its record is malformed.
        """
        return read_search(search_file(expdir, self.tag)) if self.row.search else None

    def is_pretrained(self, expdir: Path) -> bool:
        """Return whether the pre-training that the run starts from has ended.

        Args:
            expdir: Folder of the experiments.
        """
        for stamp in expdir.glob(f"{self.pretraining}_*/.stage7.done"):
            seed = SEED_OF_FOLDER.search(stamp.parent.name)
            if self.seed == (int(seed[1]) if seed else PRETRAIN_SEED):
                return True
        return False

    def folder(self, expdir: Path) -> Path:
        """Return the folder of the experiment that stands for the row.

        Args:
            expdir: Folder of the experiments.
        """
        search = self.find_search(expdir)
        return expdir / f"msp_{self.tag if search is None else search.best}"


def plan_runs(
    table: Table, recipe: Path, seeds: Sequence[int], config: str, more: Sequence[str] = ()
) -> list[Run]:
    """List the runs of a table, row by row.

    Args:
        table: The table.
        recipe: Folder of the recipe.
        seeds: Seeds; each row is trained once with each.
        config: Training configuration, relative to the recipe.
        more: Further options of run.sh for all rows, such as `--ngpu 4`.

    Raises:
        OSError: If the recipe or the configuration does not exist.
        ValueError: If there is no seed, or one twice.
    """
    if not seeds:
        raise ValueError("`--seeds` must name at least one seed.")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"`--seeds` names a seed twice: {' '.join(map(str, seeds))}.")
    for path in (recipe / "run.sh", recipe / config):
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; name an existing one.")
    known = defined_options(recipe / "msp.sh")
    size = (recipe / config).resolve().stem.removeprefix("train_msp_")
    runs = []
    for row in table.rows:
        obstacle = row.missing or _find_obstacle(row, recipe, known)
        for seed in seeds:
            tag = _tag(table, row, seed, size)
            words = _command(table, row, seed, config, tag, more)
            runs.append(Run(row, seed, tag, words, obstacle, _pretraining(row, size)))
    return runs


def defined_options(script: Path) -> set[str]:
    """Return the options that msp.sh defines.

    Args:
        script: The file msp.sh.
    """
    text = "\n".join(read_lines(script))
    return set(re.findall(r"^option (\w+) ", text, re.MULTILINE))


def _tag(table: Table, row: Row, seed: int, size: str) -> str:
    """Return the name of a run; tables with other objectives share no names."""
    objectives = table.shared.get("objectives", "").replace(",", " ").split()
    return "_".join([size, *objectives, row.run, *([f"seed{seed}"] if seed != 1 else [])])


def _command(
    table: Table, row: Row, seed: int, config: str, tag: str, more: Sequence[str]
) -> tuple[str, ...]:
    given = split_train_words({**table.shared, **row.options}, more)
    words = ["./run.sh", "--train_config", config]
    words += [] if row.search else ["--msp_tag", tag]
    words += [*given.options, *_train_words(given, row, seed), *given.more]
    if not row.search:
        return tuple(words)
    module = (sys.executable, "-m", "espnet_soups.bin.search_weights")
    return (*module, "--grid", row.search, "--tag", tag, "--", *words)


def _train_words(given: TrainWords, row: Row, seed: int) -> list[str]:
    """Return the options of training, and of pre-training where the row has it, with the seed."""
    settings = [
        f"--{name} {setting}" for name, value in row.train_args.items() for setting in value.split()
    ]
    train = " ".join(filter(None, [given.train, *settings, f"--seed {seed}"]))
    words = [f"--train_args={train}"]
    own = [given.pretrain, "" if seed == PRETRAIN_SEED else f"--seed {seed}"]
    if row.pretrains and any(own):
        words.append(f"--pretrain_args={' '.join(filter(None, own))}")
    return words


def _pretraining(row: Row, size: str) -> str:
    """Return how msp.sh begins the name of the folder of stage 7."""
    if not row.pretrains:
        return ""
    return f"ssl_{Path(row.pretrain_config).stem.removeprefix('pretrain_')}_{size}"


def _find_obstacle(row: Row, recipe: Path, known: set[str]) -> str:
    lacking = sorted(set(row.options) - known)
    if lacking:
        return f"this release has no option --{lacking[0]}"
    for path in (row.pretrain_config, row.search):
        if path and not (recipe / path).is_file():
            return f"there is no {path}"
    return ""

"""What stages 1 to 6 of a recipe have made, as far as stock ESPnet needs it."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.data.lengths import read_shapes
from espnet_soups.files import read_table, read_yaml, require_shape
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import declared_objectives

MADE_BY = "./run.sh --stop_stage 6"
ENTRIES = [list]
SHAPE = {
    "train_data_path_and_name_and_type": ENTRIES,
    "valid_data_path_and_name_and_type": ENTRIES,
    "input_size?": int,
}
KINDS = ("asr", "st")


@dataclass(frozen=True)
class Prepared:
    """Data, features and token lists of a recipe.

    Attributes:
        options: Options of `msp_train` in stage 6, with the token lists inside.
        objectives: Recognitions and translations, in order.
        statistics: Folder that stage 6 wrote.
        train: Folder of the training set after the length filter.
        valid: Folder of the validation set after the length filter.
        speech_file: Table of the speech: `feats.scp` or `wav.scp`.
        speech_type: ESPnet's type of it, such as `kaldi_ark`.
    """

    options: argparse.Namespace
    objectives: tuple[Objective, ...]
    statistics: Path
    train: Path
    valid: Path
    speech_file: str
    speech_type: str

    @property
    def languages(self) -> list[str]:
        """Spoken languages, in the order of the objectives."""
        return list(dict.fromkeys(item.language for item in self.objectives))

    def folder(self, name: str) -> Path:
        """Return the folder of `train` or `valid`.

        Args:
            name: The name.
        """
        return {"train": self.train, "valid": self.valid}[name]

    def shapes(self, name: str) -> dict[str, list[int]]:
        """Return the shape of the speech of each utterance.

        Args:
            name: `train` or `valid`.
        """
        return read_shapes(self.statistics / name / "speech_shape")

    def set_dir(self, name: str) -> Path:
        """Return the folder of a set that no length filter has touched, such as `test`.

        Args:
            name: Name of the set.

        Raises:
            FileNotFoundError: If there is no such set.
        """
        path = self.train.parent.parent / name
        if not (path / "utt2lang").is_file():
            raise FileNotFoundError(f"{path / 'utt2lang'} is missing; run {MADE_BY} first.")
        return path


def read_prepared(expdir: Path, statistics: Path | None = None) -> Prepared:
    """Read what stages 1 to 6 have made.

    Args:
        expdir: Experiments of the recipe.
        statistics: Folder of stage 6; None: the only one in `expdir`.

    Raises:
        FileNotFoundError: If a stage has not run.
        ValueError: If there are several such folders, or objectives that stock ESPnet lacks.
    """
    statistics = statistics or _find_statistics(expdir)
    path = statistics / "jobs" / "stats.1" / "config.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run {MADE_BY} first.")
    config = read_yaml(path, "the configuration of stage 6")
    keys = {key.removesuffix("?") for key in SHAPE}
    require_shape({key: config[key] for key in config if key in keys}, SHAPE, str(path), MADE_BY)
    objectives = tuple(declared_objectives(config))
    foreign = [item.name for item in objectives if item.kind not in KINDS]
    if foreign or not objectives:
        raise ValueError(
            f"{path} declares {foreign or 'no objective'}, but stock ESPnet is compared on"
            " recognition and translation alone (asr_…, st_…)."
        )
    speech, name, kind = config["train_data_path_and_name_and_type"][0]
    valid = Path(config["valid_data_path_and_name_and_type"][0][0]).parent
    prepared = Prepared(
        argparse.Namespace(**config),
        objectives,
        statistics,
        Path(speech).parent,
        valid,
        Path(speech).name,
        kind,
    )
    for found in (prepared.train / prepared.speech_file, statistics / "train" / "speech_shape"):
        if name != "speech" or not found.is_file():
            raise FileNotFoundError(f"{found} is missing; run {MADE_BY} first.")
    return prepared


def _find_statistics(expdir: Path) -> Path:
    found = sorted(path for path in expdir.glob("msp_stats_*") if path.is_dir())
    if not found:
        raise FileNotFoundError(f"{expdir}/msp_stats_* is missing; run {MADE_BY} first.")
    if len(found) > 1:
        names = [path.name for path in found]
        raise ValueError(
            f"{expdir} has several folders of stage 6, {names}: choose one by `--stats_dir`."
        )
    return found[0]


def labelled(prepared: Prepared, name: str, objective: Objective) -> dict[str, str]:
    """Return the labels of an objective, by utterance.

    Args:
        prepared: The recipe.
        name: `train` or `valid`.
        objective: The objective.

    Raises:
        ValueError: If there is none.
    """
    folder = prepared.folder(name)
    spoken, texts = read_table(folder / "utt2lang"), read_table(folder / objective.label_file)
    shapes = prepared.shapes(name)
    own = {
        key: text
        for key, text in texts.items()
        if key in shapes and spoken[key] == objective.language and text != "<na>"
    }
    if not own:
        raise ValueError(f"{folder / objective.label_file} has no label of {objective.name}.")
    return own

"""Check all labels before the first step: an objective that could learn nothing is refused."""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from espnet_soups.data.data_dir import group_by_language
from espnet_soups.data.label_text import clean_label
from espnet_soups.data.lengths import read_shapes
from espnet_soups.files import read_table, write_text
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.labels import (
    LabelledObjective,
    NothingToLearnError,
    refuse_blind_validation,
)
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import KINDS, kind_of
from espnet_soups.objectives.set_labels import is_label
from espnet_soups.task.checks.encoded_frames import encoded_frames
from espnet_soups.task.checks.probe_head import probe_head
from espnet_soups.task.preprocessor import MSPPreprocessor, build_preprocessor

REMARKS = "remarks.txt"  # for the terminal
MOST = 20_000  # labels of an objective that are checked


@dataclass(frozen=True)
class LabelledSet:
    """Labels, languages and lengths of a set.

    Attributes:
        labels: Data name (`text`, `utt2gender`) to (file, utterance id to label).
        languages: Utterance id to language.
        lengths: Utterance id to frames or samples.
    """

    labels: Mapping[str, tuple[str, Mapping[str, str]]]
    languages: Mapping[str, str]
    lengths: Mapping[str, int]

    @cached_property
    def keys_by_language(self) -> dict[str, list[str]]:
        """Return the ids of the utterances of each language, in the order of `lengths`."""
        return group_by_language(self.lengths, self.languages)


def report_labels(
    settings: Mapping[str, Any],
    model: MSPModel,
    output_dir: Path | None,
    further: Sequence[str] = (),
) -> None:
    """Refuse labels that nothing can be learnt from; log warnings, and write them to `remarks.txt`.

    Args:
        settings: The options of the run.
        model: The model.
        output_dir: Folder of the run; None: another rank reports.
        further: Warnings of the data that are known already.

    Raises:
        ValueError: If an objective has no label that can be learnt.
    """
    args = argparse.Namespace(**settings)
    training = model.training
    model.eval()  # once, not for each objective
    try:
        found = check_labels(args, model, build_preprocessor(args, train=True))
    finally:
        model.train(training)
    remarks = [*further, *found]
    if output_dir is None:
        return
    for remark in remarks:
        logging.warning(remark)
    (output_dir / REMARKS).unlink(missing_ok=True)
    if remarks:
        write_text(output_dir / REMARKS, "".join(f"{remark}\n" for remark in remarks))


def add_remark(output_dir: Path, remark: str) -> None:
    """Add a warning to the log and, through `remarks.txt`, to the terminal.

    Args:
        output_dir: Folder of the run.
        remark: The warning.
    """
    logging.warning(remark)
    path = output_dir / REMARKS
    earlier = path.read_text(encoding="utf-8") if path.exists() else ""
    write_text(path, f"{earlier}{remark}\n")


def check_labels(args: argparse.Namespace, model: MSPModel, prepare: MSPPreprocessor) -> list[str]:
    """Check the labels of training and validation.

    Args:
        args: The options: data files, shape files and `input_size`.
        model: The model.
        prepare: Preprocessor that turns labels into arrays.

    Returns:
        Warnings: of unknown characters, and of labels that are longer than their frames.

    Raises:
        ValueError: If an objective has no label to train on, all of these are longer than their
            frames, or most characters of training or validation are unknown.
    """
    warnings: list[str] = []
    without: dict[str, str] = {}  # objectives without labels in validation
    for kind in ("train", "valid"):
        files = getattr(args, f"{kind}_data_path_and_name_and_type")
        shapes = getattr(args, f"{kind}_shape_file")
        if not shapes or "lang" not in [name for _, name, _ in files]:
            continue  # the samplers refuse it
        data = read_labelled_set(files, shapes[0])
        for objective in model.objectives:
            if not objective.supervised:
                continue
            try:
                warnings += check_objective(objective, data, model, prepare, args, kind == "train")
            except NothingToLearnError as error:
                if kind == "train":
                    raise ValueError(str(error)) from error
                warnings.append(str(error))
                without[objective.name] = str(error)
    refuse_blind_validation(model.objectives, without, "The validation set")
    return warnings


def read_labelled_set(files: Sequence[Sequence[str]], shape_file: str) -> LabelledSet:
    """Read the tables of a set that ESPnet's data options name.

    Args:
        files: (path, name, type) of each file, as in ESPnet's options.
        shape_file: The shapes of speech, `speech_shape`.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed.
    """
    paths = {name: path for path, name, _ in files}
    names = [name for name in paths if name not in ("speech", "lang")]
    shapes = read_shapes(Path(shape_file))
    return LabelledSet(
        labels={name: (paths[name], read_table(Path(paths[name]))) for name in names},
        languages=read_table(Path(paths["lang"])),
        lengths={key: int(shape[0]) for key, shape in shapes.items()},
    )


def check_objective(
    objective: Objective,
    data: LabelledSet,
    model: MSPModel,
    prepare: MSPPreprocessor,
    args: argparse.Namespace,
    training: bool,
) -> list[str]:
    """Check the labels of one objective; see `check_labels`.

    Args:
        objective: The objective.
        data: The set.
        model: The model.
        prepare: Preprocessor that turns labels into arrays.
        args: The options.
        training: Whether it is the training set.

    Returns:
        Warnings.

    Raises:
        NothingToLearnError: If it has no label, or none that can be learnt.
        ValueError: If its kind refuses them.
    """
    encoder = prepare.encoder(objective.label, objective.language)
    if encoder is None and objective.label_type == "text":
        raise ValueError(
            f"`encoders` of {type(kind_of(objective)).__name__} must return an encoder of"
            f" {(objective.label, objective.language)}, from which {objective.name} learns."
        )
    path, table = data.labels.get(objective.label, ("the data", {}))
    own = data.keys_by_language.get(objective.language, []) if objective.language else data.lengths
    name = objective.label_file
    keys = [key for key in own if key in table and is_label(name, table[key])]
    if not keys:
        raise NothingToLearnError(
            f"{path} has no label of {objective.name} in {len(data.lengths):,} utterances: add"
            " some, or leave the objective out."
        )
    labels = {key: clean_label(table[key]) for key in keys[:: -(-len(keys) // MOST)]}
    lengths = [data.lengths[key] for key in labels]
    labelled = LabelledObjective(
        objective=objective,
        where=f"{path} ({objective.name})",
        texts=labels,
        training=training,
        encoder=encoder,
        head=model.heads[objective.name],
        settings=(args.objectives or {}).get(objective.name) or {},
        encoded_frames=partial(encoded_frames, model, lengths, args.input_size),
    )
    kind = kind_of(objective)
    if encoder is None:
        return []  # a second audio: there is no text to look at
    found = kind.check_labels(labelled)
    if training and kind not in KINDS:
        probe_head(model, labelled, lengths[0], args.input_size)
    return found

"""Looks at all labels before the first step: an objective that could learn nothing is refused."""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from espnet2.fileio.read_text import load_num_sequence_text

from espnet_soups.data.label_text import clean_label
from espnet_soups.files import read_table, write_text
from espnet_soups.data.unknown_tokens import count_unknown, judge_unknown
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.heads.shared_head import HeadView
from espnet_soups.objectives.objective import Objective
from espnet_soups.task.checks.encoded_frames import encoded_frames
from espnet_soups.task.preprocessor import NO_LABEL, MSPPreprocessor, build_preprocessor

REMARKS = "remarks.txt"  # for the terminal
MOST = 20_000  # labels of an objective that are looked at
ROUNDING = 2  # frames that an estimate may lack
TOLD = 0.01  # share of labels left out from which on it is told


class NothingToLearnError(Exception):
    """An objective has no label in a set that gives a loss."""


@dataclass(frozen=True)
class LabelledSet:
    """What a set says of its utterances.

    Attributes:
        labels: Data name (`text`, `text_en`) to (file, utterance id to label).
        languages: Utterance id to language.
        lengths: Utterance id to frames or samples.
    """

    labels: Mapping[str, tuple[str, Mapping[str, str]]]
    languages: Mapping[str, str]
    lengths: Mapping[str, int]


def tell_labels(settings: Mapping[str, Any], model: MSPModel, output_dir: Path | None) -> None:
    """Refuse labels that nothing can be learnt from; warn of some, also in `remarks.txt`.

    Args:
        settings: The options of the run.
        model: The model.
        output_dir: Folder of the run; None: another rank tells.

    Raises:
        ValueError: If an objective has no label that can be learnt.
    """
    args = argparse.Namespace(**settings)
    remarks = check_labels(args, model, build_preprocessor(args, train=True))
    if output_dir is None:
        return
    for remark in remarks:
        logging.warning(remark)
    (output_dir / REMARKS).unlink(missing_ok=True)
    if remarks:
        write_text(output_dir / REMARKS, "".join(f"{remark}\n" for remark in remarks))


def check_labels(args: argparse.Namespace, model: MSPModel, prepare: MSPPreprocessor) -> list[str]:
    """Check the labels of training and validation.

    Args:
        args: The options: data files, shape files and `input_size`.
        model: The model.
        prepare: Cuts labels into tokens.

    Returns:
        Warnings: of unknown characters, of labels that are longer than their frames.

    Raises:
        ValueError: If an objective has no label to train on, all of these are longer than their
            frames, or most characters of training or validation are unknown.
    """
    warnings: list[str] = []
    for kind in ("train", "valid"):
        files = getattr(args, f"{kind}_data_path_and_name_and_type")
        shapes = getattr(args, f"{kind}_shape_file")
        if not shapes or "lang" not in [name for _, name, _ in files]:
            continue  # the samplers refuse it
        data = read_labelled_set(files, shapes[0])
        for objective in model.objectives:
            if objective.task == "ssl":
                continue
            try:
                warnings += check_objective(objective, data, model, prepare, args.input_size)
            except NothingToLearnError as error:
                if kind == "train":
                    raise ValueError(str(error)) from error
                warnings.append(str(error))
    return warnings


def read_labelled_set(files: Sequence[Sequence[str]], shape_file: str) -> LabelledSet:
    """Read the tables of a set that ESPnet's data options name: (path, name, type) each."""
    paths = {name: path for path, name, _ in files}
    shapes = load_num_sequence_text(shape_file, loader_type="csv_int")
    return LabelledSet(
        labels={
            name: (path, read_table(Path(path)))
            for name, path in paths.items()
            if name == "text" or name.startswith("text_")
        },
        languages=read_table(Path(paths["lang"])),
        lengths={key: int(shape[0]) for key, shape in shapes.items()},
    )


def check_objective(
    objective: Objective,
    data: LabelledSet,
    model: MSPModel,
    prepare: MSPPreprocessor,
    width: int | None,
) -> list[str]:
    """Check the labels of one objective; see `check_labels`.

    Raises:
        NothingToLearnError: If it has no label, or all are longer than their frames.
        ValueError: If most characters are unknown.
    """
    path, table = data.labels.get(objective.label, ("the data", {}))
    labels = {
        key: clean_label(table[key])
        for key in data.lengths
        if data.languages.get(key) == objective.language and table.get(key, NO_LABEL) != NO_LABEL
    }
    name = f"{path} ({objective.name})"
    if not labels:
        raise NothingToLearnError(
            f"{path} has no label of {objective.name} in {len(data.lengths):,} utterances: add"
            " some, or leave the objective out."
        )
    step = -(-len(labels) // MOST)
    labels = dict(list(labels.items())[::step])
    target = objective.target
    to_ids = prepare.asr[objective.language] if target is None else prepare.st[target]
    count = count_unknown(labels, to_ids.tokenizer.text2tokens, set(to_ids.converter.token2id))
    found = [judge_unknown(count, name, "the token list")]
    head = model.heads[objective.name]
    head = head.head if isinstance(head, HeadView) else head
    if head.ctc is not None:
        needed = [_frames_needed(to_ids(text)) for text in labels.values()]
        lengths = [data.lengths[key] for key in labels]
        frames = encoded_frames(model, lengths, width)
        too_long = sum(
            need > have + ROUNDING for need, have in zip(needed, frames.tolist(), strict=True)
        )
        found.append(_judge_length(too_long, len(labels), name))
    return [warning for warning in found if warning is not None]


def _frames_needed(ids: Sequence[int]) -> int:
    """Return the frames that CTC needs: one per token, and one between two that are equal."""
    return len(ids) + sum(one == other for one, other in pairwise(ids))


def _judge_length(too_long: int, labels: int, name: str) -> str | None:
    finding = f"{too_long:,} of {labels:,} labels of {name} have more tokens than frames"
    remedy = "frames of fewer milliseconds (`--stack` of run.sh, the encoder's `input_layer`) or"
    remedy += " longer tokens (bpe)"
    if too_long == labels:
        raise NothingToLearnError(f"All {finding}, so that CTC leaves out every one: use {remedy}.")
    if too_long > TOLD * labels:
        return f"{finding} ({too_long / labels:.0%}), and CTC leaves them out: use {remedy}."
    return None

"""Refuse settings and criteria that name scores which a run will not have."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.registry import KINDS, kind_of, kinds_of
from espnet_soups.task.scores.config import BLOCK, ScoresConfig, read_scores_config
from espnet_soups.task.scores.names import is_scored, score_names, statistics_of_scores
from espnet_soups.task.scores.part import AUDIO

CRITERIA = ("best_model_criterion", "early_stopping_criterion", "val_scheduler_criterion")
# Names of other statistics, so that no score may have them.
TAKEN = frozenset(
    [
        "loss",
        "acc",
        "delta",
        "lambda",
        "penalty",
        "cosine",
        "gradient_norm",
        "signal_share",
        "raised",
        "distance",
        "time",
        "total_count",
    ]
)
ADVICE = f"set {BLOCK[:-1]}: {{utterances: 20}}`"


def check_scores(args: argparse.Namespace, model: MSPModel) -> list[str]:
    """Check the settings of scores while training, and criteria that name scores.

    Args:
        args: The options.
        model: The model, perhaps with stand-ins for vocabularies.

    Returns:
        The names of the statistics that scores add to validation; empty if they are off.

    Raises:
        ValueError: If a setting is not valid, or a criterion names a score that will not be there.
    """
    options = vars(args)
    config = read_scores_config(options)
    names = score_names(model.objectives, options, config.scoring)
    check_criteria(args, config, names)
    if config.utterances == 0:
        return []
    if not names:
        raise ValueError(
            f"{BLOCK} asks for scores of {config.utterances} utterances, but no objective of this"
            f" run has a score: {', '.join(o.name for o in model.objectives)}."
        )
    for path, name, kind in options.get("valid_data_path_and_name_and_type") or []:
        if name == "speech" and kind not in AUDIO:
            raise ValueError(
                f"{BLOCK} asks for scores, for which speech must be of type"
                f" {' or '.join(AUDIO)}, but {path} is of type {kind}."
            )
    for objective in filter(is_scored, model.objectives):
        kind_of(objective).check_scoring(objective, config.scoring)
        head: Any = model.heads[objective.name]
        try:
            kind_of(objective).check_decoding(objective, head, config.decoding)
        except ValueError as error:
            raise ValueError(f"{BLOCK}: {error}") from error
        for score in names[objective.name]:
            if score in TAKEN:
                raise ValueError(
                    f"A score cannot be called {score!r}, as a statistic of training is: rename it"
                    f" in `metrics` of {type(kind_of(objective)).__name__}."
                )
    return statistics_of_scores(names)


def check_criteria(
    args: argparse.Namespace, config: ScoresConfig, names: Mapping[str, Sequence[str]]
) -> None:
    """Refuse criteria that name scores which there will not be.

    Args:
        args: The options.
        config: Settings of the scores.
        names: The scores of each objective.

    Raises:
        ValueError: If a criterion names a score of no objective, or scores are off or not of every
            epoch.
    """
    known = statistics_of_scores(names)
    for option, name in _named_scores(args):
        _check_criterion(option, name, config, known, names)


def _named_scores(args: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield (option, name) of each criterion of validation that names a score of any kind."""
    kinds = [*KINDS, *kinds_of(vars(args))]
    scores = {metric.name for kind in kinds for metric in kind.metrics} - TAKEN
    for option in CRITERIA:
        given = getattr(args, option)
        for phase, name, *_ in given if option == CRITERIA[0] else [given]:
            if phase == "valid" and name.partition("/")[0] in scores:
                yield option, name


def _check_criterion(
    option: str,
    name: str,
    config: ScoresConfig,
    known: Sequence[str],
    names: Mapping[str, Sequence[str]],
) -> None:
    if name not in known:
        held = ", ".join(f"{one} has {' and '.join(own)}" for one, own in names.items())
        raise ValueError(
            f"`{option}` names the score {name}, which no objective of this run has:"
            f" {held or 'none has any score'}; `loss` and `acc` (of tokens) are no scores."
        )
    if config.utterances == 0:
        raise ValueError(
            f"`{option}` names the score {name}, but scores while training are off: {ADVICE}."
        )
    if config.every != 1:
        raise ValueError(
            f"`{option}` names the score {name}, which every epoch must have, but {BLOCK} has"
            f" `every: {config.every}`: set it to 1."
        )


def check_earlier_epochs(args: argparse.Namespace, states: Mapping[str, Any], where: str) -> None:
    """Refuse a criterion of a resumed run whose earlier epochs lack the score.

    Args:
        args: The options.
        states: The checkpoint.
        where: How the message names it.

    Raises:
        ValueError: If an epoch lacks it.
    """
    for option, name in _named_scores(args):
        lacking = [
            epoch
            for epoch, stats in states["reporter"]["stats"].items()
            if name not in stats.get("valid", {})
        ]
        if lacking:
            raise ValueError(
                f"`{option}` compares {name} of all epochs, but {where} has none of epoch"
                f" {lacking[0]}, which was trained without scores: name another criterion, or train"
                " anew in another folder."
            )

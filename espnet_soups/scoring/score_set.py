"""Scoring of every objective of a decoded set, and the files with the scores."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from espnet_soups.files import write_text
from espnet_soups.objectives.contract import check_returned
from espnet_soups.objectives.kind import Metric
from espnet_soups.objectives.metrics.listing import pick_examples, render_listing
from espnet_soups.objectives.metrics.measured import (
    Measured,
    MeasuredDraws,
    MeasuredSums,
    NothingToScoreError,
    Scores,
)
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import by_kind, kind_of
from espnet_soups.scoring.bootstrap import CONFIDENCE, estimate
from espnet_soups.scoring.find_objectives import find_known
from espnet_soups.scoring.groups import count_groups, read_groups, resample_measured
from espnet_soups.scoring.score_metrics import list_metrics

SCORES = "scores.json"
LISTING = "alignment.txt"


def score_set(
    reference_dir: Path, decode_dir: Path, config: ScoreConfig, own_kinds: Collection[str] = ()
) -> dict[str, Any]:
    """Score a decoded set; write `scores.json` and an `alignment.txt` per objective.

    Args:
        reference_dir: Folder with `utt2lang`, `text`, `text.<target>`, and perhaps `utt2group`.
        decode_dir: Folder with `<objective>/text`.
        config: Settings of scoring.
        own_kinds: A user's own kinds, `module:Class`, that may be imported.

    Returns:
        Content of `scores.json`: settings, titles of the `kinds`, the `metrics` in the order of
        tables, `objectives` by name, the `mean` of each score over the objectives that have it, and
        reasons of those `not_scored`, if there are any. With `utt2group` the bootstrap draws
        groups, jointly for all objectives; without, the utterances of each objective independently,
        also for the means.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed or keys differ.
    """
    found, not_scored = _measure(reference_dir, decode_dir, config, own_kinds)
    objectives, measured = list(found), list(found.values())
    values = [item.values() for item in measured]
    metrics = list_metrics(objectives, values)
    groups = read_groups(reference_dir, measured)
    generator = np.random.default_rng(config.seed)
    resampled = resample_measured(measured, groups, config.resamples, generator)
    record = {
        "set": decode_dir.name,
        "reference_dir": str(reference_dir),
        **asdict(config),
        "groups": count_groups(groups, measured),
        "confidence": CONFIDENCE,
        "kinds": {members[0].kind: kind.title for kind, members in by_kind(objectives).items()},
        "metrics": [asdict(metric) for metric in metrics],
        "objectives": {
            objective.name: {
                **describe(objective, item, own),
                "examples": pick_examples(item.entries),
            }
            for objective, item, own in zip(objectives, measured, resampled, strict=True)
        },
        "mean": average(metrics, values, resampled),
        **({"not_scored": not_scored} if not_scored else {}),
    }
    for objective, item in zip(objectives, measured, strict=True):
        write_text(decode_dir / objective.name / LISTING, render_listing(item.title, item.entries))
    write_text(decode_dir / SCORES, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    return record


def _measure(
    reference_dir: Path, decode_dir: Path, config: ScoreConfig, own_kinds: Collection[str]
) -> tuple[dict[Objective, Measured], dict[str, str]]:
    """Return the measured objectives, and by name the reason why another is not scored.

    Raises:
        ValueError: If no objective can be scored.
    """
    found, not_scored = {}, {}
    for objective in find_known(decode_dir, own_kinds):
        try:
            measured = kind_of(objective).measure(objective, reference_dir, decode_dir, config)
        except NothingToScoreError as error:
            not_scored[objective.name] = str(error)
        else:
            kind, either = kind_of(objective), (MeasuredSums, MeasuredDraws)
            found[objective] = check_returned("measure", kind, measured, either, "scores")
    if not found:
        raise ValueError(f"{decode_dir}: nothing can be scored: {'; '.join(not_scored.values())}.")
    return found, not_scored


def describe(objective: Objective, measured: Measured, resampled: Scores) -> dict[str, Any]:
    """Return the entry of an objective in `scores.json`.

    Args:
        objective: The objective.
        measured: Its measurement.
        resampled: Its scores on the resamples, [resamples] each.
    """
    return {
        "task": objective.kind,
        "language": objective.language,
        "target": objective.target,
        "utterances": len(measured.keys),
        "without_reference": measured.without_reference,
        "empty_hypotheses": measured.empty_hypotheses,
        **({"drawn": measured.drawn} if isinstance(measured, MeasuredDraws) else {}),
        **{
            name: {
                **estimate(value, resampled[name]).as_dict(),
                **measured.details.get(name, {}),
                **(
                    {"undefined": measured.undefined[name].why}
                    if name in measured.undefined
                    else {}
                ),
            }
            for name, value in measured.values().items()
        },
    }


def average(
    metrics: Sequence[Metric], values: Sequence[Mapping[str, float]], resampled: Sequence[Scores]
) -> dict[str, dict[str, Any]]:
    """Average each score over the objectives that have it, with equal weights.

    Args:
        metrics: The scores, in order.
        values: Scores of each objective.
        resampled: Scores of each objective on the resamples, [resamples] each.

    Returns:
        By name of the score: value, interval, and number of objectives.
    """
    means: dict[str, dict[str, Any]] = {}
    for name in [metric.name for metric in metrics]:
        holders = [position for position, own in enumerate(values) if name in own]
        value = float(np.mean([values[position][name] for position in holders]))
        draws = np.mean([resampled[position][name] for position in holders], axis=0)
        means[name] = {**estimate(value, draws).as_dict(), "objectives": len(holders)}
    return means

"""Scores every objective of a decoded set and writes what was found."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from espnet_soups.objectives.metrics.listing import pick_examples, render_listing
from espnet_soups.scoring.bootstrap import CONFIDENCE, estimate
from espnet_soups.scoring.groups import count_groups, read_groups, resample_measured
from espnet_soups.scoring.measure import Measured, Scores, measure
from espnet_soups.scoring.score_config import ScoreConfig
from espnet_soups.scoring.text_pairs import find_objectives, read_pairs

SCORES = "scores.json"
LISTING = "alignment.txt"
AVERAGED = ("wer", "cer", "sentence_error", "bleu", "chrf", "bleu_lc_rm")


def score_set(reference_dir: Path, decode_dir: Path, config: ScoreConfig) -> dict[str, Any]:
    """Scores a decoded set; writes `scores.json` and an `alignment.txt` per objective.

    Args:
        reference_dir: Holds `utt2lang`, `text`, `text.<target>`, and perhaps `utt2group`.
        decode_dir: Holds `<objective>/text`.
        config: How to score.

    Returns:
        What `scores.json` holds: settings, `objectives` by name, and the `mean` of each score
        over the objectives that have it. With `utt2group` the bootstrap draws groups, jointly
        for all objectives; without, the utterances of each objective independently of the
        others', also for the means.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed or keys differ.
    """
    objectives = find_objectives(decode_dir)
    all_pairs = [read_pairs(reference_dir, decode_dir, objective) for objective in objectives]
    groups = read_groups(reference_dir, all_pairs)
    measured = [measure(pairs, config) for pairs in all_pairs]
    generator = np.random.default_rng(config.seed)
    resampled = resample_measured(measured, groups, config.resamples, generator)
    names = [objective.name for objective in objectives]
    record = {
        "set": decode_dir.name,
        "reference_dir": str(reference_dir),
        **asdict(config),
        "groups": count_groups(groups, all_pairs),
        "confidence": CONFIDENCE,
        "objectives": {
            name: {**describe(item, own), "examples": pick_examples(item.entries)}
            for name, item, own in zip(names, measured, resampled, strict=True)
        },
        "mean": average([item.values() for item in measured], resampled),
    }
    for name, item in zip(names, measured, strict=True):
        write_text(decode_dir / name / LISTING, render_listing(item.title(), item.entries))
    write_text(decode_dir / SCORES, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    return record


def describe(measured: Measured, resampled: Scores) -> dict[str, Any]:
    """Gives what `scores.json` keeps of an objective."""
    pairs = measured.pairs
    return {
        "task": pairs.objective.task,
        "language": pairs.objective.language,
        "target": pairs.objective.target,
        "utterances": len(pairs.keys),
        "without_reference": pairs.without_reference,
        "empty_hypotheses": sum(not text for text in pairs.hypotheses),
        **{
            name: {**estimate(value, resampled[name]).as_dict(), **measured.details[name]}
            for name, value in measured.values().items()
        },
    }


def average(
    values: Sequence[Mapping[str, float]], resampled: Sequence[Scores]
) -> dict[str, dict[str, Any]]:
    """Averages each score over the objectives that have it, every objective counting the same."""
    means: dict[str, dict[str, Any]] = {}
    for name in AVERAGED:
        holders = [position for position, own in enumerate(values) if name in own]
        if holders:
            value = float(np.mean([values[position][name] for position in holders]))
            draws = np.mean([resampled[position][name] for position in holders], axis=0)
            means[name] = {**estimate(value, draws).as_dict(), "objectives": len(holders)}
    return means


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)

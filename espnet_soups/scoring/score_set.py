"""Scores every objective of a decoded set and writes what was found."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from espnet_soups.scoring.bootstrap import CONFIDENCE, estimate
from espnet_soups.scoring.listing import pick_examples, render_listing
from espnet_soups.scoring.score_objective import (
    ObjectiveScore,
    ScoreConfig,
    score_recognition,
    score_translation,
)
from espnet_soups.scoring.text_pairs import find_objectives, read_pairs

SCORES = "scores.json"
LISTING = "alignment.txt"
AVERAGED = ("wer", "cer", "sentence_error", "bleu", "chrf", "bleu_lc_rm")


def score_set(reference_dir: Path, decode_dir: Path, config: ScoreConfig) -> dict[str, Any]:
    """Scores a decoded set; writes `scores.json` and an `alignment.txt` per objective.

    Args:
        reference_dir: Holds `utt2lang`, `text`, `text.<target>`.
        decode_dir: Holds `<objective>/text`.
        config: How to score.

    Returns:
        What `scores.json` holds: settings, `objectives` by name, and the `mean` of each score
        over the objectives that have it. The utterances of each objective are drawn
        independently of the others', also for the means.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed or keys differ.
    """
    objectives = find_objectives(decode_dir)
    all_pairs = [read_pairs(reference_dir, decode_dir, objective) for objective in objectives]
    generator = np.random.default_rng(config.seed)
    scores: dict[str, ObjectiveScore] = {}
    for pairs in all_pairs:
        score = score_recognition if pairs.objective.task == "asr" else score_translation
        scores[pairs.objective.name] = score(pairs, config, generator)
    record = {
        "set": decode_dir.name,
        **asdict(config),
        "confidence": CONFIDENCE,
        "objectives": {
            name: {**item.record, "examples": pick_examples(item.entries)}
            for name, item in scores.items()
        },
        "mean": average(scores),
    }
    for name, item in scores.items():
        write_text(decode_dir / name / LISTING, render_listing(item.title, item.entries))
    write_text(decode_dir / SCORES, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    return record


def average(scores: Mapping[str, ObjectiveScore]) -> dict[str, dict[str, Any]]:
    """Averages each score over the objectives that have it, every objective counting the same."""
    means = {}
    for name in AVERAGED:
        holders = [item for item in scores.values() if name in item.estimates]
        if holders:
            value = float(np.mean([item.estimates[name].value for item in holders]))
            resampled = np.mean([item.resampled[name] for item in holders], axis=0)
            means[name] = {**estimate(value, resampled).as_dict(), "objectives": len(holders)}
    return means


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)

"""Decode and score part of the validation set after an epoch."""

import argparse
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from espnet_soups.data.ark import write_arrays
from espnet_soups.data.features import features_of
from espnet_soups.data.label_text import clean_label
from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.files import write_table
from espnet_soups.network.decoders import Decoders, cut_batches
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.contract import check_returned
from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.metrics.measured import MeasuredDraws, MeasuredSums
from espnet_soups.objectives.registry import kind_of
from espnet_soups.ranks import from_first_rank, gather_on_first_rank, rank_and_size
from espnet_soups.task.scores.check_scores import check_criteria
from espnet_soups.task.scores.config import ScoresConfig
from espnet_soups.task.scores.examples import Examples
from espnet_soups.task.scores.names import find_metric, is_scored, score_names
from espnet_soups.task.scores.part import choose_part, write_references

FOLDER = "scores"  # in the folder of the run
REFERENCES, DECODED = "references", "decoded"
SHOWN = ("title", "unit", "lower_is_better", "headline", "digits")

Found = dict[str, dict[str, Hypothesis]]


@dataclass(frozen=True)
class EpochScores:
    """Scores of an epoch, the same on every rank.

    Attributes:
        statistics: Name to value: `wer/asr_fr` of one objective, `wer` the mean over objectives.
        record: Entry of `soup.jsonl`: by name of the score its title, unit and so on, the `mean`,
            and the `objectives`.
        examples: Texts of a few utterances.
        seconds: Time that decoding and scoring took.
    """

    statistics: Mapping[str, float]
    record: Mapping[str, Mapping[str, Any]]
    examples: Examples = field(repr=False, default_factory=dict)
    seconds: float = 0.0

    def entries(self) -> dict[str, Any]:
        """Return the entries of `soup.jsonl`; none if nothing was scored."""
        if not self.record:
            return {}
        return {"scores": self.record, "score_seconds": round(self.seconds, 3)}


class EpochScorer:
    """Scorer of part of the validation set; the ranks share the decoding.

    Each rank decodes some of the batches, the first one measures, and all get its numbers.

    Args:
        network: The model.
        options: The options of `msp_train`, by name.
        config: Settings of the scores.
        output_dir: Folder of the run; references, results and examples lie below `scores`.

    Attributes:
        not_scored: Objectives that cannot be scored, with the reason.

    Raises:
        OSError: If a file is missing, or cannot be written.
        ValueError: If a file is malformed, or a head lacks what decoding needs.
    """

    def __init__(
        self,
        network: MSPModel,
        options: Mapping[str, Any],
        config: ScoresConfig,
        output_dir: Path,
    ) -> None:
        self.network, self.config, self.folder = network, config, output_dir / FOLDER
        self.part = choose_part(options, network.objectives, config.utterances)
        self.rank, self.ranks = rank_and_size()
        unscored: dict[str, str] = {}
        if self.rank == 0:
            unscored = write_references(self.part, network.objectives, self.folder / REFERENCES)
        self.not_scored: dict[str, str] = from_first_rank(unscored)
        self.objectives = {
            objective.name: objective
            for objective in network.objectives
            if objective.name in self.part.labels and objective.name not in self.not_scored
        }
        fs = getattr(features_of(options), "fs", None)
        self.source = SpeechSource(",".join(self.part.speech), fs)
        args = argparse.Namespace(**options)
        names = list(self.objectives)
        self.decode = Decoders(network, args, config.decoding, names) if names else None

    def find_unscored(self, options: Mapping[str, Any]) -> list[str]:
        """Return a warning for each objective of which the set allows no scores.

        Args:
            options: The options of `msp_train`, by name.

        Raises:
            ValueError: If a criterion needs the scores of such objectives.
        """
        reasons = {
            o.name: self.not_scored.get(o.name, "the validation set has no label of it")
            for o in filter(is_scored, self.network.objectives)
            if o.name not in self.objectives
        }
        names = score_names(list(self.objectives.values()), options, self.config.scoring)
        check_criteria(argparse.Namespace(**options), self.config, names)
        return [f"{name} is not scored while training: {why}" for name, why in reasons.items()]

    def score(self) -> EpochScores:
        """Decode and measure with the parameters of now.

        Raises:
            OSError: If speech is missing, or a file cannot be written.
            ValueError: If speech cannot be read or decoded, or a kind cannot measure its results.
        """
        start = time.perf_counter()
        gathered = gather_on_first_rank(self._decode_share())
        scores = None
        if self.rank == 0:
            scores = self._measure(_join(gathered), time.perf_counter() - start)
        return from_first_rank(scores)

    def _decode_share(self) -> Found:
        """Decode the batches of this rank."""
        found: Found = {name: {} for name in self.objectives}
        quiet = logging.getLogger("espnet2.legacy.nets")  # lines per utterance
        level, number = quiet.level, 0
        quiet.setLevel(logging.ERROR)
        self.network.eval()
        for language, shapes in self.part.by_language().items():
            spoken = [o.name for o in self.objectives.values() if o.language in ("", language)]
            for batch in cut_batches(shapes, self.config.decoding):
                number += 1
                if number % self.ranks == self.rank:
                    self._decode_batch(batch, spoken, found)
        quiet.setLevel(level)
        return found

    def _decode_batch(self, batch: list[str], spoken: list[str], found: Found) -> None:
        names = [n for n in spoken if not self.part.labels[n].keys().isdisjoint(batch)]
        if self.decode is None or not names:
            return
        arrays = [np.array(self.source.read(key), dtype=np.float32) for key in batch]
        for name, results in self.decode([torch.from_numpy(one) for one in arrays], names).items():
            for key, hypotheses in zip(batch, results, strict=True):
                if key in self.part.labels[name]:
                    found[name][key] = hypotheses[0]

    def _measure(self, found: Found, seconds: float) -> EpochScores:
        start = time.perf_counter()
        values: dict[str, dict[str, float]] = {}
        shown: dict[str, dict[str, Any]] = {}
        for name, objective in self.objectives.items():
            write_results(self.folder / DECODED / name, found[name])
            kind, references = kind_of(objective), self.folder / REFERENCES / name
            measured = kind.measure(
                objective, references, self.folder / DECODED, self.config.scoring
            )
            check_returned("measure", kind, measured, (MeasuredSums, MeasuredDraws), "scores")
            for score, value in measured.values().items():
                metric = asdict(find_metric(objective, score))
                shown.setdefault(score, {key: metric[key] for key in SHOWN})
                values.setdefault(score, {})[name] = value
        means = {score: float(np.mean(list(own.values()))) for score, own in values.items()}
        single = {f"{score}/{n}": v for score, own in values.items() for n, v in own.items()}
        record = {
            score: {**shown[score], "mean": means[score], "objectives": own}
            for score, own in values.items()
        }
        seconds += time.perf_counter() - start
        return EpochScores(means | single, record, self._examples(found), seconds)

    def _examples(self, found: Found) -> dict[str, dict[str, dict[str, str]]]:
        """Return the texts of the first chosen utterances of each objective that writes texts."""
        chosen: dict[str, dict[str, dict[str, str]]] = {}
        for name, results in found.items():
            for key in list(self.part.labels[name])[: self.config.examples]:
                if results[key].array is None:
                    texts = {
                        "reference": clean_label(self.part.labels[name][key]),
                        "hypothesis": clean_label(results[key].text),
                    }
                    chosen.setdefault(name, {})[key] = texts
        return chosen


def write_results(folder: Path, found: Mapping[str, Hypothesis]) -> None:
    """Write the results of an objective as stage 11 does: `text`, and `array.scp` for arrays.

    Args:
        folder: Folder of the objective.
        found: Utterance id to result.

    Raises:
        OSError: If a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "text", {key: item.text for key, item in found.items()})
    arrays = {key: item.array for key, item in found.items() if item.array is not None}
    if arrays:
        write_arrays(folder, arrays)


def _join(shares: list[Found]) -> Found:
    joined: Found = {}
    for share in shares:
        for name, results in share.items():
            joined.setdefault(name, {}).update(results)
    return joined

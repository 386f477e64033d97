"""Search static weights on a grid: the paper's strongest two-stage baseline."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json, read_json_lines, read_yaml, require_shape, write_json
from espnet_soups.objectives.objective import match_names
from espnet_soups.task.training.delta import COMPARED, compared_losses, relative_improvement

# Shapes of a line of soup.jsonl, and of a point in the file of a search.
EPOCH = {
    **{"epoch": int, "objectives": list[str], "valid_accuracy": dict[str, float | None]},
    **{"selects?": list[str], **COMPARED},
}
POINT = {"tag": str, "weights": dict[str, float], "accuracy": float}


@dataclass(frozen=True)
class Trial:
    """Point of the grid.

    Attributes:
        weights: Glob over objective names to weight.
        tag: Name of its experiment.
    """

    weights: Mapping[str, float]
    tag: str

    @property
    def train_args(self) -> str:
        """Options of `msp_train`: ESPnet's trainer with these weights."""
        words = [f"--static_weights {glob}={weight:g}" for glob, weight in self.weights.items()]
        return " ".join(["--trainer default", *words])


@dataclass(frozen=True)
class Outcome:
    """Result of a trial in its best epoch.

    Attributes:
        trial: The trial.
        epoch: The epoch with the highest accuracy.
        accuracy: Mean validation accuracy of the objectives that select.
        losses: Validation losses in that epoch, of the objectives that `delta` compares.
    """

    trial: Trial
    epoch: int
    accuracy: float
    losses: Mapping[str, float]


@dataclass(frozen=True)
class Search:
    """Result of a search.

    Attributes:
        best: Name of the best experiment, below `exp/msp_`; it has been scored.
        weights: Its weights.
        accuracy: Its mean validation accuracy.
        points: Number of points of the grid, all of them trained.
    """

    best: str
    weights: Mapping[str, float]
    accuracy: float
    points: int


def search_file(expdir: Path, tag: str) -> Path:
    """Return the file of the result of a search.

    Args:
        expdir: Folder of the experiments.
        tag: Prefix of the names of its experiments.
    """
    return expdir / f"{tag}_search.json"


def write_search(path: Path, tag: str, ranked: Sequence[tuple[Outcome, float]]) -> None:
    """Write the result of a search: every point of the grid, the best one first.

    Args:
        path: The file.
        tag: Prefix of the names of its experiments.
        ranked: The result of `rank_outcomes`.
    """
    points = [
        {
            "tag": f"{tag}_{outcome.trial.tag}",
            "weights": dict(outcome.trial.weights),
            "accuracy": outcome.accuracy,
            "epoch": outcome.epoch,
            "delta": delta if math.isfinite(delta) else None,
        }
        for outcome, delta in ranked
    ]
    write_json(path, {"points": points})


def read_search(path: Path) -> Search | None:
    """Read the result of a search; None: it has not ended yet.

    Args:
        path: The file.

    Raises:
        ValueError: If the file is malformed.
    """
    if not path.is_file():
        return None
    try:
        points = read_json(path, "search_weights", {"points": list[dict[str, Any]]})["points"]
        best = points[0]
        require_shape(best, POINT, "its first point", "search_weights")
        return Search(best["tag"], best["weights"], best["accuracy"], len(points))
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path} holds no search ({error}); run search_weights again.") from error


def read_grid(path: Path) -> list[Trial]:
    """Read a grid and return all combinations, in order.

    Args:
        path: The YAML file.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is not a mapping `weights` of globs to lists of positive numbers.
    """
    grid = read_yaml(path, "the grid of weights")
    found = grid.get("weights")
    if not isinstance(found, dict) or not found or not all(map(_are_weights, found.values())):
        raise ValueError(
            f"{path} must hold `weights`, a mapping of globs to lists of positive numbers, such as"
            f" `asr_*: [1.0]` and `st_*: [0.5, 1.0]`, but holds {grid!r}."
        )
    weights = {str(glob): [float(w) for w in values] for glob, values in found.items()}
    combinations = itertools.product(*weights.values())
    return [_name(dict(zip(weights, values, strict=True))) for values in combinations]


def read_outcome(trial: Trial, exp_dir: Path) -> Outcome:
    """Read the best epoch of a trial.

    Args:
        trial: The trial.
        exp_dir: Folder of its experiment.

    Raises:
        OSError: If it left no record.
        ValueError: If no epoch has an accuracy, or a glob matches no objective.
    """
    path = exp_dir / "soup.jsonl"
    records = read_json_lines(path, "the training", EPOCH)
    if not records:
        raise ValueError(f"{path} has no epoch: train that run first.")
    for glob in trial.weights:
        try:
            match_names(glob, records[-1]["objectives"])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    scored = [(_accuracy(record), record) for record in records]
    known = [pair for pair in scored if math.isfinite(pair[0])]
    if not known:
        raise ValueError(f"{exp_dir / 'soup.jsonl'} has no validation accuracy of any objective.")
    accuracy, best = max(known, key=lambda pair: pair[0])
    return Outcome(trial, best["epoch"], accuracy, compared_losses(best))


def rank_outcomes(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, float]]:
    """Rank the outcomes of a grid.

    Args:
        outcomes: The outcomes, in the order of the grid.

    Returns:
        (outcome, mean relative improvement of its losses over the first point), best accuracy
        first.
    """
    reference = outcomes[0].losses
    ranked = sorted(outcomes, key=lambda outcome: -outcome.accuracy)
    return [(outcome, relative_improvement(outcome.losses, reference)) for outcome in ranked]


def _are_weights(values: object) -> bool:
    """Return whether a glob has at least one weight, all of them finite and positive."""
    numbers = values if isinstance(values, list) else []
    return bool(numbers) and all(
        isinstance(w, int | float) and not isinstance(w, bool) and 0 < w < math.inf for w in numbers
    )


def _name(weights: Mapping[str, float]) -> Trial:
    words = [f"{glob.strip('*_').replace('*', '')}{weight:g}" for glob, weight in weights.items()]
    return Trial(weights, "static_" + "_".join(words))


def _accuracy(record: Mapping[str, Any]) -> float:
    found = record["valid_accuracy"]
    names = record.get("selects") or list(found)
    values = [found[name] for name in names if found.get(name) is not None]
    return sum(values) / len(values) if values else math.nan

"""Write `soup.jsonl`: one line per epoch, for plots and later analysis."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2.train.reporter import SubReporter, aggregate

from espnet_soups.files import read_json_lines, write_json_lines
from espnet_soups.network.step_guard import StepGuard
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import by_kind, kind_of
from espnet_soups.soup.soup import Soup

FILE = "soup.jsonl"


def epoch_means(reporter: SubReporter, prefix: str) -> dict[str, float]:
    """Return the mean of every statistic whose name starts with a prefix, without the prefix.

    Args:
        reporter: The statistics of the epoch.
        prefix: The prefix, such as `loss/`.
    """
    return {
        key[len(prefix) :]: float(aggregate(values))
        for key, values in reporter.stats.items()
        if key.startswith(prefix)
    }


def describe_levels(soup: Soup) -> list[dict[str, Any]]:
    """Return each level with its objectives, penalty, combiner and weights, the top level first.

    Args:
        soup: The soup.
    """
    weights, distances = soup.weights.values, soup.hierarchy.distances(soup.weights.values)
    return [
        {
            "level": position + 1,
            "objectives": [soup.names[index] for index in level],
            "penalty": float(soup.penalties[position]),
            "mean_penalty": float(soup.means.penalties[position]),
            "combiner": combiner.name,
            "moves": combiner.moves,
            "weights": weights[level].tolist(),
            "mean_weights": soup.means.weights[level].tolist(),
            "distance": float(distances[position]),
            "mean_distance": float(soup.means.distances[position]),
        }
        for position, (level, combiner) in enumerate(
            zip(soup.hierarchy.levels, soup.weigher.combiners, strict=True)
        )
    ]


def describe_gradients(soup: Soup) -> dict[str, Any]:
    """Return the statistics of gradients from the measured steps of an epoch, for the record.

    Args:
        soup: The soup.
    """
    means = soup.means.gradients
    return {
        "optimizer_steps": soup.means.steps,
        "measured_steps": means.measured,
        "gradient_norm": dict(zip(soup.names, means.norms().tolist(), strict=True)),
        "signal_share": dict(zip(soup.names, means.signal_shares().tolist(), strict=True)),
        "raised": dict(zip(soup.names, means.raised().tolist(), strict=True)),
        "raised_any": means.raised_any(),
        "cosine": means.cosines().tolist() if means.measured else None,
        "cosine_steps": means.steps().tolist(),
        "layers": soup.means.layers.describe(soup.names),
    }


def tally_line(
    objectives: Sequence[Objective],
    labels: Mapping[str, tuple[int, int]],
    shortened: Mapping[str, int],
) -> str:
    """Return a line on labels that were left out or used in part; empty if all were used.

    Args:
        objectives: The objectives, in order.
        labels: Objective to (number of labels, number of those left out).
        shortened: Objective to number of utterances that were used in part.
    """
    sentences = []
    for kind, members in by_kind(objectives).items():
        parts = [_left_out(m.name, labels[m.name], shortened[m.name]) for m in members]
        if any(parts):
            sentences.append(f"{kind.left_out}: {', '.join(part for part in parts if part)}")
    return ". ".join(sentences)


def _left_out(name: str, counts: tuple[int, int], shortened: int) -> str:
    seen, left_out = counts
    if not (left_out or shortened):
        return ""
    in_part = f" ({shortened} more were used in part)" if shortened else ""
    return f"{left_out} of {seen} of {name}{in_part}"


def review_epoch(
    objectives: Sequence[Objective],
    labels: Mapping[str, tuple[int, int]],
    shortened: Mapping[str, int],
    watched: Mapping[str, Mapping[str, float]],
) -> list[str]:
    """Return warnings about an epoch.

    Args:
        objectives: The objectives, in order.
        labels: Objective to (number of labels, number of those left out).
        shortened: Objective to number of utterances that were used in part.
        watched: Objective to the means of the statistics that its head watches.

    Raises:
        ValueError: If further training makes no sense.
    """
    warnings = [tally_line(objectives, labels, shortened)]
    for objective in objectives:
        seen, left_out = labels[objective.name]
        own = watched.get(objective.name, {})
        warnings += kind_of(objective).review_epoch(seen, left_out, own)
    return [warning for warning in warnings if warning]


def check_steps(guard: StepGuard, none_valid: bool, epoch: int, accum_grad: int) -> None:
    """Log how many steps of an epoch were skipped.

    Args:
        guard: The guard that counted them.
        none_valid: Whether no step was made.
        epoch: Number of the epoch, from 1.
        accum_grad: Mini-batches per step.

    Raises:
        ValueError: If no step was made.
    """
    if none_valid and guard.skipped == 0:
        raise ValueError(
            f"Epoch {epoch} made no step: it has fewer mini-batches than `accum_grad`"
            f" ({accum_grad}). Lower `accum_grad` or `batch_bins`."
        )
    if none_valid:
        raise ValueError(
            f"No step of epoch {epoch} was valid. Skipped, since a loss or a gradient was not"
            f" finite: {guard.describe()}. Lower the learning rate, or look for broken audio or"
            " labels of these objectives."
        )
    if guard.skipped:
        logging.warning(
            f"Steps of epoch {epoch} that were skipped, since a loss or a gradient was not"
            f" finite: {guard.describe()}"
        )


def read_records(output_dir: Path) -> list[dict[str, Any]]:
    """Return the records of the epochs so far; empty if there is no file.

    Args:
        output_dir: Folder of the run.

    Raises:
        ValueError: If the file is malformed.
    """
    path = output_dir / FILE
    return read_json_lines(path, "the training", {"epoch": int}) if path.exists() else []


def write_record(output_dir: Path, record: dict[str, Any]) -> None:
    """Add a record; it replaces records of its own and later epochs from an interrupted run.

    Args:
        output_dir: Folder of the run.
        record: The record of an epoch.
    """
    kept = [other for other in read_records(output_dir) if other["epoch"] < record["epoch"]]
    write_json_lines(output_dir / FILE, [*kept, record])


def without_nan(value: Any) -> Any:
    """Replace NaN and infinity, which JSON cannot hold, by null.

    Args:
        value: Any value of JSON.

    Returns:
        The value with replacements, copied.
    """
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

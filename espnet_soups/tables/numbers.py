"""Read the numbers of a table from the folders of its experiments."""

import math
import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.files import read_json
from espnet_soups.tables.plan import COSTS, Column

MEMORY = re.compile(r"gpu_max_cached_mem_GB=(\d+(?:\.\d*)?)", re.ASCII)
COST = {"seconds": float, "epochs": int}  # what is read of results.json


def read_number(folder: Path, inference_tag: str, column: Column) -> float | None:
    """Read the number of a column; None: the experiment has none.

    Args:
        folder: The experiment.
        inference_tag: Name of the decoding.
        column: The column.

    Raises:
        ValueError: If a file of scores is malformed.
    """
    if column.missing:
        return None
    if column.metric in COSTS:
        return _read_cost(folder, column.metric)
    values = []
    item = {f"{column.metric}?": {"value": float}}
    for name in column.sets:
        path = folder / inference_tag / name / "scores.json"
        if not path.is_file():
            return None
        try:
            objectives = read_json(path, "stage 12", {"objectives": {"*": item}})["objectives"]
        except ValueError as error:
            raise ValueError(f"{path} holds no scores ({error}); run stage 12 again.") from error
        members = [
            item[column.metric]
            for key, item in objectives.items()
            if item.get(column.metric) and (not column.objectives or key in column.objectives)
        ]
        if not members or (column.objectives and len(members) != len(column.objectives)):
            return None
        values.append(statistics.fmean(item["value"] for item in members))
    return statistics.fmean(values)


def summarise(values: Sequence[float]) -> str:
    """Return a mean as text, with the standard deviation if there are several values.

    Args:
        values: The values, one per seed.

    >>> summarise([7.0]), summarise([7.0, 8.0]), summarise([])
    ('7.0', '7.5 ± 0.7', '–')
    """
    if not values:
        return "–"
    mean = statistics.fmean(values)
    digits = 1 if abs(mean) < 1000 else 0
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean:.{digits}f}{spread}"


def _read_cost(folder: Path, metric: str) -> float | None:
    if metric == "seconds_per_epoch":
        path = folder / "results.json"
        if not path.is_file():
            return None
        training = read_json(path, "stage 13", {"training": COST})["training"]
        return training["seconds"] / training["epochs"] if training["epochs"] else None
    log = folder / "train.log"
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    largest = max((float(number) for number in MEMORY.findall(text)), default=math.nan)
    return None if math.isnan(largest) else largest

"""Lines of soup.jsonl, made up, and ways to change them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np


def level_record(number: int, objectives: list[str], shift: float) -> dict:
    """Return a level whose first weight lies `shift` above uniform, and whose second below."""
    size = len(objectives)
    way = np.array([1.0, -1.0, *[0.0] * (size - 2)]) if size > 1 else np.zeros(1)
    return {
        "level": number,
        "objectives": objectives,
        "penalty": 1.0,
        "combiner": "modo",
        "weights": (1.0 / size + shift * way).tolist(),
        "mean_weights": (1.0 / size + 0.5 * shift * way).tolist(),
        "distance": shift if size > 1 else 0.0,
        "mean_distance": 0.5 * shift if size > 1 else 0.0,
        "moves": True,
    }


def measured_record(objectives: list[str], epoch: int) -> dict:
    """Return what the measured steps of an epoch gave, n of 10 n in epoch n."""
    size = len(objectives)
    return {
        "optimizer_steps": 10 * epoch,
        "measured_steps": epoch,
        "gradient_norm": dict.fromkeys(objectives, 2.0),
        "signal_share": dict.fromkeys(objectives, 0.4),
        "cosine": (np.full((size, size), -0.25) + 1.25 * np.eye(size)).tolist(),
        "cosine_steps": np.full((size, size), epoch).tolist(),
        "raised": dict.fromkeys(objectives, 0.1 * epoch),
        "raised_any": 0.2 * epoch,
    }


def soup_records(objectives: list[str], epochs: int, drift: float = 0.02) -> list[dict]:
    """Return what the trainer would write: recognition over translation, where there are both.

    Args:
        objectives: Their names.
        epochs: How many there are.
        drift: By how much the weights of each level move off from uniform in each epoch.
    """
    tasks = ("asr", "st")
    split = [[name for name in objectives if name.startswith(task)] for task in tasks]
    records = []
    for epoch in range(1, epochs + 1):
        levels = [
            level_record(number, level, drift * epoch)
            for number, level in enumerate((x for x in split if x), start=1)
        ]
        for level in levels[1:]:
            level["penalty"] = 0.02 * epoch
        records.append(
            {
                "epoch": epoch,
                "seconds": 30.5,
                "valid_seconds": 2.0,
                "objectives": objectives,
                "loss": dict.fromkeys(objectives, 4.0 / epoch),
                "valid_loss": dict.fromkeys(objectives, 4.4 / epoch),
                "valid_accuracy": dict.fromkeys(objectives, epoch / epochs),
                "delta": 0.0,
                "labels": dict.fromkeys(objectives, 100),
                "unalignable": {name: int(name == "asr_it") for name in objectives},
                "skipped_steps": 0,
                "not_finite": {},
                "levels": levels,
                **measured_record(objectives, epoch),
            }
        )
    return records


def change_records(folder: Path, change: Callable[[dict], object]) -> None:
    """Change every record of an experiment in place."""
    path = folder / "soup.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for record in records:
        change(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def forget_the_soup(record: dict) -> None:
    """Leave what `trainer: default` writes: one level, and none of the keys of a soup."""
    soup = ("optimizer_steps", "measured_steps", "signal_share", "cosine_steps")
    for key in (*soup, "raised", "raised_any"):
        del record[key]
    names = record["objectives"]
    level = {"level": 1, "objectives": names, "penalty": 1.0, "weights": [1.0] * len(names)}
    record |= {"levels": [level], "gradient_norm": {}, "cosine": None}

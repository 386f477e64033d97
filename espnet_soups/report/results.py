"""`results.json`: everything that is known of an experiment, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.report.compute import describe_compute
from espnet_soups.report.environment import describe_environment
from espnet_soups.report.history import History, read_history
from espnet_soups.report.json_file import read_json
from espnet_soups.report.train_log import read_train_log

STATIC = ("static", "constant")  # combiners of fixed weights
RESULTS = "results.json"
SCORES = "scores.json"


@dataclass(frozen=True)
class Experiment:
    """An experiment as the report sees it.

    Attributes:
        results: What `results.json` holds.
        history: Its curves.
        scores: `scores.json`, examples included.
        config: `config.yaml`.
    """

    results: dict[str, Any]
    history: History
    scores: dict[str, Any]
    config: dict[str, Any]


def read_experiment(
    exp_dir: Path,
    inference_tag: str,
    test_set: str,
    command: str,
    soup_defaults: Mapping[str, Any],
    parameters: int | None = None,
) -> Experiment:
    """Collect what an experiment gave.

    Args:
        exp_dir: Holds config.yaml, soup.jsonl or train.log, and `<inference_tag>/<set>/`.
        inference_tag: Name of the decoding.
        test_set: Name of the set.
        command: The command that made it all.
        soup_defaults: Settings of a soup that config.yaml leaves out.
        parameters: Number of trainable parameters; None: as train.log says.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed.
    """
    decode_dir = exp_dir / inference_tag / test_set
    scores = read_json(decode_dir / SCORES, "the scoring (stage 12)")
    config = read_config(exp_dir / "config.yaml")
    log = read_train_log(exp_dir)
    history = read_history(exp_dir, log)
    speed = decode_dir / "speed.json"
    results = {
        "name": exp_dir.resolve().name,
        "set": test_set,
        "inference_tag": inference_tag,
        "command": command,
        "training": {
            **describe_soup(config, soup_defaults),
            "levels": history.levels,
            "objectives": history.objectives,
            "epochs": len(history.epochs),
            "seconds": round(history.seconds, 1),
            "valid_seconds": history.valid_seconds,
            "unalignable": history.unalignable,
            "parameters": log.parameters if parameters is None else parameters,
            "compute": describe_compute(config, log),
        },
        "decoding": read_json(speed, "the decoding (stage 11)") if speed.is_file() else None,
        "scores": without_examples(scores),
        "environment": describe_environment(),
    }
    return Experiment(results, history, scores, config)


def without_examples(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores without texts, and without the folder of the references."""
    return {
        **{key: value for key, value in scores.items() if key != "reference_dir"},
        "objectives": {
            name: {key: value for key, value in item.items() if key != "examples"}
            for name, item in scores["objectives"].items()
        },
    }


@dataclass(frozen=True)
class Decoding:
    """One reported decoding of an experiment.

    Attributes:
        record: What its `results.json` holds.
        scores: Its `scores.json`, examples included.
    """

    record: dict[str, Any]
    scores: dict[str, Any]

    @property
    def label(self) -> str:
        """Return `<inference_tag>/<set>`."""
        return f"{self.record['inference_tag']}/{self.record['set']}"


def read_decodings(exp_dir: Path) -> list[Decoding]:
    """Read every decoding of an experiment that was reported: sets and inference tags.

    Raises:
        OSError: If one has lost its scores.
        ValueError: If a file is malformed.
    """
    return [
        Decoding(
            read_json(path, "the report (stage 13)"),
            read_json(path.parent / SCORES, "the scoring (stage 12)"),
        )
        for path in sorted(exp_dir.glob(f"*/*/{RESULTS}"))
    ]


def read_config(path: Path) -> dict[str, Any]:
    """Read ESPnet's config.yaml.

    Raises:
        OSError: If it is missing.
        ValueError: If it is not a YAML mapping.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run the training (stage 9) first.")
    try:
        config = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} must hold a mapping, but holds {config!r:.60}.")
    return config


def describe_soup(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trainer and, where it has one, the settings of its soup."""
    trainer = config.get("trainer", "default")
    if trainer == "default":
        return {"trainer": trainer, "soup": "joint", "order": None, "combiner": "static"}
    settings = {**defaults, **(config.get("trainer_conf") or {})}
    combiner, conf = settings["combiner"], settings["combiner_conf"]  # lists: one per level
    if settings["soup"] == "joint" and combiner not in STATIC:
        combiner, conf = "static", {}  # as the trainer has it: joint training never combines
    return {
        "trainer": trainer,
        "soup": settings["soup"],
        "order": settings["order"] if settings["soup"] == "vm" else None,
        "combiner": combiner if isinstance(combiner, str) else " / ".join(combiner),
        "combiner_conf": dict(conf) if isinstance(conf, Mapping) else list(conf),
        "mode": settings["mode"],
        "layers": settings["layers"],
        "refresh": settings["refresh"],
    }

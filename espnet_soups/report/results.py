"""`results.json`: all facts about an experiment, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json, read_yaml, require_shape
from espnet_soups.report.compute import describe_compute
from espnet_soups.report.environment import PACKAGES, describe_environment
from espnet_soups.report.history import History, read_history
from espnet_soups.report.method import describe_method
from espnet_soups.report.train_log import read_train_log
from espnet_soups.scoring.score_metrics import check_scores, read_scores

MADE_BY = "the report (stage 13)"
# Shape of `results.json`, beside scores.
SHARES = dict[str, float | None]
LEVEL = {
    **{"level": int, "objectives": list[str], "combiner": str | None, "moves": bool | None},
    **{"penalty": float | None, "weights": list[float | None], "mean_weights": list[float | None]},
    **{"distance": float | None, "largest_distance": float | None},
}
# Shape of trainings with recorded levels.
MEASURED = {
    **{"optimizer_steps": int | None, "measured_steps": int | None, "method": [LEVEL]},
    **{"signal_share": SHARES, "raised": SHARES, "raised_any": float | None},
}
COMPUTE = {"threads": int | None, "processes": int, "gpus": int, "this_machine": bool | None}
SOUP = {
    **{"trainer": str, "soup": str, "order": str | None, "combiner": str},
    **{"seed?": int, "config?": str},
}
TRAINING = {
    **SOUP,
    **{"levels": list[list[str]], "epochs": int, "seconds": float, "parameters": int | None},
    **{"unalignable": dict[str, int], "compute?": COMPUTE, "raised_any?": float},
    "seen?": dict[str, float],
}
ENVIRONMENT = {
    **{"date": str, "python": str, "system": str, "cpu": str, "cpus": int | None},
    **{"cpus_usable": int | None, "git": str | None, "gpus?": list[str]},
    **dict.fromkeys(PACKAGES, str | None),
}
SPEED = {"rtf?": float, "audio_seconds?": float, "decode_seconds": float}
RESULT = {
    **{"name": str, "set": str, "inference_tag": str, "command": str, "environment": ENVIRONMENT},
    "decoding?": {"rtf": float, "audio_seconds": float, "decode_seconds": float},
    **{"training": TRAINING, "scores": dict},
}
STATIC = ("static", "constant", "measure_only")  # combiners of fixed weights
RESULTS = "results.json"
SCORES = "scores.json"


@dataclass(frozen=True)
class Experiment:
    """Content of an experiment for the report.

    Attributes:
        results: Content of `results.json`.
        history: Curves of the training.
        scores: Content of `scores.json`, including examples.
        config: Content of `config.yaml`.
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
    audio: Path | None = None,
) -> Experiment:
    """Read the results of an experiment.

    Args:
        exp_dir: Folder with config.yaml, soup.jsonl or train.log, and `<inference_tag>/<set>/`.
        inference_tag: Name of the decoding.
        test_set: Name of the set.
        command: The command that produced the results.
        soup_defaults: Settings of a soup that config.yaml leaves out.
        parameters: Number of trainable parameters; None to take it from train.log.
        audio: The `wav.scp` of the set, if the report is to contain recordings; else None.

    Returns:
        The experiment.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed.
    """
    decode_dir = exp_dir / inference_tag / test_set
    scores = read_scores(decode_dir / SCORES)
    config = read_config(exp_dir / "config.yaml")
    log = read_train_log(exp_dir)
    history = read_history(exp_dir, log)
    speed = decode_dir / "speed.json"
    soup = describe_soup(config, soup_defaults)
    require_shape(soup, SOUP, str(exp_dir / "config.yaml"), "the training (stage 9)")
    training = soup | describe_training(history)
    training["parameters"] = log.parameters if parameters is None else parameters
    results = {
        "name": exp_dir.resolve().name,
        "set": test_set,
        "inference_tag": inference_tag,
        "command": command,
        "training": training | {"compute": describe_compute(config, log)},
        "decoding": _read_speed(speed) if speed.is_file() else None,
        "scores": without_examples(scores),
        "environment": describe_environment(),
        **({} if audio is None else {"audio": str(audio)}),
    }
    return Experiment(results, history, scores, config)


def _read_speed(path: Path) -> dict[str, Any] | None:
    """Read the speed of decoding; None if the length of the speech is unknown."""
    speed = read_json(path, "the decoding (stage 11)", SPEED)
    return None if speed.get("rtf") is None else speed


def read_result(path: Path) -> dict[str, Any]:
    """Read a `results.json`.

    Args:
        path: The file.

    Raises:
        OSError: If it is missing.
        ValueError: If it does not have the form that the report writes.
    """
    record = read_json(path, MADE_BY)
    check_result(record, str(path))
    return record


def check_result(record: object, place: str) -> None:
    """Refuse a record that does not have the form that the report writes.

    Args:
        record: Content of `results.json`.
        place: Name of the record, for messages.

    Raises:
        ValueError: If it does not have that form.
    """
    require_shape(record, RESULT, place, MADE_BY)
    known: Any = record
    if known["training"].get("method"):
        require_shape(known["training"], MEASURED, f"{place}: `training`", MADE_BY)
    for level in known["training"].get("method") or []:
        sizes = {len(level[key]) for key in ("objectives", "weights", "mean_weights")}
        if len(sizes) > 1:
            raise ValueError(f"{place}: a level must have a weight for each of its objectives.")
    check_scores(known["scores"], f"{place}: `scores`")


def without_examples(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores without texts of examples, and without the folder of the references.

    Args:
        scores: Content of `scores.json`.
    """
    return {
        **{key: value for key, value in scores.items() if key != "reference_dir"},
        "objectives": {
            name: {key: value for key, value in item.items() if key != "examples"}
            for name, item in scores["objectives"].items()
        },
    }


@dataclass(frozen=True)
class Decoding:
    """Reported decoding of an experiment.

    Attributes:
        record: Content of its `results.json`.
        scores: Content of its `scores.json`, including examples.
    """

    record: dict[str, Any]
    scores: dict[str, Any]

    @property
    def label(self) -> str:
        """Name of the decoding, `<inference_tag>/<set>`."""
        return f"{self.record['inference_tag']}/{self.record['set']}"


def read_decodings(exp_dir: Path) -> list[Decoding]:
    """Read all reported decodings of an experiment.

    Args:
        exp_dir: Folder of the experiment.

    Raises:
        OSError: If the scores of one are missing.
    """
    return [
        Decoding(
            read_result(path),
            read_scores(path.parent / SCORES),
        )
        for path in sorted(exp_dir.glob(f"*/*/{RESULTS}"))
    ]


def read_config(path: Path) -> dict[str, Any]:
    """Read ESPnet's config.yaml.

    Args:
        path: The file.

    Raises:
        OSError: If it is missing.
        ValueError: If it is not a YAML mapping.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; run the training (stage 9) first.")
    return read_yaml(path, "the configuration of a training")


def describe_soup(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts needed to run the training again.

    Args:
        config: Content of ESPnet's config.yaml.
        defaults: Every setting of a soup, for those that config.yaml leaves out.

    Returns:
        The trainer; soup, order and combiner as shown in tables; `settings`, every setting of the
        soup as the trainer used it (empty for `trainer: default`); `seed`; `config`, the name of
        the training configuration. None means unknown.

    Raises:
        ValueError: If `trainer_conf` is no mapping.
    """
    trainer, path = config.get("trainer", "default"), config.get("config")
    origin = {"seed": config.get("seed"), "config": None if path is None else Path(path).name}
    if trainer == "default":
        soup = {"soup": "joint", "order": None, "combiner": "static"}
        return {"trainer": trainer, **soup, "settings": {}, **origin}
    conf = config.get("trainer_conf") or {}
    if not isinstance(conf, Mapping):
        raise ValueError(f"`trainer_conf` of config.yaml must be a mapping, but is {conf!r:.80}.")
    settings = {**defaults, **conf}
    if settings["soup"] == "joint" and settings["combiner"] not in STATIC:
        # As in the trainer: joint training never combines.
        settings |= {"combiner": "static", "combiner_conf": {}}
    combiner, conf = settings["combiner"], settings["combiner_conf"]  # lists: one per level
    return {
        "trainer": trainer,
        "soup": settings["soup"],
        "order": settings["order"] if settings["soup"] == "vm" else None,
        "combiner": combiner if isinstance(combiner, str) else " / ".join(combiner),
        "combiner_conf": dict(conf) if isinstance(conf, Mapping) else list(conf),
        "settings": settings,
        **origin,
    }


def describe_training(history: History) -> dict[str, Any]:
    """Return the entries of `results.json` about the training itself; times in s.

    Args:
        history: Curves of the training.
    """
    return {
        "levels": [level.objectives for level in history.levels],
        **describe_method(history),
        "objectives": history.objectives,
        "epochs": len(history.epochs),
        "seconds": round(history.seconds, 1),
        "valid_seconds": history.valid_seconds,
        "unalignable": history.unalignable,
        **({"seen": history.seen} if history.seen else {}),
    }

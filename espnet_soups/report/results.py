"""`results.json`: everything that is known of an experiment, in one place."""

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
# What is read of `results.json`, beside scores.
SHARES = dict[str, float | None]
LEVEL = {
    **{"level": int, "objectives": list[str], "combiner": str | None, "moves": bool | None},
    **{"penalty": float | None, "weights": list[float | None], "mean_weights": list[float | None]},
    **{"distance": float | None, "largest_distance": float | None},
}
# Of trainings with levels that were recorded.
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
    audio: Path | None = None,
) -> Experiment:
    """Collect what an experiment gave.

    Args:
        exp_dir: Holds config.yaml, soup.jsonl or train.log, and `<inference_tag>/<set>/`.
        inference_tag: Name of the decoding.
        test_set: Name of the set.
        command: The command that made it all.
        soup_defaults: Settings of a soup that config.yaml leaves out.
        parameters: Number of trainable parameters; None: as train.log says.
        audio: The `wav.scp` of the set, where its recordings are to be heard in the report.

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
    """Read how fast decoding was; None: the length of the speech is not known."""
    speed = read_json(path, "the decoding (stage 11)", SPEED)
    return None if speed.get("rtf") is None else speed


def read_result(path: Path) -> dict[str, Any]:
    """Read a `results.json`.

    Raises:
        OSError: If there is none.
        ValueError: If it is not as the report writes it.
    """
    record = read_json(path, MADE_BY)
    check_result(record, str(path))
    return record


def check_result(record: object, place: str) -> None:
    """Refuse what is not as the report writes it.

    Args:
        record: What `results.json` holds.
        place: How messages call it.

    Raises:
        ValueError: If it is not.
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
            read_result(path),
            read_scores(path.parent / SCORES),
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
    return read_yaml(path, "the configuration of a training")


def describe_soup(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to know to run the training again.

    Args:
        config: ESPnet's config.yaml.
        defaults: Every setting of a soup, for those that config.yaml leaves out.

    Returns:
        The trainer; soup, order and combiner as the tables show them; `settings`, every setting
        of the soup as the trainer took it (none for `trainer: default`); `seed`; `config`, the
        name of the training configuration. None: not known.
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
        # As the trainer has it: joint training never combines.
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
    """Return what `results.json` says of the training itself; times in seconds.

    Args:
        history: Its curves.
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

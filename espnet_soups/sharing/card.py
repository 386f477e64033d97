"""Write the card of a model: what it does and how well, its training and data, its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from espnet_soups import __version__
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import declared_objectives, kind_of
from espnet_soups.report.results import read_config, read_decodings
from espnet_soups.report.score_tables import plain_rows
from espnet_soups.report.wording import describe_levels, duration, soup_name, table
from espnet_soups.scoring.score_metrics import scores_by_kind

CARD = "README.md"


@dataclass(frozen=True)
class Corpus:
    """A corpus that a model was trained on.

    Attributes:
        name: Its name.
        licence: Its licence.
        url: Where to get it.
    """

    name: str
    licence: str
    url: str


def render_card(exp_dir: Path, corpora: Sequence[Corpus], licence: str) -> str:
    """Return the card of a model in Markdown, with the head that the Hugging Face hub reads.

    Args:
        exp_dir: The folder that training wrote; scores and method come from its report.
        corpora: What the model was trained on; empty: the card says that the corpora are not named.
        licence: Licence of the model; empty: the card says that none is named.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed.
    """
    config = read_config(exp_dir / "config.yaml")
    objectives = declared_objectives(config)
    decodings = read_decodings(exp_dir)
    environment = Environment(
        loader=PackageLoader("espnet_soups.sharing"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    head = {
        "language": languages_of(objectives),
        **({"license": licence} if licence else {}),
        "library_name": "espnet-soups",
        "tags": ["espnet", "espnet-soups", *_tags(objectives)],
    }
    return environment.get_template("card.md").render(
        head=yaml.safe_dump(head, sort_keys=False, allow_unicode=True),
        name=exp_dir.resolve().name,
        tasks=_tasks(objectives),
        corpora=corpora,
        licence=licence,
        results=[(item.label, _tables(item.scores), _sizes(item.scores)) for item in decodings],
        method=_method(decodings[-1].record) if decodings else [],
        example=objectives[0].language or "fr",
        version=__version__,
        rate=_rate(config),
    )


def languages_of(objectives: Sequence[Objective]) -> list[str]:
    """Return the codes of all languages, spoken or written, without script and region, each once.

    Args:
        objectives: The objectives of the model.
    """
    named = [code for item in objectives for code in (item.language, item.target) if code]
    return list(dict.fromkeys(code.replace("-", "_").split("_")[0].lower() for code in named))


def _tags(objectives: Sequence[Objective]) -> list[str]:
    return list(dict.fromkeys(tag for item in objectives if (tag := kind_of(item).hub_tag)))


def _tasks(objectives: Sequence[Objective]) -> list[tuple[str, str]]:
    """Return the title of each kind with its objectives."""
    found: dict[str, list[str]] = {}
    for item in objectives:
        name = f"{item.language} → {item.target}" if item.target else item.language or item.name
        found.setdefault(kind_of(item).title, []).append(name)
    return [(title, ", ".join(names)) for title, names in found.items()]


def _tables(scores: Mapping[str, Any]) -> list[str]:
    """Return a table of scores with intervals for each kind."""
    tables = []
    for kind in scores_by_kind(scores):
        metrics = kind.metrics
        head = ["objective", "utterances", *(metric.heading for metric in metrics)]
        tables.append(table(head, plain_rows(kind, metrics, scores["mean"]), left=1))
    return tables


def _sizes(scores: Mapping[str, Any]) -> tuple[int, int]:
    """Return the least and the most utterances that an objective was scored on."""
    found = [item["utterances"] for item in scores["objectives"].values()]
    return min(found), max(found)


def _method(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how the model was trained, as pairs of a name and a value."""
    training, where = record["training"], record["environment"]
    packages = ("espnet-soups", "espnet", "torch", "torchjd")
    return [
        ("soup", soup_name(training)),
        ("levels, the top one first", describe_levels(training["levels"])),
        ("combiner", training["combiner"]),
        ("epochs, seed", f"{training['epochs']}, {training.get('seed')}"),
        ("parameters", f"{training['parameters']:,}" if training["parameters"] else "unknown"),
        ("time of training", duration(training["seconds"])),
        ("command", f"`{record['command']}`"),
        ("commit", where["git"] or "none: an installed package"),
        ("versions", ", ".join(f"{name} {where[name] or 'unknown'}" for name in packages)),
        ("reported", where["date"]),
    ]


def _rate(config: Mapping[str, Any]) -> int | None:
    """Return the sampling rate of the model, Hz; None: its configuration is silent."""
    features = config.get("feats_conf") or config.get("frontend_conf") or {}
    rate = features.get("fs") if isinstance(features, Mapping) else None
    return rate if isinstance(rate, int) else None

"""Words of a soup that are wrong on their own, found before torch and ESPnet are imported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.levels.order import arrange_levels
from espnet_soups.soup.config import read_soup_config
from espnet_soups.objectives.objective import build_objectives
from espnet_soups.weighting.catalogue import REFUSED, SOURCES


def check_words(config: Path, asr_languages: Sequence[str], words: Sequence[str]) -> None:
    """Check soup, order and combiner of a run; all else is left to the trial model.

    Args:
        config: The training configuration, YAML.
        asr_languages: Languages that are recognised.
        words: Further options of `msp_train`, as on its command line.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is no YAML mapping, or a word of the soup is not valid.
    """
    options = read_yaml(config) | _single_options(words)
    if options.get("trainer") != "msp" or not isinstance(options.get("trainer_conf", {}), dict):
        return
    soup = read_soup_config(dict(options.get("trainer_conf") or {}) | _soup_options(words))
    for name in [soup.combiner] if isinstance(soup.combiner, str) else soup.combiner:
        if name not in SOURCES and name not in REFUSED:
            raise ValueError(f"`combiner` must be one of {sorted(SOURCES)}, but got {name!r}.")
    objectives = build_objectives(
        asr_languages, options.get("st_pairs") or [], options.get("ssl", "none") != "none"
    )
    arrange_levels(soup.soup, objectives, soup.order, soup.levels)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is no YAML, or no mapping; the message has the line.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = "" if mark is None else f":{mark.line + 1}"
        raise ValueError(f"{path}{place} is not valid YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(found, dict | None):
        raise ValueError(f"{path} must hold `key: value` lines, but holds {found!r:.60}.")
    return found or {}


def _values_of(option: str, words: Sequence[str]) -> list[list[str]]:
    """Return the words behind each use of an option."""
    found: list[list[str]] = []
    inside = False
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            inside = name == option
            if inside:
                found.append([value] if equals else [])
        elif inside:
            found[-1].append(word)
    return found


def _single_options(words: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name in ("trainer", "ssl"):
        for values in _values_of(f"--{name}", words):
            options[name] = values[0] if values else None
    for values in _values_of("--st_pairs", words):
        options["st_pairs"] = values
    return options


def _soup_options(words: Sequence[str]) -> dict[str, Any]:
    """Return what `--trainer_conf key=value` says, nested keys left out."""
    pairs = [
        value.partition("=") for values in _values_of("--trainer_conf", words) for value in values
    ]
    return {key: yaml.safe_load(value) for key, equals, value in pairs if equals and "." not in key}

"""Check soup, order and combiner before torch and ESPnet are imported."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2.utils.nested_dict_action import NestedDictAction

from espnet_soups.files import parse_yaml, read_yaml
from espnet_soups.levels.order import arrange_levels
from espnet_soups.objectives.registry import KINDS, declared_objectives, order_letters
from espnet_soups.objectives.run_words import uses_of
from espnet_soups.soup.config import SoupConfig, read_soup_config
from espnet_soups.weighting.catalogue import REFUSED, SOURCES


def check_words(config: Path, words: Sequence[str], declared: Mapping[str, Any]) -> None:
    """Check soup, order and combiner of a run; the trial model checks the rest.

    Args:
        config: The training configuration, YAML.
        words: Further options of `msp_train`, as on its command line.
        declared: Options that follow from those of `run.sh`, see `Kind.options_of_run`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is not a YAML mapping, or an option of the soup is not valid.
    """
    options = read_yaml(config, "the training configuration")
    options |= dict(declared)
    options |= _plain_options(words, options.get("objectives"))
    if options.get("trainer") != "msp" or not isinstance(options.get("trainer_conf", {}), dict):
        return
    given = _soup_options(words)
    try:
        soup = _check_soup(dict(options.get("trainer_conf") or {}) | given, options)
        _refuse_idle(given, soup)
    except ValueError as error:
        settings = " ".join(f"{key}={value}" for key, value in given.items())
        further = f" with `{settings}`" if given else ""  # of all words, those of the soup
        raise ValueError(f"{config}{further}: {error}") from error


def _check_soup(conf: Mapping[str, Any], options: Mapping[str, Any]) -> SoupConfig:
    soup = read_soup_config(conf)
    for name in [soup.combiner] if isinstance(soup.combiner, str) else soup.combiner:
        if name not in SOURCES and name not in REFUSED:
            raise ValueError(f"`combiner` must be one of {sorted(SOURCES)}, but got {name!r}.")
    objectives = declared_objectives(options)
    arrange_levels(soup.soup, objectives, order_letters(options), soup.order, soup.levels)
    return soup


def _refuse_idle(given: Mapping[str, Any], soup: SoupConfig) -> None:
    """Refuse a setting of the command line that the soup leaves aside; a YAML may hold several.

    Raises:
        ValueError: If there is one.
    """
    for key, fitting in soup.unused().items():
        if key in given:
            raise ValueError(
                f"`{key}` changes nothing with `soup: {soup.soup}`: add `--soup {fitting}`, or"
                " leave it out."
            )


def _plain_options(words: Sequence[str], objectives: Any) -> dict[str, Any]:
    """Return the trainer and the options of kinds that the words set.

    Args:
        words: Options of `msp_train`.
        objectives: The objectives to begin with, as ESPnet's parser begins with the YAML.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--trainer")
    parser.add_argument("--objectives", action=NestedDictAction)
    for kind in KINDS:
        kind.add_options(parser)
    parser.set_defaults(**dict.fromkeys(vars(parser.parse_args([]))))
    parser.set_defaults(objectives=objectives)
    found, _ = parser.parse_known_args(list(words))
    return {name: value for name, value in vars(found).items() if value is not None}


def _soup_options(words: Sequence[str]) -> dict[str, Any]:
    """Return the settings of `--trainer_conf key=value`, without nested keys."""
    pairs = [
        value.partition("=") for values in uses_of("--trainer_conf", words) for value in values
    ]
    return {
        key: parse_yaml(value, f"`--trainer_conf {key}={value}`")
        for key, equals, value in pairs
        if equals and "." not in key
    }

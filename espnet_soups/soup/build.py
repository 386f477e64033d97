"""Construction of a soup from its settings: levels, combiners and penalty schedules."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.order import Levels, arrange_levels
from espnet_soups.levels.penalty import Penalties, build_penalties
from espnet_soups.objectives.objective import Objective
from espnet_soups.soup.config import SoupConfig
from espnet_soups.soup.soup import Soup
from espnet_soups.weighting.registry import build_combiner


def build_soup(
    config: SoupConfig,
    objectives: Sequence[Objective],
    shared: Sequence[str],
    letters: Mapping[str, str],
) -> Soup:
    """Build a soup.

    Args:
        config: Its settings. `soup: joint` always has static weights: uniform ones, or those of
            `combiner: static`, `constant` or `measure_only`.
        objectives: The objectives of the run, in order.
        shared: Prefixes of the modules that objectives share.
        letters: Letters of `order`, each mapped to globs over the names of objectives.

    Returns:
        The soup, not yet bound to a model.

    Raises:
        ValueError: If the settings do not fit the objectives.
    """
    given = config
    if "combiner" in config.unused():
        config = replace(config, combiner="static", combiner_conf={})
    levels = arrange_levels(config.soup, objectives, letters, config.order, config.levels)
    names = [objective.name for objective in objectives]
    hierarchy = Hierarchy([[names.index(name) for name in level] for level in levels.names])
    combiners = [
        build_combiner(name, conf, members, position)
        for position, (name, conf, members) in enumerate(
            zip(*_per_level(config, levels), levels.names, strict=True), start=1
        )
    ]
    penalties = _penalties(config, levels)
    if levels.dropped:
        logging.info(f"Letters {levels.dropped} of the order stand for no objective: dropped.")
    soup = Soup(names, hierarchy, combiners, penalties, config, shared)
    _log_unused(given, soup.measures)
    if config.acts_on != "backbone" and not soup.measures:
        raise ValueError(
            f"`acts_on: {config.acts_on}` needs measured layers, but no combiner of"
            f" {soup.weigher.names} looks at gradients: use `measure_only` for fixed weights, or"
            " remove `acts_on`."
        )
    return soup


def _log_unused(config: SoupConfig, measures: bool) -> None:
    """Log the settings that are given but play no part in the soup."""
    names = [*config.unused()]
    names += [] if measures else ["mode", "refresh", "layers", "selection"]
    default = SoupConfig()
    given = [name for name in names if getattr(config, name) not in (getattr(default, name), [])]
    if given:
        listed = ", ".join(f"`{name}`" for name in given)
        logging.info(f"`soup: {config.soup}` makes no use of {listed} of `trainer_conf`")


def _per_level(config: SoupConfig, levels: Levels) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Return the name and the options of the combiner of each level, the top level first."""
    names, confs = config.combiner, config.combiner_conf
    several = not isinstance(names, str) and len(set(names)) > 1
    if several and isinstance(confs, Mapping) and confs:
        raise ValueError(
            f"`combiner` is a list, so `combiner_conf` must be one too, a mapping per level, but"
            f" got {dict(confs)}."
        )
    if not isinstance(confs, Mapping) and not all(isinstance(conf, Mapping) for conf in confs):
        raise ValueError(f"`combiner_conf` must hold mappings, but got {list(confs)}.")
    of_names = [names] if isinstance(names, str) else list(names)
    of_confs: list[Any] = [confs] if isinstance(confs, Mapping) else list(confs)
    return (
        _fit("combiner", of_names, isinstance(names, str), config, levels),
        _fit("combiner_conf", of_confs, isinstance(confs, Mapping), config, levels),
    )


def _fit(
    key: str, values: list[Any], for_all: bool, config: SoupConfig, levels: Levels
) -> list[Any]:
    """Return one value per level, without those of letters that were dropped.

    Raises:
        ValueError: If there is not one value per level.
    """
    count = len(levels.names)
    if for_all:
        return values * count
    if len(values) == count:
        return values
    if levels.dropped and len(values) == count + len(levels.dropped):
        return [values[position] for position in _kept(config, levels)]
    raise ValueError(
        f"`{key}` lists {len(values)} values, but there are {count} levels (the top one first):"
        f" {[list(level) for level in levels.names]}."
    )


def _penalties(config: SoupConfig, levels: Levels) -> Penalties:
    """Return the penalties of the levels, without those of letters that were dropped.

    Raises:
        ValueError: If an entry is bad, or its level is below all levels of the order.
    """
    total = len(levels.names) + len(levels.dropped)
    penalties = build_penalties(config.penalty, total, config.nested_penalty)
    deepest = max((entry["level"] for entry in config.penalty), default=0)
    if config.soup in ("vm", "custom") and deepest > total:  # `--soup vs` leaves the YAML's aside
        source = f"`order: {config.order}`" if config.soup == "vm" else "`levels`"
        raise ValueError(
            f"`penalty` has an entry for level {deepest}, but {source} has {total} levels: remove"
            " the entry."
        )
    lower = [penalties.schedules[position] for position in _kept(config, levels)[1:]]
    return replace(penalties, schedules=(None, *lower))


def _kept(config: SoupConfig, levels: Levels) -> list[int]:
    """Return the positions of the levels that exist, in the order with all its letters."""
    if not levels.dropped:
        return list(range(len(levels.names)))
    letters = config.order[::-1] if config.soup == "vm" else "AU"
    return [place for place, letter in enumerate(letters) if letter not in levels.dropped]

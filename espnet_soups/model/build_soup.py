"""From settings to a soup: levels, combiners and penalty schedules put together."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.order import arrange_levels
from espnet_soups.levels.penalty import build_penalties
from espnet_soups.model.soup import Soup
from espnet_soups.model.soup_config import SoupConfig
from espnet_soups.objective import Objective
from espnet_soups.weighting.registry import build_combiner


def build_soup(config: SoupConfig, objectives: Sequence[Objective], shared: Sequence[str]) -> Soup:
    """Builds a soup.

    Args:
        config: Its settings. `soup: joint` always means static weights that sum the losses.
        objectives: The objectives of the run, in order.
        shared: Prefixes of the modules that objectives share.

    Returns:
        The soup, not yet bound to a model.

    Raises:
        ValueError: If the settings do not fit the objectives.
    """
    if config.soup == "joint":
        config = replace(config, combiner="static", combiner_conf={}, weight_scale="objectives")
    levels = arrange_levels(config.soup, objectives, config.order, config.levels)
    names = [objective.name for objective in objectives]
    hierarchy = Hierarchy([[names.index(name) for name in level] for level in levels.names])
    combiners = [build_combiner(config.combiner, config.combiner_conf) for _ in levels.names]
    schedules = build_penalties(list(config.penalty), len(levels.names))
    if levels.dropped:
        logging.info(f"Letters {levels.dropped} of the order stand for no objective: dropped.")
    return Soup(names, hierarchy, combiners, schedules, config, shared)

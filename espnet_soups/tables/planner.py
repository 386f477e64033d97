"""Plans all rows of a table: which configuration each of them trains with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.tables.budget import ModelShape
from espnet_soups.tables.corpus_sizes import CORPUS_SIZES, CorpusSize
from espnet_soups.tables.machine_plan import Machine, RowPlan, plan_row
from espnet_soups.tables.plan import Row, Table
from espnet_soups.tables.row_settings import read_settings
from espnet_soups.task.weight_search import read_grid


def find_corpus(recipe: Path) -> CorpusSize:
    """Gives the size of the corpora of a recipe.

    Args:
        recipe: Its folder, such as `egs2/covost2/msp1`.

    Raises:
        ValueError: If its size is not known.
    """
    name = recipe.resolve().parent.name
    if name not in CORPUS_SIZES:
        raise ValueError(
            f"The size of the corpora of {recipe} is not known; known are {sorted(CORPUS_SIZES)}."
        )
    return CORPUS_SIZES[name]


def plan_rows(
    table: Table,
    recipe: Path,
    config: Mapping[str, Any],
    shape: ModelShape,
    corpus: CorpusSize,
    machine: Machine,
) -> list[RowPlan]:
    """Plans the rows that can be run.

    Args:
        table: The table.
        recipe: Folder of the recipe.
        config: Configuration of training.
        shape: Its shape.
        corpus: The corpora.
        machine: The machine.

    Raises:
        OSError: If a configuration is missing.
        ValueError: If one is malformed.
    """
    from espnet_soups.weighting.registry import combiner_names, combiner_needs

    plans = []
    for row in table.rows:
        if row.missing:
            continue
        combiner = read_settings(row, config).get("combiner", "modo")
        names = [combiner] if isinstance(combiner, str) else list(combiner)  # a list: per level
        unknown = sorted(set(names) - set(combiner_names()))
        if unknown:
            raise ValueError(f"{table.name}: {row.run} has the combiners {unknown}, not known.")
        needs = " ".join(combiner_needs(name) for name in names)
        pretrain = _pretrain_config(row, recipe)
        plan = plan_row(row, config, pretrain, shape, corpus, machine, needs)
        plans.append(plan.repeated(len(read_grid(recipe / row.search))) if row.search else plan)
    return plans


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a configuration.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is not YAML.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold `key: value` lines.")
    return content


def _pretrain_config(row: Row, recipe: Path) -> dict[str, Any]:
    ssl = row.options.get("ssl", "none")
    if ssl == "none":
        return {}
    return read_yaml(recipe / row.options.get("pretrain_config", f"conf/pretrain_{ssl}.yaml"))

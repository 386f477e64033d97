"""Plan whole tables of a recipe: the configuration and the model that each row trains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet_soups.files import read_yaml
from espnet_soups.tables.plan import Table, load_table
from espnet_soups.task.weight_search import read_grid
from tools.machine_plan.backbones import find_backbone, options_without_hub
from tools.machine_plan.corpus_sizes import CorpusSize, find_corpus
from tools.machine_plan.machine import Machine
from tools.machine_plan.parameters import count
from tools.machine_plan.read_shape import read_shape
from tools.machine_plan.row_plan import RowPlan, plan_row
from tools.machine_plan.row_settings import read_settings
from tools.machine_plan.shapes import ModelShape

TRAIN_CONFIG = "conf/train_msp.yaml"


@dataclass(frozen=True)
class Plan:
    """Plan of some tables of one recipe.

    Attributes:
        tables: Each table with its rows that can be run.
        config_path: Training configuration of all rows, relative to the recipe.
        config: Its content.
        shape: The model that it describes.
        corpus: The corpora of the recipe.
        machine: The machine.
    """

    tables: Sequence[tuple[Table, Sequence[RowPlan]]]
    config_path: str
    config: Mapping[str, Any]
    shape: ModelShape
    corpus: CorpusSize
    machine: Machine

    @property
    def rows(self) -> list[RowPlan]:
        """Rows of all tables."""
        return [row for _, rows in self.tables for row in rows]


def plan_tables(paths: Sequence[Path], train_config: str, machine: Machine) -> Plan:
    """Plan tables of one recipe that share a training configuration.

    Args:
        paths: The tables, YAML.
        train_config: Training configuration, relative to the recipe; empty: that of the tables.
        machine: The machine.

    Raises:
        OSError: If a file is missing.
        ValueError: If the tables are of several recipes or configurations, or one is malformed.
    """
    recipe = paths[0].resolve().parents[1]
    for path in paths:
        if path.resolve().parents[1] != recipe:
            raise ValueError(f"{path} is not a table of {recipe}: plan one recipe at a time.")
    corpus = find_corpus(recipe)
    tables = [load_table(path) for path in paths]
    named = train_config or only_config([table.train_config for table in tables])
    config = read_yaml(recipe / named, "the training configuration")
    shape = read_shape(config, count_for(recipe / named, config, corpus), corpus)
    rows = [(table, plan_rows(table, recipe, config, shape, corpus, machine)) for table in tables]
    return Plan(rows, named, config, shape, corpus, machine)


def only_config(configs: Sequence[str]) -> str:
    """Return the training configuration that tables share.

    Args:
        configs: Training configuration of each table; empty: the default one.

    Raises:
        ValueError: If they have several.
    """
    different = sorted({config or TRAIN_CONFIG for config in configs})
    if len(different) > 1:
        raise ValueError(
            f"These tables have the configurations {different}: plan those of one at a time, or"
            " name one with `--train_config`."
        )
    return different[0]


def count_for(path: Path, config: Mapping[str, Any], corpus: CorpusSize) -> dict[str, int]:
    """Return the parameters of a configuration by part, with heads for the corpora.

    Args:
        path: The training configuration.
        config: Its content.
        corpus: The corpora.
    """
    asr = {name: size.vocabulary for name, size in corpus.languages.items()}
    st = {corpus.target: corpus.target_vocabulary} if corpus.target else {}
    backbone = find_backbone(config)
    if backbone is None:
        return count(path, asr, st, corpus.pairs)
    return count(path, asr, st, corpus.pairs, None, options_without_hub(backbone))


def plan_rows(
    table: Table,
    recipe: Path,
    config: Mapping[str, Any],
    shape: ModelShape,
    corpus: CorpusSize,
    machine: Machine,
) -> list[RowPlan]:
    """Plan the rows that can be run.

    Args:
        table: The table.
        recipe: Folder of the recipe.
        config: Training configuration.
        shape: The model that it describes.
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
        pretrain = {}
        if row.pretrain_config:
            what = "the configuration of pre-training"
            pretrain = read_yaml(recipe / row.pretrain_config, what)
        plan = plan_row(row, config, pretrain, shape, corpus, machine, needs)
        plans.append(plan.repeated(len(read_grid(recipe / row.search))) if row.search else plan)
    return plans

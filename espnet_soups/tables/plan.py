"""Read a table of experiments from its YAML file: rows are runs, columns are scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet_soups.files import read_yaml
from espnet_soups.settings import refuse_unknown

# Rows of one table may differ in these alone; everything else is shared, as in the paper. So is
# `ssl_audio`: it changes the data that stage 9 learns from.
SOUP_OPTIONS = (
    *("soup", "order", "combiner", "baseline"),
    *("ssl", "pretrain_config", "init_from_pretrained", "ssl_in_training"),
)
# Further options of msp_train that are soup too.
SOUP_ARGUMENTS = ("trainer_conf", "static_weights", "ssl_conf")
NOT_PUBLIC = "not public"
COSTS = ("seconds_per_epoch", "memory_gb")

COLUMN = {
    **{"title": str, "metric": str, "objectives?": list[str], "sets?": list[str], "missing?": str},
}
ROW = {
    **{"title": str, "run": str, "options?": dict[str, Any], "train_args?": dict[str, Any]},
    **{"search?": str, "paper?": dict[str, Any], "missing?": str},
}
SHAPE = {
    **{"title?": str, "columns?": [COLUMN], "rows?": [ROW], "notes?": list[str]},
    **{"shared?": dict[str, Any], "train_config?": str},
    "mini?": {
        **{"columns?": [COLUMN], "shared?": dict[str, Any], "train_config?": str},
        "rows?": dict[str, dict[str, Any]],
    },
}


@dataclass(frozen=True)
class Column:
    """One column of numbers.

    Attributes:
        title: As the table shows it.
        metric: `wer`, `cer`, `bleu`, `chrf`, `bleu_lc_rm`; or `seconds_per_epoch`, `memory_gb`.
        objectives: Whose scores are averaged; empty: all that have the metric.
        sets: Decoded sets; several are averaged.
        missing: Why this release cannot fill it; empty: it can.
    """

    title: str
    metric: str
    objectives: tuple[str, ...] = ()
    sets: tuple[str, ...] = ("test",)
    missing: str = ""


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        title: As the table shows it.
        run: Name of the experiment; rows of several tables that share it share the training.
        options: Options of run.sh, soup alone.
        train_args: Options of msp_train, soup alone: name to settings, spaces between them.
        search: Grid of static weights, relative to the recipe: the row is the best run of a search;
            empty: a run of its own.
        paper: Title of a column to the paper's number.
        missing: Why this release cannot run it; empty: it can.
    """

    title: str
    run: str
    options: Mapping[str, str] = field(default_factory=dict)
    train_args: Mapping[str, str] = field(default_factory=dict)
    search: str = ""
    paper: Mapping[str, float] = field(default_factory=dict)
    missing: str = ""

    @property
    def ssl(self) -> str:
        """Method of self-supervision; `none`: there is none."""
        return self.options.get("ssl", "none")

    @property
    def pretrain_config(self) -> str:
        """Configuration of the pre-training, relative to the recipe; empty: there is none."""
        default = "" if self.ssl == "none" else f"conf/pretrain_{self.ssl}.yaml"
        return default and self.options.get("pretrain_config", default)

    @property
    def pretrains(self) -> bool:
        """True if its encoder is pre-trained."""
        joint = self.options.get("baseline") == "joint"
        from_scratch = self.options.get("init_from_pretrained") == "false"
        return self.ssl != "none" and not joint and not from_scratch


@dataclass(frozen=True)
class Table:
    """A table of the paper, or of an ablation.

    Attributes:
        name: Name of its file.
        title: What it compares.
        columns: Its columns.
        rows: Its rows.
        shared: Options of run.sh of every row.
        notes: Lines below it: gains that the paper states, published systems for context.
        train_config: Training configuration of every row; empty: the recipe's.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    shared: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    train_config: str = ""


def load_table(path: Path, mini: bool = False) -> Table:
    """Read a table.

    Args:
        path: The YAML file.
        mini: Whether its `mini` part replaces columns, shared options, the training configuration
            and rows of the same run.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed, or rows differ in more than soup options.
    """
    content = read_yaml(path, "the table", SHAPE)
    if not {"title", "columns", "rows"} <= content.keys():
        raise ValueError(f"{path} must have `title`, `columns` and `rows`.")
    small: dict[str, Any] = content.get("mini") or {}
    overrides: dict[str, Any] = {}
    shared = dict(content.get("shared") or {})
    columns, config = content["columns"], content.get("train_config", "")
    if mini:
        if not small:
            raise ValueError(f"{path} has no `mini`, so it cannot run with `--scale mini`.")
        columns = small.get("columns", columns)
        shared = dict(small.get("shared") or {})
        overrides, config = dict(small.get("rows") or {}), small.get("train_config", "")
    try:
        table = Table(
            name=path.stem,
            title=content["title"],
            columns=tuple(_read_column(item) for item in columns),
            rows=tuple(_read_row(item, overrides, mini) for item in content["rows"]),
            shared=texts_of(shared),
            notes=tuple(content.get("notes") or ()),
            train_config=config,
        )
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path}: a column or a row is malformed: {error}.") from error
    _check(table, path)
    return table


def texts_of(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Return options of a YAML file as the words that run.sh takes; a switch is `true` or `false`.

    Args:
        options: The options; None: there are none.

    >>> texts_of({"ngpu": 4, "init_from_pretrained": False})
    {'ngpu': '4', 'init_from_pretrained': 'false'}
    """
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in (options or {}).items()
    }


def _read_column(item: dict[str, Any]) -> Column:
    listed = {name: tuple(item[name]) for name in ("objectives", "sets") if name in item}
    return Column(**{**item, **listed})


def _read_row(item: dict[str, Any], overrides: Mapping[str, Any], mini: bool) -> Row:
    values = {**item, **(overrides.get(item["run"]) or {})}
    if mini:
        values["paper"] = {}  # another corpus
    for name in ("options", "train_args"):
        values[name] = texts_of(values.get(name))
    return Row(**values)


def _check(table: Table, path: Path) -> None:
    titles = [column.title for column in table.columns]
    runs = [row.run for row in table.rows]
    for name, items in (("columns", titles), ("runs", runs)):
        twice = sorted({item for item in items if items.count(item) > 1})
        if twice:
            raise ValueError(f"{path}: the {name} {twice} occur twice.")
    for row in table.rows:
        strange = sorted(set(row.options) - set(SOUP_OPTIONS))
        strange += sorted(
            name for name in row.train_args if name.partition(".")[0] not in SOUP_ARGUMENTS
        )
        if strange:
            raise ValueError(
                f"{path}: {row.run} differs from the others in {strange}; rows of one table may"
                f" differ in soup alone ({[*SOUP_OPTIONS, *SOUP_ARGUMENTS]}): put it into `shared`."
            )
        refuse_unknown(f"`paper` of {row.run} in {path}", row.paper, titles)

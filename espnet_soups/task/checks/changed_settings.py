"""Detect settings that changed since a folder was trained, so that its `config.yaml` stays true."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2.train.reporter import Reporter

from espnet_soups.files import parse_yaml
from espnet_soups.task.checks.changed_data import list_changes

# Settings that do not change a model: places of files, machine, logging, which epochs are kept and
# averaged. Of a path only its last folder and name are compared.
INDIFFERENT = {
    *("output_dir", "config", "version", "required", "resume", "dry_run", "print_config"),
    *(
        "ngpu",
        "adapt_threads",
        "save_interval_minutes",
        "save_interval_steps",
        "num_workers",
        "distributed",
        "multiprocessing_distributed",
        "local_rank",
    ),
    *("max_cache_size", "valid_max_cache_size", "max_cache_fd", "num_cache_chunks"),
    *("log_level", "log_interval", "use_matplotlib", "use_tensorboard", "num_att_plot"),
    *("use_wandb", "create_graph_in_tensorboard", "detect_anomaly", "delta_reference"),
    "scores_conf",
    *("best_model_criterion", "keep_nbest_models", "nbest_averaging_interval"),
}
INDIFFERENT_PREFIXES = ("dist_", "cudnn_", "wandb_")
SHOWN = 3  # changes that a message spells out
LONGEST = 60  # characters of a value that a message spells out
ANEW = (
    "Use another folder (`--msp_tag` or `--expdir` of run.sh, `--output_dir` of msp_train) or"
    " remove this one to train anew"
)


def check_changes(
    output_dir: Path,
    earlier: str | None,
    settings: Mapping[str, Any],
    options: Any,
    states: Any,
    data: Sequence[str] = (),
) -> list[str]:
    """Compare the settings and the data of a run with those that its checkpoint was trained with.

    Args:
        output_dir: Folder of the run.
        earlier: Its `config.yaml` as it was before this run; None: there was none.
        settings: The settings of this run.
        options: ESPnet's options of the trainer.
        states: The checkpoint.
        data: Changes of the data, see `find_changed_data`.

    Returns:
        Warnings of changed data, if training goes on; changed settings are logged.

    Raises:
        ValueError: If something changed but no epoch is left to train with it, or an epoch is left
            but no step of the learning rate schedule.
    """
    reporter = Reporter()
    reporter.load_state_dict(dict(states["reporter"]))
    epochs, ending = reporter.get_epoch(), _ending(reporter, options)
    changes = find_changes(
        {} if earlier is None else _load(earlier, str(output_dir / "config.yaml")), settings
    )
    if ending == "max_epoch" and epochs == options.max_epoch:
        changes.pop("max_epoch", None)  # ending a run early does not change the training
    steps = _used_up(states)
    if data and ending is not None:
        raise ValueError(
            f"{output_dir} was trained for {epochs} epochs with other data, and no epoch is left to"
            f" train with those of now: {list_changes(data)} changed. {ANEW}, or put the earlier"
            " data back."
        )
    if changes and ending is not None:
        further = "" if steps else f", or raise `{ending}` to go on with the new settings"
        raise ValueError(
            f"{output_dir} was trained for {epochs} epochs with other settings, and no epoch is"
            f" left to train: {describe_changes(changes)}. {ANEW}{further}."
        )
    if steps and ending is None:
        raise ValueError(
            f"{output_dir} was trained for {epochs} epochs, and all {steps} steps of its learning"
            f" rates (`total_steps` of the scheduler) are made, so that none can be added. {ANEW}."
        )
    return _warn(output_dir, f"after epoch {epochs}", changes, data)


def check_first_epoch(
    output_dir: Path, earlier: str | None, settings: Mapping[str, Any], data: Sequence[str]
) -> list[str]:
    """Compare the settings of a run that resumes inside its first epoch with those it began with.

    Args:
        output_dir: Folder of the run.
        earlier: Its `config.yaml` as it was before this run; None: there was none.
        settings: The settings of this run.
        data: Changes of the data, see `find_changed_data`.

    Returns:
        Warnings of changed data; changed settings are logged.
    """
    before = {} if earlier is None else _load(earlier, str(output_dir / "config.yaml"))
    return _warn(output_dir, "inside epoch 1", find_changes(before, settings), data)


def find_changes(
    earlier: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Find settings that differ and that affect a model.

    Args:
        earlier: The earlier settings by name, as read from YAML.
        settings: The settings of now; names that either side lacks belong to another version.

    Returns:
        Name, with a dot before each key of a mapping, to (earlier value, value of now).

    >>> find_changes({"optim_conf": {"lr": 0.1}, "ngpu": 1}, {"optim_conf": {"lr": 0.2}, "ngpu": 0})
    {'optim_conf.lr': (0.1, 0.2)}
    >>> find_changes({"init_param": ["exp/ssl/a.pth"]}, {"init_param": ("/moved/exp/ssl/a.pth",)})
    {}
    """
    names = [name for name in settings if name in earlier and name not in INDIFFERENT]
    changes: dict[str, tuple[Any, Any]] = {}
    for name in names:
        if not name.startswith(INDIFFERENT_PREFIXES):
            changes |= _differences(name, _portable(earlier[name]), _portable(settings[name]))
    return changes


def describe_changes(changes: Mapping[str, tuple[Any, Any]], shown: int = SHOWN) -> str:
    """Return the earlier and the present values as part of a sentence.

    Args:
        changes: The result of `find_changes`.
        shown: Largest number of changes to spell out.

    >>> describe_changes({"seed": (1, 2), "optim_conf.lr": (None, 0.1)}, shown=1)
    '`seed` was 1 and is now 2 (and 1 more)'
    """
    parts = []
    for name, values in list(changes.items())[:shown]:
        old, new = ("unset" if value is None else repr(value) for value in values)
        long = max(len(old), len(new)) > LONGEST
        parts.append(f"`{name}` has changed" if long else f"`{name}` was {old} and is now {new}")
    more = f" (and {len(changes) - shown} more)" if len(changes) > shown else ""
    return ", ".join(parts) + more


def _warn(
    output_dir: Path, where: str, changes: Mapping[str, tuple[Any, Any]], data: Sequence[str]
) -> list[str]:
    """Log a warning of changed settings, and return those of changed data."""
    if changes:
        kept = any(name.startswith(("optim", "scheduler")) for name in changes)
        note = " The optimiser and the scheduler keep those of the checkpoint." if kept else ""
        logging.warning(
            f"Training goes on {where} with other settings than before:"
            f" {describe_changes(changes, len(changes))}.{note}"
        )
    if not data:
        return []
    return [
        f"training goes on {where} with other data than before: {list_changes(data)} changed;"
        f" remove {output_dir} to train anew"
    ]


def _ending(reporter: Reporter, options: Any) -> str | None:
    """Return the option that ends training now in ESPnet; None: another epoch follows."""
    if reporter.get_epoch() >= options.max_epoch:
        return "max_epoch"
    criterion = options.early_stopping_criterion
    if options.patience is None or not reporter.has(*criterion[:2]):
        return None
    return "patience" if reporter.check_early_stopping(options.patience, *criterion) else None


def _used_up(states: Any) -> int:
    """Return the length of a schedule that has made all its steps (`onecyclelr`); 0: none has."""
    limited = [state for state in states["schedulers"] if state and state.get("total_steps")]
    over = [int(s["total_steps"]) for s in limited if s["last_epoch"] >= s["total_steps"]]
    return max(over, default=0)


def _load(text: str, place: str) -> dict[str, Any]:
    found = parse_yaml(text, place)
    if not isinstance(found, dict | None):
        raise ValueError(f"{place} must hold `key: value` lines, but holds {found!r:.60}.")
    return found or {}


def _portable(value: Any) -> Any:
    """Return a value as YAML would hold it; paths keep only the last folder and the name."""
    if isinstance(value, Mapping):
        return {key: _portable(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_portable(item) for item in value]
    if isinstance(value, str | Path):
        return "/".join(str(value).split("/")[-2:])
    return value


def _differences(name: str, old: Any, new: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(f"{name}.{key}", old.get(key), new.get(key))
    elif old != new:
        yield name, (old, new)

"""Refuse to compare experiments that differ in more than their soup."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet_soups.files import read_yaml

# Keys of config.yaml that rows may differ in: soup, self-supervision, logs, and where things lie.
SOUP_KEYS = {
    *("trainer", "trainer_conf", "static_weights", "ssl", "ssl_conf", "init_param", "seed"),
    *("output_dir", "config", "version", "delta_reference"),
    *("dist_rank", "local_rank", "dist_master_port", "dist_init_method", "dist_launcher"),
    *("log_level", "scores_conf"),
}


def find_differences(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Find settings outside the soup that are not the same in all experiments.

    Args:
        configs: Name of an experiment to its config.yaml.

    Returns:
        Setting to (experiment to value). A setting that an experiment lacks came later, so it was
        trained with today's default; None: there is no such setting any more.
    """
    keys = sorted({key for config in configs.values() for key in config} - SOUP_KEYS)
    lacking = [key for key in keys if any(key not in config for config in configs.values())]
    defaults = _defaults(lacking) if lacking else {}
    differences = {}
    for key in keys:
        values = {name: config.get(key, defaults.get(key)) for name, config in configs.items()}
        first = next(iter(values.values()))
        if any(value != first for value in values.values()):
            differences[key] = values
    return differences


def _defaults(names: Sequence[str]) -> dict[str, Any]:
    from espnet_soups.task.msp_task import MSPTask

    parser = MSPTask.get_parser()
    return {name: parser.get_default(name) for name in names}


def check_same_settings(experiments: Mapping[str, Path]) -> None:
    """Compare the configurations that experiments were trained with.

    Args:
        experiments: Name of an experiment to its folder.

    Raises:
        OSError: If a config.yaml is missing.
        ValueError: If one is no YAML, or they differ in more than soup keys; the message names
            the settings.
    """
    configs = {
        name: read_yaml(folder / "config.yaml", f"the configuration of {name}")
        for name, folder in experiments.items()
    }
    differences = find_differences(configs)
    if differences:
        parts = []
        for key, values in list(differences.items())[:3]:
            shown = ", ".join(f"{name} {value!r:.40}" for name, value in values.items())
            parts.append(f"`{key}` ({shown})")
        raise ValueError(
            f"These experiments make no table: they differ in {len(differences)} settings beside"
            f" their soup: {'; '.join(parts)}. Train them from one configuration, or remove the"
            " folders of those that are of another."
        )

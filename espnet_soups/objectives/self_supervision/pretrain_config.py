"""Configuration of pre-training: the model of stage 9, and the rest from its own file."""

from pathlib import Path
from typing import Any

from espnet_soups.files import read_yaml

# Options that must agree between pre-training and training, so that the encoder can be reused.
SHARED = (
    "frontend",
    "frontend_conf",
    "normalize",
    "normalize_conf",
    "preencoder",
    "preencoder_conf",
    "encoder",
    "encoder_conf",
    "init",
)


def make_pretrain_config(train_config: Path, pretrain_config: Path, ssl: str) -> dict[str, Any]:
    """Return the configuration of pre-training.

    Args:
        train_config: Configuration of stage 9, which defines the model.
        pretrain_config: Configuration of stage 7: optimiser, batches, epochs and `ssl_conf`.
        ssl: `cpc` or `best_rq`.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is not valid YAML, or the two disagree on the model.
    """
    training, own = _read(train_config), _read(pretrain_config)
    for key in SHARED:
        if key in own and own[key] != training.get(key):
            raise ValueError(
                f"{pretrain_config} has `{key}: {own[key]}`, but {train_config} has"
                f" {training.get(key)!r}: the encoder is handed over, so leave `{key}` out of"
                f" {pretrain_config.name}."
            )
    if own.get("ssl", ssl) != ssl:
        raise ValueError(
            f"{pretrain_config} has `ssl: {own['ssl']}`, but `--ssl {ssl}` was asked for: name the"
            " fitting file with `--pretrain_config`."
        )
    model = {key: training[key] for key in SHARED if key in training}
    settings = own.get("ssl_conf", training.get("ssl_conf", {}))
    return {**model, **own, "ssl": ssl, "ssl_conf": settings}


def ssl_settings(train_config: Path, pretrain: dict[str, Any]) -> dict[str, Any]:
    """Return `ssl_conf` of stage 9: its own if it has one, else that of pre-training.

    Args:
        train_config: Configuration of stage 9.
        pretrain: Configuration of pre-training, as `make_pretrain_config` returns it.

    Raises:
        OSError: If the file is missing.
    """
    own: dict[str, Any] | None = _read(train_config).get("ssl_conf")
    return dict(pretrain["ssl_conf"]) if own is None else dict(own)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist: name a configuration with `--train_config` or"
            " `--pretrain_config`."
        )
    return read_yaml(path, "the configuration")

"""The settings of decoding: the YAML file of `--inference_config`, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from espnet_soups.files import read_yaml
from espnet_soups.objectives.decoding.option import option, require_whole
from espnet_soups.objectives.kind import Kind
from espnet_soups.objectives.registry import KINDS
from espnet_soups.settings import read_settings, refuse_unknown


@dataclass(frozen=True)
class DecodeConfig:
    """Settings of decoding: those of all kinds of objectives, and those of each kind.

    Attributes:
        kinds: Options of the kinds, by name; missing ones have their defaults.
    """

    nbest: int = option(1, "hypotheses of an utterance, best first; greedy decoding has one")
    batch_size: int = option(
        16, "utterances that are encoded together; searches take four times as many"
    )
    batch_bins: int = option(0, "padded numbers that are encoded together; 0: no limit")
    kinds: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers that are too small.

        Raises:
            ValueError: If one is, or is no whole number.
        """
        for name, least in (("nbest", 1), ("batch_size", 1), ("batch_bins", 0)):
            require_whole(name, getattr(self, name), least)

    def of(self, kind: Kind) -> Any:
        """Return the options of a kind, an object of its `decode_config`.

        Args:
            kind: The kind.

        Raises:
            ValueError: If the kind has no options of decoding, or a value is not valid.
        """
        if kind.decode_config is None:
            raise ValueError(
                f"{type(kind).__name__} has no options of decoding: see `decode_config`."
            )
        names = [item.name for item in fields(kind.decode_config)]
        given = {name: self.kinds[name] for name in names if name in self.kinds}
        return read_settings("A decoding config", kind.decode_config, given, within="{error}")


def decode_options(kinds: Sequence[Kind] = KINDS) -> dict[str, "Field[Any]"]:
    """Return the options of the YAML file by name: those of the kinds, then the general ones.

    Args:
        kinds: The kinds whose options are included.

    Returns:
        Name of each option to the field of its dataclass.
    """
    classes = [kind.decode_config for kind in kinds if kind.decode_config is not None]
    own = {item.name: item for found in classes for item in fields(found)}
    general = {item.name: item for item in fields(DecodeConfig) if item.name != "kinds"}
    return own | general


def describe_options() -> str:
    """Return a line for each option: name, default and help."""
    lines = []
    for name, item in decode_options().items():
        default = "" if item.default is MISSING else item.default
        lines.append(f"  {f'{name}: {default}':<26}{item.metadata.get('help', '')}".rstrip())
    return "\n".join(lines)


def read_decode_config(options: Mapping[str, Any], kinds: Sequence[Kind] = KINDS) -> DecodeConfig:
    """Check decode options, and return them as settings.

    Args:
        options: Name of each option to its value.
        kinds: The kinds of the model, whose options are allowed.

    Raises:
        ValueError: If a key is unknown or a value not valid.
    """
    refuse_unknown("A decoding config", options, decode_options(kinds))
    general = [item.name for item in fields(DecodeConfig)]
    config = DecodeConfig(
        **{name: value for name, value in options.items() if name in general},
        kinds={name: value for name, value in options.items() if name not in general},
    )
    for kind in kinds:
        if kind.decode_config is not None:
            config.of(kind)
    return config


def load_decode_config(path: Path | None, kinds: Sequence[Kind] = KINDS) -> DecodeConfig:
    """Read a YAML file of decode options.

    Args:
        path: The file; None or an empty file for the defaults.
        kinds: The kinds of the model, whose options are allowed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no YAML mapping, or a key or value is not valid.
    """
    if path is None:
        return DecodeConfig()
    options = read_yaml(path, "the decoding configuration")
    try:
        return read_decode_config(options, kinds)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error

"""One option of decoding: its default, what the help says of it, and which values it may have."""

from dataclasses import field
from typing import Any

from espnet_soups.settings import require_number


def option(default: Any, help: str) -> Any:
    """Return the field of a dataclass of decode options.

    Args:
        default: Its default.
        help: What `msp_inference --help` says of it.

    >>> from dataclasses import dataclass, fields
    >>> @dataclass(frozen=True)
    ... class Search:
    ...     beam_size: int = option(10, "hypotheses that are kept")
    >>> [item.metadata["help"] for item in fields(Search)]
    ['hypotheses that are kept']
    """
    return field(default=default, metadata={"help": help})


def require_whole(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number, or too small a one.

    Raises:
        ValueError: If it is.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` must be a whole number, {least} or more, but got {value!r}.")


def require_real(name: str, value: object, share: bool = False) -> None:
    """Refuse what is no number.

    Args:
        name: Of the option.
        value: What was found.
        share: Whether it must lie in [0, 1].

    Raises:
        ValueError: If it is none, or does not.
    """
    require_number(f"`{name}`", value, finite=True)
    assert isinstance(value, int | float)  # as was just made sure
    if share and not 0.0 <= value <= 1.0:
        raise ValueError(f"`{name}` must lie in [0, 1], but got {value}.")

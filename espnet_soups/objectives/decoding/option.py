"""One option of decoding: its default, its help and checks of its values."""

from dataclasses import field
from typing import Any

from espnet_soups.settings import require_number


def option(default: Any, help: str) -> Any:
    """Return the field of a dataclass of decode options.

    Args:
        default: Its default.
        help: Its text in `msp_inference --help`.

    >>> from dataclasses import dataclass, fields
    >>> @dataclass(frozen=True)
    ... class Search:
    ...     beam_size: int = option(10, "hypotheses that are kept")
    >>> [item.metadata["help"] for item in fields(Search)]
    ['hypotheses that are kept']
    """
    return field(default=default, metadata={"help": help})


def require_whole(name: str, value: object, least: int) -> None:
    """Refuse a value that is no whole number, or too small.

    Args:
        name: Name of the option, for the message.
        value: Its value.
        least: The smallest valid value.

    Raises:
        ValueError: If the value is not valid.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` must be a whole number, {least} or more, but got {value!r}.")


def require_real(name: str, value: object, share: bool = False) -> None:
    """Refuse a value that is no number.

    Args:
        name: Name of the option, for the message.
        value: Its value.
        share: Whether it must lie in [0, 1].

    Raises:
        ValueError: If it is no finite number, or outside [0, 1] where that is required.
    """
    require_number(f"`{name}`", value, finite=True)
    assert isinstance(value, int | float)  # as was just made sure
    if share and not 0.0 <= value <= 1.0:
        raise ValueError(f"`{name}` must lie in [0, 1], but got {value}.")

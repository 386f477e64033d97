"""Settings blocks of the YAML: what they may say."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def read_settings[T: "DataclassInstance"](
    block: str, settings: type[T], given: Mapping[str, Any] | None
) -> T:
    """Return a settings block as the dataclass of its settings, which checks their values.

    Args:
        block: How messages name it.
        settings: The dataclass.
        given: What the block has; None: nothing.

    Raises:
        ValueError: If a key or a value is not valid; the message names the block.
    """
    found = dict(given or {})
    refuse_unknown(block, found, [item.name for item in fields(settings)])
    try:
        return settings(**found)
    except ValueError as error:
        raise ValueError(f"{block}: {error}") from error


def refuse_unknown(block: str, given: Iterable[object], valid: Iterable[str]) -> None:
    """Refuses keys that a settings block does not have.

    Args:
        block: How the message names it.
        given: The keys that were found.
        valid: The keys that there are, in the order in which they are listed.

    Raises:
        ValueError: If there is an unknown one; the message has the closest valid key, and all.

    >>> refuse_unknown("`trainer_conf`", ["ordre", "soup"], ["soup", "order"])
    Traceback (most recent call last):
        ...
    ValueError: `trainer_conf` has no 'ordre' (closest: 'order'); its keys are ['soup', 'order'].
    """
    keys = list(valid)
    unknown = sorted({str(key) for key in given} - set(keys))
    if not unknown:
        return
    named = []
    for key in unknown:
        close = difflib.get_close_matches(key, keys, n=1)
        named.append(f"{key!r} (closest: {close[0]!r})" if close else repr(key))
    raise ValueError(f"{block} has no {', '.join(named)}; its keys are {keys}.")


def require_text(name: str, value: object) -> None:
    """Refuse what is no text, such as `no` and `1`, which YAML reads as something else.

    Raises:
        ValueError: If it is none.

    >>> require_text("`language`", False)
    Traceback (most recent call last):
        ...
    ValueError: `language` must be a text, but got False; in YAML write texts in quotes.
    """
    if not isinstance(value, str):
        raise ValueError(
            f"{name} must be a text, but got {value!r}; in YAML write texts in quotes."
        )


def require_number(name: str, value: object) -> None:
    """Refuses what is no number, such as `2e-3`, which YAML reads as text.

    Args:
        name: How the message names it.
        value: What was found.

    Raises:
        ValueError: If it is none; where it looks like one, the message says how to write it.

    >>> require_number("`gamma`", "2e-3")
    Traceback (most recent call last):
        ...
    ValueError: `gamma` must be a number, but got the text '2e-3'; in YAML write 0.002.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a number, but got {value!r}.")
    try:
        advice = f"; in YAML write {Decimal(value):f}"
    except InvalidOperation:
        advice = ""
    raise ValueError(f"{name} must be a number, but got the text {value!r}{advice}.")

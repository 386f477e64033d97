"""Read blocks of settings from the YAML, and refuse keys and values that they cannot have."""

import argparse
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, get_type_hints

from espnet_soups.typed import describe, fits

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CANNOT_BE = (TypeError, AttributeError, KeyError, IndexError, ArithmeticError)


def read_settings[T: "DataclassInstance"](
    block: str, settings: type[T], given: Mapping[str, Any] | None, within: str = "{block}: {error}"
) -> T:
    """Return a settings block as the dataclass of its settings, which checks their values.

    Args:
        block: How messages name the block.
        settings: The dataclass.
        given: The content of the block; None: nothing.
        within: How a message of the dataclass becomes one of the block, with `{block}` and
            `{error}`.

    Returns:
        The dataclass, filled in.

    Raises:
        ValueError: If a key or a value is not valid, or a value has another type than its field;
            the message names the block.
    """
    if not isinstance(given, Mapping | None):
        raise ValueError(f"{block} must map names to values, but got {given!r:.80}.")
    found = dict(given or {})
    types = _types_of(settings)
    refuse_unknown(block, found, types)
    try:
        made = settings(**found)
    except ValueError as error:
        raise ValueError(within.format(block=block, error=error)) from error
    except CANNOT_BE as error:
        _refuse_types(block, types, found)
        raise ValueError(f"{block} is not valid: {error}") from error
    _refuse_types(block, types, found)
    return made


def _types_of(settings: type["DataclassInstance"]) -> dict[str, Any]:
    """Return the types of the fields; a type written as a text that cannot be found is `Any`."""
    try:
        known = get_type_hints(settings)
    except (NameError, TypeError):
        known = {item.name: item.type for item in fields(settings)}
    return {
        item.name: Any if isinstance(known[item.name], str) else known[item.name]
        for item in fields(settings)
    }


def _refuse_types(block: str, types: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if not fits(value, types[name]):
            raise ValueError(
                f"{block}: `{name}` must be {describe(types[name])}, but got {value!r:.80}."
            )


def refuse_mistyped(block: str, parser: argparse.ArgumentParser, given: Mapping[str, Any]) -> None:
    """Refuse values of a configuration that the options of a parser cannot have.

    Args:
        block: How the message names the configuration.
        parser: The options. One whose default is a mapping or a list takes such a value; of the
            rest, numbers and texts are told apart by `type`. If `type` is a function, that function
            must check.
        given: The configuration; names that are not options are ignored.

    Raises:
        ValueError: If a value has another type.

    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--languages", nargs="*", default=[])
    >>> refuse_mistyped("a.yaml", parser, {"languages": "fr"})
    Traceback (most recent call last):
        ...
    ValueError: a.yaml: `languages` must be a list, each item a text, or null, but got 'fr'.
    """
    for action in parser._actions:
        wanted: Any = Any
        if isinstance(action.default, dict):
            wanted = Mapping[str, Any] | None
        elif isinstance(action.default, list):
            wanted = list[str] | None
        elif action.type in (float, int):
            wanted = action.type
        elif action.type is None and action.nargs is None:
            wanted = str | None
        value = given.get(action.dest)
        if action.dest in given and wanted is float:
            require_number(f"{block}: `{action.dest}`", value, finite=True)
        if action.dest in given and not fits(value, wanted):
            raise ValueError(
                f"{block}: `{action.dest}` must be {describe(wanted)}, but got {value!r:.80}."
            )


def refuse_unknown(block: str, given: Iterable[object], valid: Iterable[str]) -> None:
    """Refuse keys that a settings block does not have.

    Args:
        block: How the message names it.
        given: The keys that were found.
        valid: The keys that exist, in the order in which the message lists them.

    Raises:
        ValueError: If a key is unknown; the message has the closest valid key, and lists all.

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
    """Refuse a value that is not a text, such as `no` and `1`, which YAML reads as something else.

    Args:
        name: How the message names the value.
        value: The value.

    Raises:
        ValueError: If it is not a text.

    >>> require_text("`language`", False)
    Traceback (most recent call last):
        ...
    ValueError: `language` must be a text, but got False; in YAML write texts in quotes.
    """
    if not isinstance(value, str):
        raise ValueError(
            f"{name} must be a text, but got {value!r}; in YAML write texts in quotes."
        )


def require_number(name: str, value: object, finite: bool = False) -> None:
    """Refuse a value that is not a number, such as `2e-3`, which YAML reads as text.

    Args:
        name: How the message names the value.
        value: The value.
        finite: Whether to refuse infinity and NaN, too.

    Raises:
        ValueError: If it is not a number; if it looks like one, the message says how to write it.

    >>> require_number("`gamma`", "2e-3")
    Traceback (most recent call last):
        ...
    ValueError: `gamma` must be a number, but got the text '2e-3'; in YAML write 0.002.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if finite and not fits(value, float):
            raise ValueError(f"{name} must be a finite number, but got {value!r}.")
        return
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a number, but got {value!r}.")
    try:
        advice = f"; in YAML write {Decimal(value):f}"
    except InvalidOperation:
        advice = ""
    raise ValueError(f"{name} must be a number, but got the text {value!r}{advice}.")

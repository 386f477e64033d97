"""Check values from YAML or JSON against types, and describe types in words."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

LARGEST = 10**300  # larger whole numbers cannot become floats
WORDS = {
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    bool: "true or false",
    Real: "a number",
    dict: "a mapping",
    NoneType: "null",
}


def fits(value: object, wanted: Any) -> bool:
    """Return whether a value has an annotated type: true is not a number, and numbers are finite.

    Args:
        value: The value.
        wanted: The type, as in an annotation, such as `dict[str, float] | None`.

    >>> fits({"a": [1, 2.5]}, dict[str, list[float]]), fits(True, int), fits(math.inf, float)
    (True, False, False)
    """
    origin, parts = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return True
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin in (list, Sequence, tuple):
        return isinstance(value, list | tuple) and all(fits(item, parts[0]) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(
            fits(key, parts[0]) and fits(item, parts[1]) for key, item in value.items()
        )
    if wanted is Real:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted in (int, float):
        whole = isinstance(value, int) and not isinstance(value, bool)
        real = wanted is float and isinstance(value, float) and math.isfinite(value)
        return real or (whole and abs(value) < LARGEST)  # type: ignore[arg-type]
    if origin is Literal:
        return value in parts
    kind = origin or wanted or NoneType
    return not isinstance(kind, type) or isinstance(value, kind)  # anything but a class is accepted


def describe(wanted: Any) -> str:
    """Return a type in words.

    Args:
        wanted: The type, as in an annotation.

    >>> describe(dict[str, float] | None)
    'a mapping of a text to a finite number, or null'
    """
    origin, parts = get_origin(wanted), get_args(wanted)
    if wanted is Any:
        return "anything"
    if origin in (Union, UnionType):
        return ", or ".join(describe(part) for part in parts)
    if origin in (list, Sequence, tuple):
        return f"a list, each item {describe(parts[0])}"
    if origin in (dict, Mapping):
        return f"a mapping of {describe(parts[0])} to {describe(parts[1])}"
    if origin is Literal:
        return f"one of {list(parts)}"
    return WORDS.get(wanted or NoneType, str(getattr(wanted, "__name__", wanted)))


def find_misfit(value: object, shape: Any, name: str = "") -> str | None:
    """Find the first part of a value that does not have the shape it should have.

    Args:
        value: The value that was read.
        shape: A type; or a mapping of names to shapes, where `*` stands for every name and the
            value of a name that ends in `?` may be missing or null; or a list with the shape of
            every item. Numbers must be finite, except those that are `Real`.
        name: How messages name the value.

    Returns:
        Part of a sentence that says what is wrong; None: nothing is.

    >>> find_misfit({"loss": {"asr": "x"}}, {"loss": dict[str, float], "time?": float})
    "`loss` must be a mapping of a text to a finite number, but is {'asr': 'x'}"
    """
    if isinstance(shape, Mapping):
        return _find_in_mapping(value, shape, name)
    called = f"`{name}`" if name else "it"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{called} must be a list, but is {value!r:.80}"
        found = (find_misfit(item, shape[0], f"{name}[{row}]") for row, item in enumerate(value))
        return next(filter(None, found), None)
    if fits(value, shape):
        return None
    return f"{called} must be {describe(shape)}, but is {value!r:.80}"


def _find_in_mapping(value: object, shape: Mapping[str, Any], name: str) -> str | None:
    called = f"`{name}`" if name else "it"
    if not isinstance(value, Mapping):
        return f"{called} must map names to values, but is {value!r:.80}"
    for key, part in shape.items():
        known = key.removesuffix("?")
        if key != "*" and known == key and key not in value:
            return f"{called} lacks `{key}`"
        for own in value if key == "*" else [known] if known in value else []:
            if known != key and value[own] is None:
                continue
            found = find_misfit(value[own], part, f"{name}.{own}" if name else str(own))
            if found is not None:
                return found
    return None

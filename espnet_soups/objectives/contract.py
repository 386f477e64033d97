"""Holds what a kind returns against the contract, so that a slip is one sentence."""

from typing import Any


def check_returned[T](method: str, owner: object, value: Any, expected: type[T], hint: str) -> T:
    """Return what a method has returned, if it is what the contract asks for.

    Args:
        method: Name of the method.
        owner: The kind, head or decoder whose method it is.
        value: What it has returned.
        expected: The type that it must have.
        hint: What to return, in a few words.

    Raises:
        ValueError: If it is of another type; the message names the class and the method.

    >>> check_returned("objective", object(), None, str, "a name")
    Traceback (most recent call last):
        ...
    ValueError: `objective` of object must return a name (str), but returned None.
    """
    if not isinstance(value, expected):
        shown = "None" if value is None else f"a {type(value).__name__}"
        raise ValueError(
            f"`{method}` of {type(owner).__name__} must return {hint} ({expected.__name__}), but"
            f" returned {shown}."
        )
    return value

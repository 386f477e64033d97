"""Hold what a kind returns against the contract, so that a slip is one sentence."""

from typing import Any


def check_returned[T](
    method: str, owner: object, value: Any, expected: type[T] | tuple[type[T], ...], hint: str
) -> T:
    """Return what a method has returned, if it is what the contract asks for.

    Args:
        method: Name of the method.
        owner: The kind, head or decoder whose method it is.
        value: What it has returned.
        expected: The type that it must have, or several of which it must have one.
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
        kinds = expected if isinstance(expected, tuple) else (expected,)
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(
            f"`{method}` of {type(owner).__name__} must return {hint} ({wanted}), but"
            f" returned {shown}."
        )
    return value

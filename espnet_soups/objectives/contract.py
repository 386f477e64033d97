"""Check of the values that a kind returns against its contract, with errors of one sentence."""

from typing import Any


def check_returned[T](
    method: str, owner: object, value: Any, expected: type[T] | tuple[type[T], ...], hint: str
) -> T:
    """Return the value that a method has returned, if it is of the type that the contract asks for.

    Args:
        method: Name of the method.
        owner: The kind, head or decoder whose method it is.
        value: The value that it returned.
        expected: The required type, or several of which one is required.
        hint: The required value in a few words, for the message.

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

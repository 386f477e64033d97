"""Build what options name; a value that a class cannot take is named with its option."""

import traceback
from collections.abc import Mapping
from typing import Any

from typeguard import TypeCheckError


def build_class(option: str, kind: type, conf: Mapping[str, Any], **given: Any) -> Any:
    """Build a class of ESPnet, which refuses values by many kinds of errors.

    Args:
        option: Name of the option that holds `conf`, without `_conf`.
        kind: The class.
        conf: What the user has set.
        **given: What follows from other options.

    Raises:
        ValueError: If the class does not take `conf`.

    >>> class Encoder:
    ...     def __init__(self, size):
    ...         raise TypeError("size must be even")
    >>> build_class("encoder", Encoder, {"size": 3})
    Traceback (most recent call last):
        ...
    ValueError: `encoder_conf` {'size': 3} does not suit Encoder: size must be even.
    """
    try:
        return kind(**given, **conf)
    except (TypeError, AssertionError, TypeCheckError) as error:
        # ESPnet asserts without a word; the line itself says what it wants
        reason = " ".join(str(error).split()) or traceback.extract_tb(error.__traceback__)[-1].line
        raise ValueError(
            f"`{option}_conf` {dict(conf)} does not suit {kind.__name__}: {reason}."
        ) from error

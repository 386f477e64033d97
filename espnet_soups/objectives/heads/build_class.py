"""Construction of classes from options, with errors that name the option."""

import traceback
from collections.abc import Mapping
from typing import Any

from typeguard import TypeCheckError


def build_class(option: str, kind: type, conf: Mapping[str, Any], **given: Any) -> Any:
    """Build a class of ESPnet, whose refusals are of many error types.

    Args:
        option: Name of the option that holds `conf`, without `_conf`.
        kind: The class.
        conf: The values from the user.
        **given: Arguments that follow from other options.

    Returns:
        The object.

    Raises:
        ValueError: If the class does not accept `conf`.

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
        # ESPnet's assertions have no message; the source line itself states the condition
        reason = " ".join(str(error).split()) or traceback.extract_tb(error.__traceback__)[-1].line
        raise ValueError(
            f"`{option}_conf` {dict(conf)} does not suit {kind.__name__}: {reason}."
        ) from error

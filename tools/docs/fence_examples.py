"""Show the examples in docstrings as code on the site: an extension of griffe, which reads them."""

import re
from typing import Any

import griffe

# From a prompt to the next empty line, with what is printed.
EXAMPLE = re.compile(r"(?:^>>> .*\n?(?:^.+\n?)*)", re.MULTILINE)


def fence(text: str) -> str:
    r"""Return a docstring with its examples between fences.

    Args:
        text: The docstring, without indentation.

    >>> fence("Text.\n\n>>> 1 + 1\n2\n\nMore.").splitlines()
    ['Text.', '', '```pycon', '>>> 1 + 1', '2', '```', '', 'More.']
    """
    return EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", text)


class FenceExamples(griffe.Extension):
    """Fence the examples of every object that has a docstring."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of an object that was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = fence(obj.docstring.value)

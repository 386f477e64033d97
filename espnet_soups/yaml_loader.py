"""Load YAML strictly: no repeated key, no impossible value, nothing that grows through aliases."""

from typing import Any

import yaml

DEEPEST = 100  # levels of nesting
MOST_DIGITS = 300  # of a whole number: longer ones cannot become floats
LARGEST = 5_000_000  # values, those behind an alias counted each time

_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # config.yaml has long token lists


class StrictLoader(_Safe):  # type: ignore[misc]
    """Loader of YAML's own types that refuses a repeated key; PyYAML would keep the last."""

    def construct_document(self, node: yaml.Node) -> Any:
        """Check the nodes before any value is made of them.

        Args:
            node: The root of the document.

        Returns:
            The value of the document.

        Raises:
            yaml.YAMLError: If a mapping repeats a key, or the document is too deep or too large.
        """
        if _size(node, {}, 0) > LARGEST:
            raise yaml.constructor.ConstructorError(
                None, None, f"more than {LARGEST:,} values, by aliases of aliases", node.start_mark
            )
        return super().construct_document(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the value of a node; an error names its line, as for the date 2025-13-01.

        Args:
            node: The node.
            deep: Whether the values inside are made at once, as PyYAML defines it.

        Returns:
            The value.

        Raises:
            yaml.YAMLError: If there is no such value.
        """
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
                raise ValueError(f"a whole number of more than {MOST_DIGITS} digits")
            return value
        except (ValueError, OverflowError, KeyError, AttributeError, TypeError) as error:
            raise yaml.constructor.ConstructorError(
                None, None, f"a value that cannot be ({error})", node.start_mark
            ) from error


def _size(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """Return the number of values of a node; see `StrictLoader.construct_document`."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in known and known[id(node)] > 0:
        return known[id(node)]
    if id(node) in known or depth > DEEPEST:
        what = f"more than {DEEPEST} levels of nesting" if depth > DEEPEST else "an alias of itself"
        raise yaml.constructor.ConstructorError(None, None, what, node.start_mark)
    known[id(node)] = 0  # under way
    children = [node.value]
    if isinstance(node, yaml.MappingNode):
        _refuse_twins(node)
        children = [list(pair) for pair in node.value]
    total = 1 + sum(_size(child, known, depth + 1) for group in children for child in group)
    known[id(node)] = total
    return total


def _refuse_twins(node: yaml.MappingNode) -> None:
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        if (key.tag, key.value) in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} occurs twice: keep one of them", key.start_mark
            )
        seen.add((key.tag, key.value))

"""Split parallel prompts so that nothing leaks from training into the test set."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence


def group_by_shared(items: Mapping[str, Iterable[Hashable]]) -> list[list[str]]:
    """Group items that share a mark, also indirectly (connected components).

    Args:
        items: Item to its marks, e.g. a prompt to its (language, text) pairs.

    Returns:
        The groups, each sorted, in the order of their first items.

    >>> group_by_shared({"a": [1], "b": [2], "c": [1, 3], "d": [3]})
    [['a', 'c', 'd'], ['b']]
    """
    parent = {item: item for item in items}

    def find(item: str) -> str:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    first: dict[Hashable, str] = {}
    for item, marks in items.items():
        for mark in marks:
            parent[find(item)] = find(first.setdefault(mark, item))
    groups = defaultdict(list)
    for item in items:
        groups[find(item)].append(item)
    return sorted(sorted(group) for group in groups.values())


def split_groups(
    groups: Sequence[Sequence[str]], shares: Mapping[str, float], rest: str, seed: int
) -> dict[str, str]:
    """Assign groups to sets, pseudo-randomly but the same on every machine.

    Args:
        groups: Groups of items that stay together.
        shares: Set to its share of all items, e.g. `{"test": 0.15, "dev": 0.07}`.
        rest: The set of everything else, and of every group that would overfill a set.
        seed: Seed of the split.

    Returns:
        Item to set.
    """

    def draw(group: Sequence[str]) -> str:
        return hashlib.sha256(f"{seed} {group[0]}".encode()).hexdigest()

    room = {name: share * sum(len(group) for group in groups) for name, share in shares.items()}
    chosen: dict[str, str] = {}
    for group in sorted(groups, key=draw):
        open_sets = [name for name in room if room[name] >= len(group)]
        target = open_sets[0] if open_sets else rest
        if target in room:
            room[target] -= len(group)
        chosen.update(dict.fromkeys(group, target))
    return chosen

"""Ways to damage a file: bytes, lines, words, and values of YAML and JSON."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

BYTES = [b"\0", b"\xff", b"\r", b"\n", b"\r\n", b"\t", b" ", b"\x0b", b"\x0c", b"\x1c", b"\x1e"]
BYTES += [b"\x7f", "\x85".encode(), "\u2028".encode(), "\u00a0".encode(), "\u3000".encode()]
BYTES += [
    "\ufeff".encode(),
    b"\xed\xa0\x80",
    "e\u0301".encode(),
    b"\xc3",
    b"|",
    b":",
    b"-",
    b"\x1f\x8b",
]
WORDS = ["", "-1", "0", "1", "1e999", ".inf", ".nan", "NaN", "Infinity", "true", "no", "null", "~"]
WORDS += ["[]", "{}", "[[]]", "2e-3", "9" * 400, "2025-13-01", "@", "|", "../x", "/", "a" * 300]
WORDS += ["\x1c", "\u2028", "<na>", "*", "&a", "!!python/object:x.Y {}", "%", "'", '"', "٣", "０"]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    3,
    10**400,
    0.5,
    -0.0,
    1e300,
    "",
    "3",
    "2e-3",
    "no",
]
VALUES += [float("inf"), float("nan"), "*", "a b", "../x", "\x1c", "é", [], {}, [[]], [1], ["a"]]
VALUES += [{"a": 1}, {"": {}}, [None], {1: 2}, [{"a": []}], "x" * 300, "a:B", ["a", "a"]]


def mutate(content: bytes, random: Random) -> bytes:
    """Return a damaged content: one to four changes, mostly one."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        content = random.choice(WAYS)(content, random)
    return content


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _flip(content: bytes, random: Random) -> bytes:
    if not content:
        return b"\0"
    place = random.randrange(len(content))
    flipped = content[place] ^ (1 << random.randrange(8))
    return content[:place] + bytes([flipped]) + content[place + 1 :]


def _insert(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + random.choice(BYTES) * random.choice((1, 1, 3)) + content[place:]


def _remove(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    return content[:start] + content[start + random.randrange(1, 20) :]


def _repeat(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    part = content[start : start + random.randrange(1, 40)]
    return content[:start] + part * random.choice((2, 2, 50)) + content[start + len(part) :]


def _lines(content: bytes, random: Random) -> bytes:
    lines = content.split(b"\n")
    place, other = random.randrange(len(lines)), random.randrange(len(lines))
    way = random.randrange(6)
    if way == 0:
        del lines[place]
    elif way == 1:
        lines.insert(place, lines[other])
    elif way == 2:
        lines[place], lines[other] = lines[other], lines[place]
    elif way == 3:
        lines.insert(place, random.choice((b"", b" ", b"\t", b"# x", b"-")))
    elif way == 4:  # a key with the value of another
        key, value = lines[place].split(b" ")[:1], lines[other].split(b" ")[1:]
        lines.append(b" ".join(key + value))
    else:
        lines[place] = random.choice((b" ", b"\t", b"  ", b"\xef\xbb\xbf")) + lines[place]
    return b"\n".join(lines)


def _words(content: bytes, random: Random) -> bytes:
    separator = random.choice((b" ", b"\t", b":", b",", b"|", b'"'))
    words = content.split(separator)
    words[random.randrange(len(words))] = random.choice(WORDS).encode()
    return separator.join(words)


def _tree(content: bytes, random: Random) -> bytes:
    """Change a value of YAML or JSON, however deep."""
    lines = content.split(b"\n")
    if lines and all(line.startswith(b"{") for line in lines if line):
        place = random.randrange(len(lines))
        lines[place] = _json_tree(lines[place], random)
        return b"\n".join(lines)
    try:
        tree = yaml.load(content, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return _words(content, random)
    if not isinstance(tree, dict):
        return _words(content, random)
    changed = _change(tree, random)
    if content.startswith(b"{"):
        return _dump(changed)
    return yaml.dump(changed, Dumper=yaml.CSafeDumper, allow_unicode=True).encode(
        "utf-8", "surrogatepass"
    )


def _json_tree(content: bytes, random: Random) -> bytes:
    try:
        return _dump(_change(json.loads(content), random))
    except ValueError:
        return content


def _dump(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, skipkeys=True).encode("utf-8", "surrogatepass")


def _change(tree: Any, random: Random) -> Any:
    """Return a tree with one node changed; the deeper, the likelier it goes on down."""
    inner = tree if isinstance(tree, dict | list) and tree else None
    if inner is None or random.random() < 0.15:
        return random.choice((random.choice(VALUES), random.choice(VALUES), [tree], {"a": tree}))
    if isinstance(inner, dict):
        key = random.choice(list(inner))
        way = random.random()
        if way < 0.1:
            return {name: value for name, value in inner.items() if name != key}
        if way < 0.2:
            return {**inner, random.choice(("x", "", "é", 1, None, True)): inner[key]}
        return {**inner, key: _change(inner[key], random)}
    place = random.randrange(len(inner))
    if random.random() < 0.1:
        return inner[:place] + inner[place + random.choice((0, 1)) :]
    return [*inner[:place], _change(inner[place], random), *inner[place + 1 :]]


WAYS: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_cut, _flip, _insert, _insert, _remove, _repeat),
    *(_lines, _lines, _words, _words, _tree, _tree, _tree, _tree),
)

"""Texts of RESULTS.md and the page for scores, times, levels and tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from espnet_soups.report.objective_names import sign_of

Record = Mapping[str, Any]


def intervals(scores: Record) -> str:
    """Return an explanation of the brackets.

    Args:
        scores: Content of `scores.json`.

    >>> intervals({"groups": 78})
    '`[ , ]`: 95 % bootstrap interval over 78 groups of utterances, drawn jointly in all languages.'
    """
    number = scores.get("groups")
    what = "utterances"
    if number is not None:
        what = f"{number} groups of utterances, drawn jointly in all languages"
    text = f"`[ , ]`: 95 % bootstrap interval over {what}."
    items = scores.get("objectives", {}).items()
    own = [f"{name}: over {item['drawn']}" for name, item in items if "drawn" in item]
    return f"{text} Of {', '.join(own)}." if own else text


def all_intervals(scores: Sequence[Record]) -> str:
    """Return an explanation of the brackets of several decodings, or a warning if they differ.

    Args:
        scores: Contents of `scores.json`.

    >>> all_intervals([{}, {}]) == intervals({})
    True
    >>> all_intervals([{"groups": 78}, {}])
    '`[ , ]`: 95 % bootstrap interval; what was drawn differs, see the sections: compare no widths.'
    """
    texts = list(dict.fromkeys(intervals(item) for item in scores))
    if len(texts) == 1:
        return texts[0]
    return (
        "`[ , ]`: 95 % bootstrap interval; what was drawn differs, see the sections: compare no"
        " widths."
    )


def soup_name(training: Record) -> str:
    """Return the name of the soup for a table.

    Args:
        training: The entry `training` of results.json.

    >>> soup_name({"soup": "vm", "order": "USA"})
    'vm USA'
    """
    return training["soup"] + (f" {training['order']}" if training["order"] else "")


def training_origin(training: Record) -> list[tuple[str, str]]:
    """Return seed and configuration of a training as names and texts, as far as known.

    Args:
        training: The entry `training` of results.json; results of earlier releases lack both.

    >>> training_origin({"seed": 1, "config": None})
    [('seed', '1')]
    """
    known = {"seed": training.get("seed"), "training configuration": training.get("config")}
    return [(name, str(value)) for name, value in known.items() if value is not None]


def describe_levels(levels: Sequence[Sequence[str]]) -> str:
    """Return levels as counts of objectives by kind, the top level first.

    Args:
        levels: Names of the objectives of each level, the top level first.

    >>> describe_levels([["asr_fr", "asr_it"], ["st_fr_en"]])
    'ASR×2 > ST×1'
    """
    return " > ".join(describe_level(level) for level in levels) or "–"


def describe_level(level: Sequence[str]) -> str:
    """Return one level as counts of objectives by kind.

    Args:
        level: Names of its objectives.

    >>> describe_level(["asr_fr", "asr_it", "st_fr_en"])
    'ASR×2 + ST×1'
    """
    signs = [sign_of(name) for name in level]
    return " + ".join(f"{sign}×{signs.count(sign)}" for sign in dict.fromkeys(signs))


def interval(item: Record | None, digits: int = 1) -> str:
    """Return a score with its interval, or a dash.

    Args:
        item: The entry of a score in `scores.json`, or None.
        digits: Number of decimals.

    >>> interval({"value": 12.34, "low": 10.0, "high": 15.06})
    '12.3 [10.0, 15.1]'
    """
    if item is None:
        return "–"
    value, low, high = (f"{item[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def duration(seconds: float) -> str:
    """Return a time span as text.

    Args:
        seconds: The time span, s.

    >>> duration(45.2), duration(754), duration(7384)
    ('45 s', '12 min 34 s', '2 h 03 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(number: int | None) -> str:
    """Return a number of parameters as text, or a dash.

    Args:
        number: The number; None if unknown.

    >>> count(4_900_000), count(None)
    ('4.90 M', '–')
    """
    if number is None:
        return "–"
    for scale, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if number >= scale:
            return f"{number / scale:.2f} {letter}"
    return str(number)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a Markdown table; columns after the first `left` ones are aligned right.

    Args:
        head: Heads of the columns.
        rows: Cells of each row.
        left: Number of columns aligned left.
    """
    rule = [":---"] * left + ["---:"] * (len(head) - left)
    cells = [head, rule, *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)

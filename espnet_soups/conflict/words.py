"""Summary of a table of conflicts in words, for `conflict.txt` and the terminal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from espnet_soups.conflict.record import ConflictRecord
from espnet_soups.conflict.significance import differs
from espnet_soups.conflict.table import WHOLE, Row

WORDS = "conflict.txt"
LISTED = 12  # pairs that are listed; the others are in the table


@dataclass(frozen=True)
class Pair:
    """Findings on a pair of objectives at one checkpoint.

    Attributes:
        whole: Its cosine on all shared parameters.
        sign: -1 if they conflict, 1 if they agree, 0 if neither can be shown.
        conflicting: Modules in which they conflict.
        modules: Modules in which their cosine is known.
    """

    whole: Row
    sign: int
    conflicting: tuple[str, ...]
    modules: int


def describe(rows: Sequence[Row], record: ConflictRecord) -> str:
    """Return a page of plain text.

    Args:
        rows: The table.
        record: The settings of the measurement.
    """
    lines = [
        f"Measured on {record.batches} batches of the training data in {record.seconds:.0f} s."
        " Gradients of different batches are multiplied, so that no noise is squared.",
        f'[ , ] are {record.confidence:.0%} intervals. "Conflict" and "agree": the cosine differs'
        " from 0 when all pairs are tested together (Holm, 5 %).",
    ]
    for checkpoint in record.checkpoints:
        own = [row for row in rows if row.checkpoint == checkpoint]
        lines += ["", f"== {checkpoint}", *_describe_checkpoint(own)]
        if record.left_out.get(checkpoint):
            lines.append(
                f"{record.left_out[checkpoint]} of {record.batches} batches were left out: a"
                " gradient was not finite."
            )
    return "\n".join(lines) + "\n"


def find_pairs(rows: Iterable[Row]) -> dict[tuple[str, str], Pair]:
    """Return the findings on every pair of objectives.

    Args:
        rows: The rows of one checkpoint.

    Returns:
        The pairs by (first objective, second objective), as the table names them.
    """
    cosines = [row for row in rows if row.quantity == "cosine"]
    whole = [row for row in cosines if row.group == WHOLE]
    parts = [row for row in cosines if row.group != WHOLE]
    part_signs = _signs(parts)
    found = {}
    for row, sign in zip(whole, _signs(whole), strict=True):
        own = [
            (part, own_sign)
            for part, own_sign in zip(parts, part_signs, strict=True)
            if (part.first, part.second) == (row.first, row.second) and not math.isnan(part.value)
        ]
        conflicting = tuple(part.group for part, own_sign in own if own_sign < 0)
        found[row.first, row.second] = Pair(row, sign, conflicting, len(own))
    return found


def number(row: Row) -> str:
    """Return a cosine with its interval: `−0.21 [−0.26, −0.16]`, clipped at −1 and 1.

    Args:
        row: A row whose quantity is a cosine; NaN becomes "not known".
    """
    if math.isnan(row.value):
        return "not known"
    value, low, high = (max(-1.0, min(1.0, end)) for end in (row.value, row.low, row.high))
    text = f"{value:.2f} [{low:.2f}, {high:.2f}]"
    return text.replace("-", "−").replace("−0.00", "0.00")


def _describe_checkpoint(rows: Sequence[Row]) -> list[str]:
    pairs = find_pairs(rows)
    signs = [pair.sign for pair in pairs.values()]
    unknown = sum(math.isnan(pair.whole.value) for pair in pairs.values())
    lines = [
        f"Of {len(pairs)} pairs of objectives {signs.count(-1)} conflict, {signs.count(1)} agree,"
        f" {signs.count(0) - unknown} cannot be told from 0"
        + (f", {unknown} have a gradient that cannot be told from noise." if unknown else ".")
    ]
    lines += _noisy(rows)
    for sign, verb in ((-1, "conflict"), (1, "agree")):
        listed = sorted(
            (pair for pair in pairs.values() if pair.sign == sign),
            key=lambda pair: sign * pair.whole.value,
            reverse=True,
        )
        lines += [_line(pair, verb) for pair in listed[:LISTED]]
        if len(listed) > LISTED:
            lines.append(f"  … and {len(listed) - LISTED} more that {verb}: see the table.")
    lines += _layers_alone(pairs)
    lines += _second_opinion(rows, pairs)
    return lines


def _line(pair: Pair, verb: str) -> str:
    where = f"; conflict in {len(pair.conflicting)} of {pair.modules} modules"
    names = f": {', '.join(pair.conflicting)}" if pair.conflicting else ""
    row = pair.whole
    return f"  {row.first} and {row.second} {verb}: cosine {number(row)}{where}{names}"


def _noisy(rows: Sequence[Row]) -> list[str]:
    """Name the objectives whose gradient cannot be told from noise."""
    names = [
        f"{row.first} ({row.batches} batches)"
        for row in rows
        if row.group == WHOLE and row.quantity == "norm" and math.isnan(row.value)
    ]
    if not names:
        return []
    return [
        f"No norm, and so no cosine, can be told for {', '.join(names)}: measure more batches"
        " (--conflict_batches) or larger ones (--conflict_batch_bins)."
    ]


def _layers_alone(pairs: dict[tuple[str, str], Pair]) -> list[str]:
    """Name pairs that conflict in a module, but not as a whole."""
    found = [pair for pair in pairs.values() if pair.sign >= 0 and pair.conflicting]
    return [
        f"  {pair.whole.first} and {pair.whole.second} conflict in {', '.join(pair.conflicting)}"
        f" alone; as a whole {number(pair.whole)}"
        for pair in found
    ]


def _second_opinion(rows: Sequence[Row], pairs: dict[tuple[str, str], Pair]) -> list[str]:
    """Compare cosines with the effect of small steps on losses of other batches."""
    effects = [row for row in rows if row.quantity == "affinity" and row.first != row.second]
    if not effects:
        return []
    signs = _signs(effects)
    lines = [
        f"A small step along one objective raised the loss of another in {signs.count(-1)} of"
        f" {len(effects)} ordered pairs and lowered it in {signs.count(1)}."
    ]
    for row, sign in zip(effects, signs, strict=True):
        pair = pairs.get((row.first, row.second)) or pairs[row.second, row.first]
        if sign * pair.sign < 0:
            effect = "lowers" if sign > 0 else "raises"
            lines.append(
                f"  They disagree on {row.first} and {row.second}: the cosine is"
                f" {number(pair.whole)}, but a step along {row.first} {effect} the loss of"
                f" {row.second} by {abs(row.value):.2%}."
            )
    return lines


def _signs(rows: Sequence[Row]) -> list[int]:
    """Return the sign of each number that differs from 0, and 0 for the others."""
    found = differs([row.p for row in rows])
    return [
        (1 if row.value > 0 else -1) if known else 0 for row, known in zip(rows, found, strict=True)
    ]

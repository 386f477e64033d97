"""Test whether two experiments differ on the same set."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import program, run_command
from espnet_soups.bin.own_kinds import add_own_kinds

if TYPE_CHECKING:
    from espnet_soups.objectives.kind import Metric
    from espnet_soups.scoring.compare import Comparison, Difference

ALPHA = 0.05


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("compare"),
        description="Compares two experiments on every set that both decoded and scored: each"
        " score of A and of B, B - A with a 95 % interval, and a two-sided p-value, by a paired"
        " bootstrap: A and B are scored on the same draws of utterances, or of groups of them"
        " where the data dir has utt2group. Scores are computed anew from what was decoded.",
    )
    parser.add_argument(
        "first", type=Path, metavar="A", help="exp/<name>, or exp/<name>/<tag>/<set>"
    )
    parser.add_argument("second", type=Path, metavar="B", help="Likewise, of the other system")
    parser.add_argument("--inference_tag", help="Only decodings of this name")
    parser.add_argument("--set", dest="test_set", help="Only this set")
    parser.add_argument(
        "--reference_dir",
        type=Path,
        help="Data dir of the references, e.g. dump/<features>/test (default: as scores.json says)",
    )
    add_own_kinds(parser, "the decoding")
    parser.add_argument("--resamples", type=int, default=1000, help="(default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="Seed of the bootstrap (default: 0)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print a table per score and set; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If the references are not known, or the decodings do not match.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.scoring.compare import compare_decodings
    from espnet_soups.scoring.decodings import match_decodings, read_settings

    matches = match_decodings(
        options.first, options.second, options.inference_tag, options.test_set
    )
    for first, second in matches:
        config, recorded = read_settings(first, second, options.resamples, options.seed)
        references = options.reference_dir or recorded
        if references is None:
            raise ValueError(
                f"{first}/scores.json does not say where its references are; give"
                " `--reference_dir`, e.g. dump/<features>/test."
            )
        print(f"A: {first}\nB: {second}\nreferences: {references}\n")
        found = compare_decodings(references, first, second, config, options.own_kinds)
        print(render(found, options.resamples))


def render(comparison: "Comparison", resamples: int) -> str:
    """Return the tables of a comparison as text.

    Args:
        comparison: The comparison.
        resamples: Number of bootstrap samples, for the notes.
    """
    from espnet_soups.scoring.score_table import align

    metrics = {metric.name: metric for metric in comparison.metrics}
    blocks = [
        align(_rows(comparison, metrics[score], rows))
        for score, rows in comparison.differences.items()
    ]
    what = "groups of utterances (utt2group), jointly" if comparison.groups else "utterances"
    notes = [f"[ , ] and p (two-sided): paired bootstrap over {what}; {resamples} resamples"]
    notes.append(f"*: p < {ALPHA}, each row by itself: of 20 rows one is expected by chance")
    for name, drawn in comparison.drawn.items():
        notes.append(f"[ , ] and p of {name}: over {drawn}")
    items = [item for rows in comparison.differences.values() for item in rows.values()]
    reasons = dict.fromkeys(item.undefined for item in items if item.undefined is not None)
    notes += [f"–: {why}" for why in reasons]
    items = [item for item in items if item.undefined is None]
    if any((item.low <= 0 <= item.high) == (item.p_value < ALPHA) for item in items):
        notes.append(
            "where [ , ] and * disagree, few draws carry the difference (skew): do not rely on it"
        )
    if comparison.left_out:
        notes.append(f"in one of them only, left out: {', '.join(comparison.left_out)}")
    notes += [f"not scored: {name} ({why})" for name, why in comparison.not_scored.items()]
    return "\n\n".join([*blocks, "\n".join(notes)]) + "\n"


def _rows(
    comparison: "Comparison", metric: "Metric", rows: Mapping[str, "Difference"]
) -> list[list[str]]:
    digits = metric.digits
    cells = [[metric.heading, "utt.", "A", "B", "B - A", "p"]]
    for name, item in rows.items():
        utterances = comparison.utterances.get(
            name, sum(comparison.utterances[n] for n in rows if n in comparison.utterances)
        )
        change = f"{item.second - item.first:+.{digits}f}"
        interval = f"{change} [{item.low:+.{digits}f}, {item.high:+.{digits}f}]"
        star = " *" if item.p_value < ALPHA else "  "
        p = f"{item.p_value:.3f}{star}" if item.undefined is None else "–  "
        systems = [f"{value:.{digits}f}" for value in (item.first, item.second)]
        cells.append([name, str(utterances), *systems, interval, p])
    return cells


if __name__ == "__main__":
    run_command(main)

"""Draw lists of trials for speaker verification from the utterances of a set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

NONE = ("<na>", "unknown")  # entries of a table for an utterance without speaker
Pair = tuple[str, str]


@dataclass(frozen=True)
class Trials:
    """Pairs of utterances of one speaker (target), and of two (nontarget)."""

    target: list[Pair]
    nontarget: list[Pair]

    def lines(self) -> str:
        """Return the trials in Kaldi's format, sorted."""
        said = {"target": self.target, "nontarget": self.nontarget}
        rows = sorted((*pair, word) for word, pairs in said.items() for pair in pairs)
        return "".join(f"{' '.join(row)}\n" for row in rows)


def make_trials(
    speakers: Mapping[str, str],
    languages: Mapping[str, str] | None,
    per_speaker: int,
    seed: int,
) -> Trials:
    """Draw target trials, and as many non-target ones.

    Every pair of utterances has the same chance; no pair occurs twice, in either order. Without
    `languages` a speaker may be recognised by the language alone, so pass them if there are
    several.

    Args:
        speakers: Utterance id to speaker, or `<na>`.
        languages: Utterance id to language: both utterances of a trial share it; None: any.
        per_speaker: Largest number of target trials of a speaker (with `languages`: in a language).
        seed: Seed of the draws; the same seed makes the same list.

    Raises:
        ValueError: If `per_speaker` is under 1, an utterance has no language, no speaker has two
            utterances, or there are no two speakers (of one language).
    """
    if per_speaker < 1:
        raise ValueError(f"`--per_speaker` must be 1 or more, but got {per_speaker}.")
    generator = np.random.default_rng(seed)
    cells: dict[tuple[str, str], list[str]] = {}  # (language, speaker) to utterances
    for key in sorted(speakers):
        if speakers[key] not in NONE:
            language = "" if languages is None else languages.get(key)
            if language is None:
                raise ValueError(f"{key} has no line in utt2lang; give it one.")
            cells.setdefault((language, speakers[key]), []).append(key)
    target = [
        pair for cell in sorted(cells) for pair in _draw_own(cells[cell], per_speaker, generator)
    ]
    nontarget = _draw_others(cells, len(target), generator)
    for found, lack in ((target, "speaker with two"), (nontarget, "two speakers with")):
        if not found:
            where = "" if languages is None else " in one language"
            raise ValueError(
                f"{len(speakers)} utterances of {len({name for _, name in cells})} speakers make no"
                f" list of trials: there is no {lack} utterances{where}."
            )
    return Trials(target, nontarget)


def _draw_own(keys: Sequence[str], most: int, generator: np.random.Generator) -> list[Pair]:
    pairs = list(combinations(keys, 2))
    if len(pairs) <= most:
        return pairs
    chosen = generator.choice(len(pairs), most, replace=False, shuffle=False)
    return [pairs[index] for index in sorted(chosen)]


def _draw_others(
    cells: Mapping[tuple[str, str], Sequence[str]], most: int, generator: np.random.Generator
) -> list[Pair]:
    """Draw from all pairs of two speakers of a language, which are numbered, not listed."""
    sides = [(one, two) for one, two in combinations(sorted(cells), 2) if one[0] == two[0]]
    ends = np.cumsum([len(cells[one]) * len(cells[two]) for one, two in sides], dtype=np.int64)
    if not sides:
        return []
    total = int(ends[-1])
    chosen = generator.choice(total, min(most, total), replace=False, shuffle=False)
    found = []
    for number in np.sort(chosen):
        row = int(np.searchsorted(ends, number, side="right"))
        first, second = (cells[side] for side in sides[row])
        place = int(number - (ends[row - 1] if row else 0))
        found.append((first[place // len(second)], second[place % len(second)]))
    return found

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
    """Draw from all pairs of one speaker, which are numbered as `combinations` lists them."""
    size = len(keys)
    total = size * (size - 1) // 2
    if total <= most:
        return list(combinations(keys, 2))
    ends = np.cumsum(np.arange(size - 1, 0, -1, dtype=np.int64))  # of the pairs of each first one
    found = []
    for number in np.sort(generator.choice(total, most, replace=False, shuffle=False)):
        first = int(np.searchsorted(ends, number, side="right"))
        found.append((keys[first], keys[size - int(ends[first] - number)]))
    return found


def _draw_others(
    cells: Mapping[tuple[str, str], Sequence[str]], most: int, generator: np.random.Generator
) -> list[Pair]:
    """Draw from all pairs of two speakers of a language, which are numbered, not listed.

    The numbers of a speaker's utterances with those of the later speakers of the language follow
    one another, speaker by speaker.
    """
    names = sorted(cells)
    sizes = np.array([len(cells[name]) for name in names], dtype=np.int64)
    before = np.concatenate([[0], np.cumsum(sizes)])  # utterances of the speakers before each
    behind = {name[0]: before[row + 1] for row, name in enumerate(names)}  # of each language
    later = [int(behind[name[0]] - before[row + 1]) for row, name in enumerate(names)]
    ends = np.cumsum(sizes * later)
    total = int(ends[-1]) if names else 0
    if not total:
        return []
    chosen = generator.choice(total, min(most, total), replace=False, shuffle=False)
    found = []
    for number in np.sort(chosen):
        row = int(np.searchsorted(ends, number, side="right"))
        first = cells[names[row]]
        place = int(number - (ends[row - 1] if row else 0))
        # the speaker after `row` whose pairs with it hold the place
        start = before[row + 1]
        other = int(np.searchsorted(before, start + place // len(first), side="right")) - 1
        second = cells[names[other]]
        place -= len(first) * int(before[other] - start)
        found.append((first[place // len(second)], second[place % len(second)]))
    return found

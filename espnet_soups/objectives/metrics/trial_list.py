"""Lists of trials: pairs of utterances by one speaker (target) or two."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.files import read_lines
from espnet_soups.objectives.metrics.measured import NothingToScoreError

ANSWERS = {"target": True, "nontarget": False, "1": True, "0": False}
FORMATS = "`ENROL TEST target|nontarget` (Kaldi) or `1|0 ENROL TEST` (VoxCeleb)"


@dataclass(frozen=True, slots=True)
class Trial:
    """Pair of utterances, with whether one speaker said both."""

    enrol: str
    test: str
    target: bool

    @property
    def key(self) -> str:
        """Name in listings."""
        return f"{self.enrol} {self.test}"


def read_trials(path: Path, speakers: Mapping[str, str]) -> list[Trial]:
    """Read a list of trials, Kaldi's or VoxCeleb's.

    Args:
        path: The file.
        speakers: Speaker of each utterance of the set.

    Returns:
        The trials, in the order of the file.

    Raises:
        NothingToScoreError: If there is no such file.
        ValueError: If a line is no trial, names an utterance that the set lacks, or contradicts
            `speakers` on whether the speaker is the same; or if there are no trials of one sort.
    """
    if not path.is_file():
        raise NothingToScoreError(
            f"{path} is missing; put a list of trials into the data dir, {FORMATS}, or make one:"
            f" python -m espnet_soups.bin.make_trials --data_dir data/{path.parent.name}"
        )
    trials = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            trial = parse_trial(line)
            _check_trial(trial, speakers)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
        trials.append(trial)
    for name, wanted in (("target", True), ("nontarget", False)):
        if not any(trial.target is wanted for trial in trials):
            raise ValueError(f"{path} has {len(trials)} trials, none of them {name}: add some.")
    return trials


def parse_trial(line: str) -> Trial:
    """Return the trial of a line.

    Args:
        line: A line in Kaldi's or VoxCeleb's format.

    Raises:
        ValueError: If it is no trial.

    >>> parse_trial("a b target") == parse_trial("1 a b") == Trial("a", "b", True)
    True
    """
    words = line.split()
    if len(words) == 3:
        if words[2] in ("target", "nontarget"):
            return Trial(words[0], words[1], ANSWERS[words[2]])
        if words[0] in ("0", "1"):
            return Trial(words[1], words[2], ANSWERS[words[0]])
    raise ValueError(f"{line!r} is no trial; expected {FORMATS}.")


def _check_trial(trial: Trial, speakers: Mapping[str, str]) -> None:
    for key in (trial.enrol, trial.test):
        if key not in speakers:
            raise ValueError(
                f"{key} is no utterance with a speaker in this set; remove the trial, or name the"
                " utterance as the tables of the set do."
            )
    one, other = speakers[trial.enrol], speakers[trial.test]
    if trial.target != (one == other):
        said = "target" if trial.target else "nontarget"
        raise ValueError(
            f"the trial {trial.key} is {said}, but its speakers are {one} and {other}; correct the"
            " list or the table of speakers."
        )

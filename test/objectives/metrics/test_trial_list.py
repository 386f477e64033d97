"""Lists of trials: two formats, and what is refused with file and line."""

import pytest

from espnet_soups.objectives.metrics.measured import NothingToScoreError
from espnet_soups.objectives.metrics.trial_list import Trial, read_trials

SPEAKERS = {"a1": "a", "a2": "a", "b1": "b", "b2": "b"}


@pytest.mark.parametrize(
    "text", ["a1 a2 target\na1 b1 nontarget\n", "1 a1 a2\n0 a1 b1\n", "1  a1\ta2\n0 a1 b1"]
)
def test_both_formats_are_read(tmp_path, text):
    (tmp_path / "trials").write_text(text)
    expected = [Trial("a1", "a2", True), Trial("a1", "b1", False)]
    assert read_trials(tmp_path / "trials", SPEAKERS) == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a1 a2", "'a1 a2' is no trial; expected `ENROL TEST target|nontarget`"),
        ("", "'' is no trial"),
        ("a1 a2 same", "'a1 a2 same' is no trial"),
        ("2 a1 a2", "'2 a1 a2' is no trial"),
        ("a1 c9 nontarget", "c9 is no utterance with a speaker in this set"),
        ("a1 b2 target", "the trial a1 b2 is target, but its speakers are a and b"),
        ("0 b1 b2", "the trial b1 b2 is nontarget, but its speakers are b and b"),
    ],
)
def test_what_is_no_trial_of_the_set_is_refused_with_its_line(tmp_path, line, problem):
    path = tmp_path / "trials"
    path.write_text(f"a1 a2 target\na1 b1 nontarget\n{line}\n")
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_trials(path, SPEAKERS)
    assert str(caught.value).startswith(f"{path}:3: {problem}")


@pytest.mark.parametrize(
    ("text", "lack"),
    [("a1 a2 target\n", "nontarget"), ("a1 b1 nontarget\n", "target"), ("", "target")],
)
def test_trials_of_one_sort_alone_are_refused(tmp_path, text, lack):
    (tmp_path / "trials").write_text(text)
    with pytest.raises(ValueError, match=f"none of them {lack}"):
        read_trials(tmp_path / "trials", SPEAKERS)


def test_a_missing_list_says_how_to_make_one(tmp_path):
    with pytest.raises(NothingToScoreError, match="make_trials --data_dir data/test"):
        read_trials(tmp_path / "test" / "trials", SPEAKERS)

"""Kinds of a user's own that hold what would do nothing, or what another kind has."""

import sys
from typing import ClassVar

import pytest

from espnet_soups.objectives.classification import Classification
from espnet_soups.objectives.enhancement import Enhancement
from espnet_soups.objectives.kind import Kind, Metric
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.recognition import Recognition
from espnet_soups.objectives.registry import find_kind, kinds_of
from espnet_soups.objectives.self_supervision.kind import SelfSupervision

MODULE = "made_up_own_kinds"
ACCURACY = Metric("accuracy", "Acc", "%", lower_is_better=False)


class Own(Kind):
    """A sound kind."""

    name, title, sign = "own", "Own", "OWN"
    letters: ClassVar = {"O": "own*"}
    metrics = (ACCURACY,)

    def objective(self, name, settings):
        return Objective(name, f"{MODULE}:{type(self).__name__}", label=name)

    def build_heads(self, objectives, args, parts):
        raise NotImplementedError


def make(base=Own, **members):
    """Return how the configuration names a class with these members."""
    name = f"Made{len(vars(sys.modules[MODULE]))}"
    setattr(sys.modules[MODULE], name, type(name, (base,), members))
    return f"{MODULE}:{name}"


@pytest.fixture(autouse=True)
def module(monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, type(sys)(MODULE))
    yield
    find_kind.cache_clear()


def test_a_sound_kind_and_one_that_refines_a_kind_with_settings_are_found():
    assert find_kind(make()).title == "Own"
    for base in (Classification, Enhancement):
        assert find_kind(make(base, title="Other")).letters == base.letters


@pytest.mark.parametrize(
    ("base", "members", "said"),
    [
        (Own, {"add_options": lambda *_: None}, "has the `add_options`, which is never asked"),
        (
            Own,
            {"run_options": {"own_size": ("1", "Size")}},
            "has the `run_options`, which is never",
        ),
        (
            Own,
            {"data_names": ("own*",)},
            "`data_names`, .*: the `label` of its objectives is known",
        ),
        (Classification, {"data_names": ("own*",)}, "has the `data_names`, which is never asked"),
        (Recognition, {"name": "phones"}, "`add_options` of Recognition, which is never asked"),
        (SelfSupervision, {}, "`add_options` of SelfSupervision, .* settings below `objectives:`"),
    ],
)
def test_members_that_would_do_nothing_are_refused(base, members, said):
    name = make(base, **members)
    with pytest.raises(ValueError, match=f"`kind: {name}` has .*{said.removeprefix('has ')}"):
        find_kind(name)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"letters": {"A": "own*"}}, r"has 'A', which stands for asr_\* \(.*\) in `order`"),
        (
            {"metrics": (Metric("accuracy", "Accuracy", "%", lower_is_better=False),)},
            r"has 'accuracy', which is 'Acc %' \(higher is better\) of Classification, not 'Accur",
        ),
        ({"metrics": (Metric("wer", "WER", "", lower_is_better=True),)}, "has 'wer', which is"),
        ({"metrics": (Metric("accuracy", "Acc", "%"),)}, r"not 'Acc %' \(lower is better\)"),
    ],
)
def test_letters_and_scores_of_other_kinds_are_refused(members, said):
    with pytest.raises(ValueError, match=said):
        find_kind(make(**members))


def test_two_kinds_of_ones_own_may_not_clash_either():
    one, same, other = make(), make(), make(letters={"O": "other*"}, name="other")
    kinds_of({"objectives": {"own": {"kind": one}, "own_b": {"kind": same}}})
    with pytest.raises(ValueError, match=r"has 'O', which stands for own\* \(Own\)"):
        kinds_of({"objectives": {"own": {"kind": one}, "other": {"kind": other}}})

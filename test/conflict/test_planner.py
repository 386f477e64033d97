"""Plans of soups: planted groups come back, nothing is split without a conflict."""

import dataclasses
import math

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_soups.conflict.plan_file import render_plan
from espnet_soups.conflict.planner import plan_soup
from espnet_soups.levels.order import arrange_levels
from espnet_soups.objectives.objective import Objective
from espnet_soups.soup.build import build_soup
from espnet_soups.soup.config import read_soup_config
from espnet_soups.testing.planted_conflicts import LAYERS, blocks, plant

NAMES = ["asr_en", "asr_fr", "st_fr_en", "st_es_en", "ssl"]
LABELLED = {name: name != "ssl" for name in NAMES}


def plan(cosines, names=NAMES, supervised=None, **how):
    """Plan from planted cosines."""
    planted = {key: how.pop(key) for key in ("error", "norms", "layers") if key in how}
    rows = plant(names, cosines, **planted)
    return plan_soup(rows, supervised or dict.fromkeys(names, True), "start", **how)


def test_planted_groups_come_back_on_levels_of_their_own():
    cosines = blocks([2, 2, 1], 0.4, -0.3)
    found = plan(cosines, supervised=LABELLED, top="st")
    assert found.levels == (("st_fr_en", "st_es_en"), ("asr_en", "asr_fr"), ("ssl",))
    assert found.moves == (False, False, False)
    assert found.layers == ()
    assert any("st_fr_en, st_es_en on top" in reason for reason in found.reasons)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 3), min_size=2, max_size=3))
def test_groups_come_back_whatever_the_order_of_the_objectives(seed, sizes):
    random = np.random.default_rng(seed)
    group = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    cosines = np.where(group[:, None] == group, 0.4, -0.3)
    cosines += np.triu(random.normal(0, 0.02, cosines.shape), 1)
    names = [f"asr_{chr(97 + k)}" for k in range(len(group))]
    found = plan(cosines, names=names, error=0.03)
    expected = {
        frozenset(n for n, g in zip(names, group, strict=True) if g == own) for own in set(group)
    }
    assert {frozenset(level) for level in found.levels} == expected


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_where_nothing_conflicts_hardly_anything_is_split(seed):
    """Cosines of 0 with their error: at most 5 % of such tables may be split, by chance."""
    split = 0
    random = np.random.default_rng(seed)
    for _ in range(40):
        noise = np.triu(random.normal(0, 0.05, (5, 5)), 1)
        split += len(plan(noise).levels) > 1
    assert split <= 8  # of 40; the chance of 9 or more is below 0.01 % at 5 % each


def test_no_conflict_is_one_level_of_static_weights_and_the_reason_is_given():
    found = plan(blocks([5], 0.1, 0.0), error=0.2)
    assert found.levels == (tuple(NAMES),)
    assert found.settings()["soup"] == "joint"
    assert found.settings()["combiner"] == "static"
    assert "No two objectives conflict at start: none of 10 known cosines" in found.reasons[0]


def test_objectives_that_neither_conflict_nor_agree_share_a_level_whose_weights_rest():
    found = plan(blocks([2, 1], 0.0, -0.3), names=["asr_a", "asr_b", "asr_c"], top="asr_a")
    assert found.levels == (("asr_a", "asr_b"), ("asr_c",))
    assert found.moves == (False, False)
    assert not any("Below" in reason for reason in found.reasons), "there is one level below"


def test_a_group_with_one_objective_that_learns_from_labels_may_be_on_top():
    cosines = blocks([2, 1], 0.4, -0.3)
    labelled = {"asr_en": True, "ssl": False, "asr_fr": True}
    found = plan(cosines, list(labelled), labelled, norms=[0.1, 0.1, 3.0])
    assert found.levels == (("asr_en", "ssl"), ("asr_fr",))


def test_the_weakest_gradients_are_those_of_all_layers_together():
    rows = plant(NAMES[:2], blocks([1, 1], 1.0, -0.3), norms=[1.0, 2.0])
    rows = [
        dataclasses.replace(row, value=3.0 - row.value)
        if row.quantity == "norm" and row.group != "all"
        else row
        for row in rows
    ]
    found = plan_soup(rows, dict.fromkeys(NAMES[:2], True), "start")
    assert found.levels == (("asr_en",), ("asr_fr",))


def test_a_conflict_that_cannot_be_told_from_noise_splits_nothing():
    assert plan(blocks([2, 3], 0.4, -0.3), error=0.2).settings()["soup"] == "joint"
    assert plan(blocks([2, 3], 0.4, math.nan)).settings()["soup"] == "joint"


def test_groups_beyond_the_most_levels_share_one_whose_weights_move_on_the_layers_that_conflict():
    cosines = blocks([2, 2, 1], 0.4, -0.3)
    layers = {LAYERS[0]: blocks([5], 0.4, 0.4), LAYERS[1]: cosines}
    found = plan(cosines, supervised=LABELLED, layers=layers, top="ssl", most_levels=2)
    assert len(found.levels) == 2
    assert sum(found.moves) == 1
    assert found.layers == (LAYERS[1],)
    conf = found.settings()
    assert conf["combiner"][found.moves.index(True)] == "modo"
    assert conf["layers"] == [LAYERS[1]]
    assert any("share a level nonetheless" in reason for reason in found.reasons)
    assert f"Only layers that conflict feed the weights: {LAYERS[1]}." in found.reasons
    assert not any("No conflict is left" in reason for reason in found.reasons)
    moving = next(reason for reason in found.reasons if "move (MoDo)" in reason)
    assert "−0.30" in moving
    assert "0.40" not in moving.replace("−0.40", "")  # pairs that agree are no reason


def test_of_many_conflicts_three_are_named_and_the_others_counted():
    (reason,) = [r for r in plan(blocks([2, 2], 0.4, -0.3), NAMES[:4]).reasons if "apart" in r]
    assert reason.count("(−0.30") == 3
    assert reason.endswith("and 1 more pair conflict.")


def test_a_pair_that_conflicts_inside_a_level_is_named_once():
    found = plan(blocks([1, 1], 1.0, -0.3), names=["asr_en", "asr_fr"], most_levels=1)
    reason = next(reason for reason in found.reasons if "move (MoDo)" in reason)
    assert reason.count("asr_en and asr_fr") == 1
    assert found.moves == (True,)


def test_the_weakest_gradients_come_first_where_nobody_says_otherwise_and_u_never_does():
    cosines = blocks([2, 2, 1], 0.4, -0.3)
    weak = plan(cosines, supervised=LABELLED, norms=[0.2, 0.2, 3.0, 3.0, 0.01])
    assert weak.levels[0] == ("asr_en", "asr_fr")
    assert weak.levels[-1] == ("ssl",)
    assert any("its gradients are the weakest" in reason for reason in weak.reasons)


@pytest.mark.parametrize(
    ("top", "first"), [("st_es_en", "st_es_en"), ("st_*", "st_fr_en"), ("asr_e?", "asr_en")]
)
def test_what_comes_first_is_named_by_name_or_glob(top, first):
    found = plan(blocks([2, 2, 1], 0.4, -0.3), supervised=LABELLED, top=top)
    assert first in found.levels[0]


def test_an_objective_joins_the_group_that_it_agrees_with_most():
    cosines = np.array([[1.0, -0.3, 0.1], [-0.3, 1.0, 0.3], [0.1, 0.3, 1.0]])
    found = plan(cosines, names=["asr_a", "asr_b", "asr_c"], top="asr_a")
    assert found.levels == (("asr_a",), ("asr_b", "asr_c"))


def test_groups_are_compared_by_their_means_whatever_their_sizes():
    cosines = blocks([1, 1, 2], 0.4, -0.4)
    cosines[0, 1] = -0.3
    cosines[0, 2:] = -0.2
    names = ["asr_a", "asr_b", "asr_c", "asr_d"]
    found = plan(cosines, names=names, top="asr_b", most_levels=2)
    assert found.levels == (("asr_b",), ("asr_a", "asr_c", "asr_d"))
    moving = next(reason for reason in found.reasons if "move (MoDo)" in reason)
    assert moving.startswith("The weights of level 2 move")
    weak = plan(blocks([1, 3], 0.4, -0.4), names=names, norms=[1.0, 0.5, 0.5, 0.5])
    assert weak.levels[0] == ("asr_b", "asr_c", "asr_d")


def test_a_norm_that_cannot_be_told_from_0_is_the_weakest():
    norms = [0.2, 0.2, math.nan, math.nan, 3.0]
    found = plan(blocks([2, 2, 1], 0.4, -0.3), supervised=LABELLED, norms=norms)
    assert found.levels[0] == ("st_fr_en", "st_es_en")


def test_what_agrees_most_with_the_top_stands_next_to_it():
    cosines = blocks([1, 1, 1], 1.0, -0.3)
    cosines[0, 1] = cosines[1, 0] = -0.6
    found = plan(cosines, names=["asr_a", "asr_b", "asr_c"], top="asr_a")
    assert found.levels == (("asr_a",), ("asr_c",), ("asr_b",))
    assert "Below: objectives with labels first, then by agreement with the top: asr_c; asr_b." in (
        found.reasons
    )


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"top": "cls"}, "'cls_\\*' matches no objective; there are"),
        ({"checkpoint": "last"}, "The table has no checkpoint 'last'; it has \\['start'\\]"),
        ({"names": ["asr_de"]}, "this run has \\['asr_de'\\]: it is of another recipe"),
    ],
)
def test_what_does_not_fit_is_refused(how, message):
    rows = plant(NAMES, blocks([2, 3], 0.4, -0.3))
    supervised = dict.fromkeys(how.get("names", NAMES), True)
    with pytest.raises(ValueError, match=message):
        plan_soup(rows, supervised, how.get("checkpoint", "start"), how.get("top", ""))


@pytest.mark.parametrize("most_levels", [1, 2, 3])
@pytest.mark.parametrize("between", [-0.3, 0.0])
def test_a_plan_is_a_soup_that_training_takes(most_levels, between):
    found = plan(blocks([2, 2, 1], 0.4, between), supervised=LABELLED, most_levels=most_levels)
    text = render_plan(found, "conflict.csv", "start")
    conf = yaml.safe_load(text)["trainer_conf"]
    assert next(iter(conf)) == "soup", "the keys stand in the order in which they are explained"
    objectives = [Objective(n, n.partition("_")[0], supervised=LABELLED[n]) for n in NAMES]
    soup = build_soup(read_soup_config(conf), objectives, ["encoder"], {})
    if conf["soup"] == "custom":
        arranged = arrange_levels("custom", objectives, {}, levels=conf["levels"])
        assert arranged.names == found.levels
        assert len(conf["penalty"]) == len(found.levels) - 1
    assert len(soup.hierarchy.levels) == len(found.levels)
    for reason in found.reasons:
        assert reason.split()[0] in text

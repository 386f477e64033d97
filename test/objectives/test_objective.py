import pytest

from espnet_soups.objectives.objective import match_names
from espnet_soups.objectives.registry import parse_objective
from espnet_soups.testing.toy_objectives import build_objectives


def test_objectives_stand_in_the_order_they_are_given():
    names = [o.name for o in build_objectives(["fr", "en"], ["fr_en"])]
    assert names == ["asr_fr", "asr_en", "st_fr_en"]


def test_labels_of_translation_carry_the_target_language():
    assert parse_objective("asr_fr").label == "text"
    assert parse_objective("st_fr_en").label == "text_en"


@pytest.mark.parametrize("pair", ["fr", "fr_", "_en", ""])
def test_a_malformed_pair_is_refused_by_its_name(pair):
    with pytest.raises(ValueError, match=f"but got {pair!r}"):
        build_objectives(["fr"], [pair])


def test_an_objective_given_twice_is_refused():
    with pytest.raises(ValueError, match="st_fr_en"):
        build_objectives([], ["fr_en", "fr_en"])


def test_a_run_without_objectives_is_refused():
    with pytest.raises(ValueError, match="no objective"):
        build_objectives([], [])


def test_a_glob_that_matches_nothing_lists_the_valid_names():
    assert match_names("asr_*", ["st_fr_en", "asr_fr"]) == ["asr_fr"]
    with pytest.raises(ValueError, match=r"ssl\*.*asr_fr"):
        match_names("ssl*", ["asr_fr"])

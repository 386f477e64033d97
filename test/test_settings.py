"""What a settings block does not have is refused in one sentence."""

import pytest

from espnet_soups.settings import refuse_unknown

KEYS = ["soup", "order", "combiner"]


def test_the_sentence_names_block_unknown_keys_the_closest_and_all_valid_ones():
    with pytest.raises(ValueError, match=r"^`x` has no 'combinr'") as refused:
        refuse_unknown("`x`", {"zz": 1, "combinr": "modo", "soup": "vs"}, KEYS)
    assert str(refused.value) == (
        "`x` has no 'combinr' (closest: 'combiner'), 'zz'; its keys are"
        " ['soup', 'order', 'combiner']."
    )


def test_keys_that_are_no_words_are_refused_too():
    with pytest.raises(ValueError, match="has no '1', 'True'; its keys"):
        refuse_unknown("`x`", [True, 1, "soup"], KEYS)


def test_known_keys_pass():
    refuse_unknown("`x`", ["order"], KEYS)
    refuse_unknown("`x`", [], [])

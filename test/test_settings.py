"""What a settings block does not have is refused in one sentence."""

import pytest

from espnet_soups.settings import refuse_unknown, require_number

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


@pytest.mark.parametrize("value", [0, -1, 0.5, float("inf")])
def test_numbers_pass(value):
    require_number("`x`", value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1e-5", "got the text '1e-5'; in YAML write 0.00001."),
        ("fast", "got the text 'fast'."),
        (True, "got True."),
        (None, "got None."),
        ([1], r"got \[1\]."),
    ],
)
def test_what_is_no_number_is_refused_and_shown_in_the_way_yaml_wants_it(value, said):
    with pytest.raises(ValueError, match=f"^`x` must be a number, but {said}$"):
        require_number("`x`", value)

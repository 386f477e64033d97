"""What a settings block does not have is refused in one sentence."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from espnet_soups.settings import (
    read_settings,
    refuse_mistyped,
    refuse_unknown,
    require_number,
)

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


@dataclass(frozen=True)
class Block:
    """Settings of every type."""

    size: int = 1
    rate: float = 0.5
    name: str = "a"
    nested: bool = False
    levels: Sequence[Sequence[str]] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    ramp: float | None = None

    def __post_init__(self) -> None:
        """Compare without looking at types."""
        if self.size < 1 or len(self.levels) > 3:
            raise ValueError("`size` is too small.")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"size": "3"}, "`size` must be a whole number, but got '3'"),
        ({"size": 2.0}, "`size` must be a whole number, but got 2.0"),
        ({"size": True}, "`size` must be a whole number, but got True"),
        ({"rate": float("inf")}, "`rate` must be a finite number, but got inf"),
        ({"rate": 10**400}, "`rate` must be a finite number, but got 1000"),
        ({"name": False}, "`name` must be a text, but got False"),
        ({"nested": "no"}, "`nested` must be true or false, but got 'no'"),
        ({"levels": 3}, "`levels` must be a list, each item a list, each item a text, but got 3"),
        ({"levels": ["st_*"]}, "`levels` must be a list"),
        ({"weights": {"a": "1"}}, "`weights` must be a mapping of a text to a finite number"),
        ({"weights": {1: 1.0}}, "`weights` must be a mapping"),
        ({"ramp": []}, "`ramp` must be a finite number, or null, but got"),
        ({"size": 0}, "`size` is too small"),
        ("size", "must map names to values, but got 'size'"),
    ],
)
def test_settings_of_the_wrong_type_are_refused_by_name(given, said):
    with pytest.raises(ValueError, match=f"^`x`:? {said}"):
        read_settings("`x`", Block, given)


def test_settings_of_the_right_type_pass():
    given = {"size": 3, "rate": 1, "levels": [["a"], ["b"]], "weights": {"a": 2}, "ramp": None}
    assert read_settings("`x`", Block, given).levels == [["a"], ["b"]]
    assert read_settings("`x`", Block, None) == Block()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"conf": [1]}, "`conf` must be a mapping"),
        ({"share": "0.3"}, "`share` must be a number, but got the text '0.3'; in YAML write 0.3"),
        ({"heads": True}, "`heads` must be a text, or null, but got True"),
    ],
)
def test_a_configuration_has_the_types_of_its_options(given, said):
    parser = argparse.ArgumentParser()
    parser.add_argument("--conf", default={})
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--heads", default="separate")
    parser.add_argument("--decoder", type=lambda word: word or None)
    with pytest.raises(ValueError, match=f"^a.yaml: {said}"):
        refuse_mistyped("a.yaml", parser, given)
    refuse_mistyped("a.yaml", parser, {"conf": {"a": 1}, "share": 1, "decoder": None, "more": []})


def test_types_that_are_written_as_texts_are_looked_up_or_let_pass():
    @dataclass(frozen=True)
    class Later:
        size: "int" = 1
        other: "Unknown" = 2  # type: ignore[name-defined] # noqa: F821

    assert read_settings("`x`", Later, {"size": 3, "other": []}) == Later(3, [])

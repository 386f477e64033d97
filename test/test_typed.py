"""Values of YAML and JSON against annotated types."""

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, Literal, Optional

import pytest

from espnet_soups.typed import describe, find_misfit, fits

RIGHT: list[tuple[object, Any]] = [
    *((1, int), (1, float), (1.5, float), ("a", str), (True, bool), (None, None), ([], Any)),
    *((None, int | None), (None, Optional[str]), ("a", str | Sequence[str])),  # noqa: UP045
    *((["a"], str | Sequence[str]), ([["a"], []], Sequence[Sequence[str]]), ((1, 2), list[int])),
    *(({"a": 1}, Mapping[str, float]), ({}, dict[str, int]), ({"a": {}}, dict[str, Any])),
    *((math.nan, Real), (1, Real), ("a", Literal["a", "b"]), ({1}, set[int])),
    *((print, Callable[[], None]), (Path("a"), Path)),
]
WRONG: list[tuple[object, Any]] = [
    *((True, int), (1.0, int), ("1", int), (True, float), (math.inf, float), (math.nan, float)),
    *((10**400, float), (10**400, int), (1, str), (1, bool), (0, None), (False, int | None)),
    *(("ab", Sequence[str]), ([1], Sequence[str]), (["a"], Sequence[Sequence[str]])),
    *(({1: 1}, Mapping[str, float]), ({"a": "1"}, dict[str, int]), ([], dict), ("c", Literal["a"])),
    *((True, Real), ([1], set[int]), ("a", Path)),
]


@pytest.mark.parametrize(("value", "wanted"), RIGHT)
def test_what_fits(value, wanted):
    assert fits(value, wanted)
    assert find_misfit({"x": value}, {"x": wanted}) is None


@pytest.mark.parametrize(("value", "wanted"), WRONG)
def test_what_does_not_fit_is_told_in_words(value, wanted):
    assert not fits(value, wanted)
    said = find_misfit({"x": {"y": value}}, {"x": {"y": wanted}})
    assert said is not None
    assert said.startswith(f"`x.y` must be {describe(wanted)}, but is ")


def test_names_that_may_be_missing_may_be_null():
    shape = {"a": int, "b?": str, "c?": [{"*": float}]}
    assert find_misfit({"a": 1}, shape) is None
    assert find_misfit({"a": 1, "b": None, "c": None, "more": []}, shape) is None
    assert find_misfit({"b": "x"}, shape) == "it lacks `a`"
    assert find_misfit({"a": None}, shape) == "`a` must be a whole number, but is None"
    assert find_misfit({"a": 1, "c": [{}, {"x": "y"}]}, shape) == (
        "`c[1].x` must be a finite number, but is 'y'"
    )

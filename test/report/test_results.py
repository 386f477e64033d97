"""What results.json says a run was."""

import json
from dataclasses import asdict

import pytest

from espnet_soups.model.soup_config import SoupConfig
from espnet_soups.report.markdown import render_results
from espnet_soups.report.results import describe_soup


@pytest.mark.parametrize(
    ("conf", "combiner", "options"),
    [
        ({"soup": "joint"}, "static", {}),
        ({"soup": "joint", "combiner": "modo", "combiner_conf": {"gamma": 0.01}}, "static", {}),
        ({"soup": "joint", "combiner": ["modo"]}, "static", {}),
        (
            {"soup": "joint", "combiner": "constant", "combiner_conf": {"weights": {"asr_*": 2}}},
            "constant",
            {"weights": {"asr_*": 2}},
        ),
        ({"soup": "vs", "combiner_conf": {"gamma": 0.01}}, "modo", {"gamma": 0.01}),
        ({"soup": "vm", "combiner": ["modo", "mgda"]}, "modo / mgda", {}),
    ],
)
def test_the_combiner_is_the_one_that_the_trainer_took(conf, combiner, options) -> None:
    config = {"trainer": "msp", "trainer_conf": conf}
    soup = describe_soup(config, asdict(SoupConfig()))
    assert (soup["combiner"], soup["combiner_conf"]) == (combiner, options)
    assert soup["soup"] == conf["soup"]


def test_a_trainer_without_soup_has_static_weights() -> None:
    assert describe_soup({}, asdict(SoupConfig()))["combiner"] == "static"


def test_intervals_over_different_draws_are_not_passed_off_as_alike(reported) -> None:
    first = json.loads((reported / "results.json").read_text(encoding="utf-8"))
    second = {**first, "name": "msp_vs", "scores": {**first["scores"], "groups": 9}}
    head, *sections = render_results([first, second]).split("\n## msp_")
    assert head.count("bootstrap interval") == 1
    assert "what was drawn differs" in head
    assert "over utterances" in sections[0]
    assert "over 9 groups" in sections[1]
    assert "what was drawn differs" not in render_results([first, {**first, "name": "msp_vs"}])

"""What results.json says a run was."""

import json
from dataclasses import asdict

import pytest

from espnet_soups.report.markdown import render_results
from espnet_soups.report.results import describe_soup
from espnet_soups.soup.config import SoupConfig


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


def test_a_trainer_without_soup_has_static_weights_and_no_settings() -> None:
    soup = describe_soup({}, asdict(SoupConfig()))
    assert (soup["combiner"], soup["settings"]) == ("static", {})
    assert (soup["seed"], soup["config"]) == (None, None)


def test_every_setting_is_kept_as_the_trainer_took_it() -> None:
    defaults = {"soup": "vs", "order": "USA", "combiner": "modo", "combiner_conf": {}, "refresh": 1}
    config = {
        "trainer": "msp",
        "seed": 7,
        "config": "conf/tuning/train_small.yaml",
        "trainer_conf": {"soup": "vm", "combiner_conf": {"gamma": 0.01}},
    }
    soup = describe_soup(config, defaults)
    assert soup["settings"] == {
        "soup": "vm",
        "order": "USA",
        "combiner": "modo",
        "combiner_conf": {"gamma": 0.01},
        "refresh": 1,
    }
    assert (soup["seed"], soup["config"]) == (7, "train_small.yaml")
    joint = describe_soup({**config, "trainer_conf": {"soup": "joint"}}, defaults)
    assert joint["settings"]["combiner"] == "static"


def test_results_of_a_run_leave_no_setting_of_a_soup_out(reported) -> None:
    training = json.loads((reported / "results.json").read_text(encoding="utf-8"))["training"]
    assert set(training["settings"]) == set(asdict(SoupConfig()))
    assert (training["settings"]["soup"], training["settings"]["order"]) == ("vm", "SA")
    assert (training["seed"], training["config"]) == (3, "train_tiny.yaml")


def test_intervals_over_different_draws_are_not_passed_off_as_alike(reported) -> None:
    first = json.loads((reported / "results.json").read_text(encoding="utf-8"))
    second = {**first, "name": "msp_vs", "scores": {**first["scores"], "groups": 9}}
    head, *sections = render_results([first, second]).split("\n## msp_")
    assert head.count("bootstrap interval") == 1
    assert "what was drawn differs" in head
    assert "over utterances" in sections[0]
    assert "over 9 groups" in sections[1]
    assert "what was drawn differs" not in render_results([first, {**first, "name": "msp_vs"}])

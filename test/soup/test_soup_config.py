import pytest

from espnet_soups.soup.build import build_soup
from espnet_soups.soup.config import read_soup_config
from espnet_soups.testing.toy_objectives import LETTERS, build_objectives


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"soop": "vs"}, r"has no 'soop' \(closest: 'soup'\).*'levels'"),
        ({"soup": "vx"}, "`soup` must be one of.*'vm'.*'vx'"),
        ({"mode": "fast"}, "`mode` must be one of.*'pipelined', 'exact'"),
        ({"gradient_norm": "mean"}, "`gradient_norm`"),
        ({"gradient_norm": "ema"}, "`gradient_norm: ema` is gone.*Use `none`.*or `rows`"),
        ({"weight_scale": "objectives"}, "`weight_scale: objectives` is gone.*Remove the key"),
        ({"metric": "adamw"}, "`metric` must be one of.*'euclidean', 'adam'"),
        ({"acts_on": "layers"}, "`acts_on` must be one of.*'measured_only'"),
        ({"acts_from": 0}, "`acts_from` must be 1 or more"),
        ({"gram": "whole"}, "`gram` must be one of.*'batch'"),
        ({"nested_penalty": "yes"}, "`nested_penalty` must be one of"),
        ({"refresh": 0}, "`refresh` must be 1 or more"),
        ({"layers": []}, "`layers` must be .*at least one"),
        ({"layers": [1]}, "`layers` must be"),
        ({"layers": None}, "`layers` must be"),
        ({"combiner": None}, "`combiner` must be a name"),
        ({"combiner_conf": None}, "`combiner_conf` must be a mapping"),
        ({"layers": "conflicting", "selection": None}, "`selection` must be a mapping"),
        ({"combiner_conf": {"gamma": float("nan")}}, "`gamma` of MoDo must be a number"),
        ({"exact_batches": 3}, "does nothing without `mode: exact`"),
        ({"mode": "exact", "refresh": 8}, "does nothing without `mode: pipelined`"),
        ({"acts_from": 3}, "does nothing without `acts_on: measured_only`"),
        ({"penalty": [{"level": 2, "freeze": True}]}, "`freeze`"),
        (
            {"layers": "conflicting", "selection": {"hysteresis": 2.5}},
            "`hysteresis` of `selection` must lie between 0 and 2, but got 2.5",
        ),
        ({"combiner": "magic"}, "`combiner` must be one of.*'modo'"),
        ({"soup": "vm", "order": "USX"}, "`order`"),
        ({"soup": "vm", "order": None}, "`order` must use.*None"),
        ({"penalty": {"level": 2}}, "`penalty` must be a list"),
        ({"penalty": [{"level": 2, "step": 1}]}, "'step'"),
    ],
)
def test_bad_settings_of_a_soup_end_in_one_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        build_soup(
            read_soup_config(options), build_objectives(["en"], ["fr_en"]), ["encoder"], LETTERS
        )


def test_a_joint_soup_has_static_weights_whatever_the_combiner():
    config = read_soup_config({"soup": "joint", "combiner_conf": {"gamma": 1.0}})
    soup = build_soup(config, build_objectives(["en", "fr"], ["fr_en"]), ["encoder"], LETTERS)
    assert not soup.measures
    assert soup.gates.multipliers.tolist() == pytest.approx([1 / 3] * 3)

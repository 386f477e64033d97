import pytest

from espnet_soups.model.build_soup import build_soup
from espnet_soups.model.soup_config import read_soup_config
from espnet_soups.objective import build_objectives


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"soop": "vs"}, r"has no 'soop' \(closest: 'soup'\).*'levels'"),
        ({"soup": "vx"}, "`soup` must be one of.*'vm'.*'vx'"),
        ({"mode": "fast"}, "`mode` must be one of.*'pipelined', 'exact'"),
        ({"gradient_norm": "mean"}, "`gradient_norm`"),
        ({"weight_scale": 1}, "`weight_scale`"),
        ({"refresh": 0}, "`refresh` must be 1 or more"),
        ({"combiner": "magic"}, "`combiner` must be one of.*'modo'"),
        ({"soup": "vm", "order": "USX"}, "`order`"),
        ({"soup": "vm", "order": None}, "`order` must use.*None"),
        ({"penalty": {"level": 2}}, "`penalty` must be a list"),
        ({"penalty": [{"level": 2, "step": 1}]}, "'step'"),
    ],
)
def test_bad_settings_of_a_soup_end_in_one_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        build_soup(read_soup_config(options), build_objectives(["en"], ["fr_en"]), ["encoder"])


def test_a_joint_soup_has_static_weights_that_sum_the_losses():
    config = read_soup_config({"soup": "joint", "combiner_conf": {"gamma": 1.0}})
    soup = build_soup(config, build_objectives(["en", "fr"], ["fr_en"]), ["encoder"])
    assert not soup.measures
    assert soup.multipliers(soup.weights).tolist() == pytest.approx([1.0, 1.0, 1.0])

import pytest

from espnet_soups.levels.order import arrange_levels
from espnet_soups.testing.toy_objectives import LETTERS, build_objectives

OBJECTIVES = build_objectives(["en", "zh"], ["zh_en"])
WITH_SSL = build_objectives(["en", "zh"], ["zh_en"], ssl=True)
ASR, ST = ("asr_en", "asr_zh"), ("st_zh_en",)


def test_orders_are_read_bottom_up():
    assert arrange_levels("vm", WITH_SSL, LETTERS, "USA").names == (ASR, ST, ("ssl",))
    assert arrange_levels("vm", WITH_SSL, LETTERS, "UAS").names == (ST, ASR, ("ssl",))


def test_letters_without_an_objective_are_dropped_and_told():
    levels = arrange_levels("vm", OBJECTIVES, LETTERS, "USA")
    assert levels.names == (ASR, ST)
    assert levels.dropped == "U"


def test_a_language_hierarchy_is_an_order_too():
    objectives = build_objectives(["en", "zh"], [])
    assert arrange_levels("vm", objectives, LETTERS, "UEC").names == (("asr_zh",), ("asr_en",))


def test_letters_of_languages_stand_for_their_regions_too():
    objectives = build_objectives(["en_us", "zh-TW", "cmn_hans", "en-GB", "enm"], [])
    regions = build_objectives(["en_us", "zh-TW", "cmn_hans", "en-GB"], [])
    levels = arrange_levels("vm", regions, LETTERS, "EC")
    assert levels.names == (("asr_zh-TW", "asr_cmn_hans"), ("asr_en_us", "asr_en-GB"))
    with pytest.raises(ValueError, match=r"asr_enm.*on none"):
        arrange_levels("vm", objectives, LETTERS, "EC")


@pytest.mark.parametrize("soup", ["joint", "vs"])
def test_joint_and_vs_have_one_level(soup):
    assert arrange_levels(soup, OBJECTIVES, LETTERS).names == ((*ASR, *ST),)


def test_vc_puts_self_supervision_below_the_rest():
    assert arrange_levels("vc", WITH_SSL, LETTERS).names == ((*ASR, *ST), ("ssl",))
    assert arrange_levels("vc", OBJECTIVES, LETTERS).dropped == "U"


def test_custom_levels_take_globs():
    levels = arrange_levels("custom", OBJECTIVES, LETTERS, levels=[["st_*", "asr_zh"], ["asr_en"]])
    assert levels.names == (("st_zh_en", "asr_zh"), ("asr_en",))


@pytest.mark.parametrize(
    ("soup", "order", "levels", "said"),
    [
        ("soupe", "USA", [], r"`soup` must be one of .*'vm'"),
        ("vm", "UXA", [], r"`order` must use each of the letters .*'S'.*UXA"),
        ("vm", "", [], "`order`"),
        ("vm", "SAA", [], "at most once"),
        ("vm", "UA", [], "st_zh_en.*on none"),
        ("vm", "EAS", [], "asr_en.*twice"),
        ("custom", "", [], "needs `levels`"),
        ("custom", "", [["asr_*"], []], "none of them empty"),
        ("custom", "", ["asr_*"], "needs `levels`"),
        ("custom", "", [["st_*", 1], ["asr_*"]], "needs `levels`"),
        ("custom", "", [["asr_*"]], "st_zh_en.*on none"),
        ("custom", "", [["asr_*", "st_*"], ["asr_en"]], "asr_en.*twice"),
        ("custom", "", [["asr_ru"]], "asr_ru.*matches no objective"),
    ],
)
def test_levels_that_place_no_partition_are_refused(soup, order, levels, said):
    with pytest.raises(ValueError, match=said):
        arrange_levels(soup, OBJECTIVES, LETTERS, order, levels)

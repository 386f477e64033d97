"""Codes of languages with scripts and regions, alone and in pairs."""

import pytest

from espnet_soups.objectives.language_codes import (
    first_part,
    split_pair,
    split_pairs,
    writes_spaces,
)
from espnet_soups.objectives.registry import declared_objectives, parse_objective
from espnet_soups.objectives.run import read_run

SPACED = ["en_us", "pt_BR", "sv-SE", "es_419", "ko_kr", "ca_valencia", "zh_Latn_tw", "rm-sursilv"]
UNSPACED = ["zh_cn", "zh-TW", "cmn_hans", "cmn_hans_cn", "yue_hant_hk", "ja_jp", "jpn_Jpan", "th"]
UNSPACED += ["th_th", "lo_la", "km_kh", "my_mm", "my", "zho_Hans", "nan-tw", "ZH"]


def test_a_region_or_a_script_does_not_change_whether_words_are_spaced():
    assert [code for code in SPACED if not writes_spaces(code)] == []
    assert [code for code in UNSPACED if writes_spaces(code)] == []
    assert first_part("yue_hant_hk") == "yue"


@pytest.mark.parametrize(
    ("pair", "known", "read"),
    [
        ("fr_en", [], ("fr", "en")),
        ("zh-TW_en", [], ("zh-TW", "en")),
        ("en_us_fr", ["en_us", "fr"], ("en_us", "fr")),
        ("en_us_fr", ["en_us"], ("en_us", "fr")),
        ("en_zh_cn", ["en"], ("en", "zh_cn")),
        ("zh_cn_en", ["en"], ("zh_cn", "en")),
        ("ca_es_fr", ["ca_es", "es", "fr"], ("ca_es", "fr")),
        ("pt_BR_en", [], ("pt_BR", "en")),
        ("en_pt_BR", [], ("en", "pt_BR")),
        ("cmn_hans_en", [], ("cmn_hans", "en")),
        ("en_us_pt_br", [], ("en_us", "pt_br")),
        ("fr_fr_cmn_hans_cn", [], ("fr_fr", "cmn_hans_cn")),
        ("en_us_fr", [], ("en_us", "fr")),
        ("en_pt_br", [], ("en", "pt_br")),
        ("pt_br_en", [], ("pt_br", "en")),
        ("ca_es_fr", [], ("ca_es", "fr")),
        ("cmn_hans_cn_en", [], ("cmn_hans_cn", "en")),
        ("en_us_fr", ["en", "us_fr"], ("en", "us_fr")),
    ],
)
def test_a_pair_of_codes_with_underscores_is_read_as_the_run_has_them(pair, known, read):
    assert split_pair(pair, known) == read


@pytest.mark.parametrize("pair", ["fr_ca_es", "kam_ke_en", "x1_y1_z1"])
def test_a_pair_that_can_be_read_in_several_ways_is_refused(pair):
    first, second, third = pair.split("_")
    said = f"'{pair}' can be read as {first} into {second}_{third} or {first}_{second} into {third}"
    with pytest.raises(ValueError, match=rf"{said}: name the languages .* by `--asr_langs`"):
        read_run({"asr_langs": f"{first} {third}", "st_pairs": pair})
    run = read_run({"languages": f"{first}_{second}", "st_pairs": pair})
    assert run.objectives[0].target == third


def test_pairs_that_are_clear_say_how_to_read_others():
    assert split_pairs(["en_kam_ke", "fr_en"]) == [("en", "kam_ke"), ("fr", "en")]


def test_token_lists_and_objectives_of_a_run_read_pairs_alike():
    run = read_run({"st_pairs": "ca_es_fr fr_ca_es", "languages": "ca_es fr"})
    assert [(o.language, o.target) for o in run.objectives] == [("ca_es", "fr"), ("fr", "ca_es")]
    assert list(run.own["st_token_list"]) == ["ca_es", "fr"]
    assert [vocabulary.folder.parts[1] for vocabulary in run.vocabularies()] == [
        "ca_es_token_list",
        "fr_token_list",
    ]
    options = {"st_pairs": run.own["st_pairs"], "st_token_list": {"ca_es": "a", "fr": "b"}}
    options["languages"] = list(run.languages)
    assert declared_objectives(options) == list(run.objectives)


def test_a_name_alone_is_read_by_those_beside_it():
    assert parse_objective("st_en_us_fr").language == "en_us"
    assert parse_objective("st_fr_ca_es", ["asr_fr_ca", "cls_gender"]).language == "fr_ca"
    assert parse_objective("st_en_kam_ke", ["st_en_kam_ke", "st_de_en"]).target == "kam_ke"
    with pytest.raises(ValueError, match="can be read as kam into ke_en or kam_ke into en"):
        parse_objective("st_kam_ke_en")


def test_a_language_with_a_dot_is_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"no dot.*'asr_fr.ca': write - or _ instead"):
        read_run({"asr_langs": "fr.ca"})


def test_languages_in_characters_are_named_with_or_without_their_region():
    words = {"asr_langs": "zh_cn zh-TW en", "asr_token_type": "bpe"}
    for named, single in (("zh", 2), ("zh_cn", 1), ("en_us", 0)):
        run = read_run({**words, "asr_char_langs": named})
        folders = [vocabulary.folder.name for vocabulary in run.vocabularies()]
        assert folders.count("asr_bpe_char") == single

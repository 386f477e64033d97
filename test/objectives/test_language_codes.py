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
    ],
)
def test_a_pair_of_codes_with_underscores_is_read_as_the_run_has_them(pair, known, read):
    assert split_pair(pair, known) == read


def test_a_pair_that_can_be_read_in_several_ways_is_refused():
    with pytest.raises(ValueError, match=r"'ca_es_fr' can be read as ca into es_fr or ca_es into"):
        split_pair("ca_es_fr")
    with pytest.raises(ValueError, match=r"name the languages that are spoken, by `--asr_langs`"):
        read_run({"asr_langs": "en fr", "st_pairs": "en_us_fr"})


def test_pairs_that_are_clear_say_how_to_read_others():
    assert split_pairs(["en_pt_br", "fr_en"]) == [("en", "pt_br"), ("fr", "en")]


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
    assert parse_objective("st_en_us_fr", ["asr_en_us"]).target == "fr"
    assert parse_objective("st_en_us_fr", ["asr_en", "cls_gender"]).target == "us_fr"
    assert parse_objective("st_en_us_fr", ["st_en_us_fr", "st_de_fr"]).language == "en_us"
    with pytest.raises(ValueError, match="can be read as en into us_fr or en_us into fr"):
        parse_objective("st_en_us_fr")


def test_a_language_with_a_dot_is_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"no dot.*'asr_fr.ca': write - or _ instead"):
        read_run({"asr_langs": "fr.ca"})


def test_languages_in_characters_are_named_with_or_without_their_region():
    words = {"asr_langs": "zh_cn zh-TW en", "asr_token_type": "bpe"}
    for named, single in (("zh", 2), ("zh_cn", 1), ("en_us", 0)):
        run = read_run({**words, "asr_char_langs": named})
        folders = [vocabulary.folder.name for vocabulary in run.vocabularies()]
        assert folders.count("asr_bpe_char") == single

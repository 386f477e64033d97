"""Data dirs written as utterances come, and joined."""

from dataclasses import replace
from pathlib import Path

import pytest

from espnet_soups.data.combine import combine_data_dirs
from espnet_soups.data.data_dir import read_data_dir
from espnet_soups.data.utterance import Utterance, write_set

FRENCH = [
    Utterance("fr_a-1", "fr_a", "fr", "/a/1.flac", "un", {"en": "one"}),
    Utterance("fr_a-2", "fr_a", "fr", "/a/2.flac", "", {"en": ""}),
    Utterance("fr_b-1", "fr_b", "fr", "/b/1.flac", "trois", {}),
]
CHINESE = [Utterance("zh_S1-1", "zh_S1", "zh", "/z/1.wav", "一", gender="f")]


def test_a_set_reads_back_as_it_was_given_with_na_for_what_is_missing(tmp_path: Path):
    assert write_set(tmp_path / "train", iter(FRENCH), ["en"]) == {"fr": 3}
    data = read_data_dir(tmp_path / "train")
    assert data.labels["text"] == {"fr_a-1": "un", "fr_a-2": "<na>", "fr_b-1": "trois"}
    assert data.labels["text.en"] == {"fr_a-1": "one", "fr_a-2": "<na>", "fr_b-1": "<na>"}
    assert data.audio["fr_b-1"] == "/b/1.flac"
    assert (tmp_path / "train" / "spk2utt").read_text() == "fr_a fr_a-1 fr_a-2\nfr_b fr_b-1\n"
    assert not (tmp_path / "train" / "utt2gender").exists()


@pytest.mark.parametrize(
    ("utterances", "message"),
    [
        ([FRENCH[1], FRENCH[0]], "fr_a-1 comes after fr_a-2"),
        ([FRENCH[0], FRENCH[0]], "fr_a-1 comes after fr_a-1"),
        ([*FRENCH, replace(FRENCH[0], key="fr_c-1")], "speaker fr_a of fr_c-1 occurs twice"),
        ([], "There is no utterance"),
    ],
)
def test_a_set_out_of_order_leaves_nothing_behind(tmp_path: Path, utterances, message):
    with pytest.raises(ValueError, match=message):
        write_set(tmp_path, iter(utterances), ["en"])
    assert list(tmp_path.iterdir()) == []


def test_sets_of_two_corpora_are_joined_in_order_with_na(tmp_path: Path):
    write_set(tmp_path / "zh", iter(CHINESE), genders=True)
    write_set(tmp_path / "fr", iter(FRENCH), ["en"])
    assert combine_data_dirs([tmp_path / "zh", tmp_path / "fr"], tmp_path / "all") == 4
    data = read_data_dir(tmp_path / "all")
    assert list(data.audio) == ["fr_a-1", "fr_a-2", "fr_b-1", "zh_S1-1"]
    assert data.labels["text.en"]["zh_S1-1"] == "<na>"
    genders = (tmp_path / "all" / "utt2gender").read_text().splitlines()
    assert genders == ["fr_a-1 <na>", "fr_a-2 <na>", "fr_b-1 <na>", "zh_S1-1 f"]
    speakers = (tmp_path / "all" / "spk2gender").read_text().splitlines()
    assert speakers == ["fr_a <na>", "fr_b <na>", "zh_S1 f"]


def test_groups_outlive_the_joining_and_an_utterance_without_one_stands_alone(tmp_path: Path):
    write_set(tmp_path / "zh", iter(CHINESE))
    write_set(tmp_path / "fr", iter(FRENCH))
    sources = [tmp_path / "zh", tmp_path / "fr"]
    combine_data_dirs(sources, tmp_path / "none")
    assert not (tmp_path / "none" / "utt2group").exists()
    (tmp_path / "fr" / "utt2group").write_text("fr_a-1 hello\nfr_a-2 bye\nfr_b-1 hello\n")
    combine_data_dirs(sources, tmp_path / "all")
    groups = {"fr_a-1": "hello", "fr_a-2": "bye", "fr_b-1": "hello", "zh_S1-1": "zh_S1-1"}
    assert read_data_dir(tmp_path / "all").groups == groups


def test_an_id_in_two_corpora_is_refused(tmp_path: Path):
    write_set(tmp_path / "one", iter(FRENCH))
    with pytest.raises(ValueError, match="fr_a-1 comes after fr_a-1"):
        combine_data_dirs([tmp_path / "one", tmp_path / "one"], tmp_path / "all")


def test_translations_of_an_earlier_set_do_not_stay(tmp_path: Path):
    write_set(tmp_path / "fr", FRENCH, ["de"])
    write_set(tmp_path / "all", CHINESE, ["de"])
    write_set(tmp_path / "fr", FRENCH, ["en"])
    write_set(tmp_path / "zh", CHINESE)
    combine_data_dirs([tmp_path / "fr", tmp_path / "zh"], tmp_path / "all")
    for name in ("fr", "all"):
        assert list(read_data_dir(tmp_path / name).labels) == ["text", "text.en"]

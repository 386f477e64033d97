"""The lists of the corpora: nothing that occurs twice is lost in silence, and damage is named."""

import gzip
import logging

import pytest

from espnet_soups.data.corpora import aishell, asterisk, librispeech
from espnet_soups.data.corpora.covost2_join import ClipStore

TRANSCRIPTS = "dev-clean/84/121/84-121.trans.txt"


def read_librispeech(folder):
    return list(librispeech.read_librispeech(folder, ["dev-clean"]))


READERS = {
    "aishell_transcript_v0.8.txt": lambda path: aishell.read_transcripts(path),
    "speaker.info": lambda path: aishell.read_genders(path),
    "SPEAKERS.TXT": lambda path: librispeech.read_genders(path),
    TRANSCRIPTS: lambda path: read_librispeech(path.parents[3]),
}
ROWS = {
    "aishell_transcript_v0.8.txt": ("BAC009S0002W0122 而 对", "BAC009S0002W0122 楼 市"),
    "speaker.info": ("0002 F", "S0002 M"),
    "SPEAKERS.TXT": ("84 | F | dev-clean | 8 | A", "84 | M | dev-clean | 8 | A"),
    TRANSCRIPTS: ("84-121-0000 GO ON", "84-121-0000 STOP"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_key_that_comes_twice_with_other_values_is_refused_and_alike_it_is_not(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name == TRANSCRIPTS:
        (tmp_path / "SPEAKERS.TXT").write_text(ROWS["SPEAKERS.TXT"][0])
    first, second = ROWS[name]
    path.write_text(f"{first}\n{first}\n", encoding="utf-8")
    READERS[name](path)
    path.write_text(f"{first}\n{second}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{path.name}:2: \S+ occurs twice, as .* keep one of"):
        READERS[name](path)


@pytest.mark.parametrize("name", [name for name in READERS if name != "SPEAKERS.TXT"])
def test_a_list_that_is_not_utf8_is_named_with_its_line(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "SPEAKERS.TXT").write_text(ROWS["SPEAKERS.TXT"][0])
    path.write_bytes(ROWS[name][0].encode() + b"\n\xff F\n")
    with pytest.raises(ValueError, match=rf"{path.name}:2: the line is not UTF-8"):
        READERS[name](path)


def test_of_two_texts_of_a_prompt_the_first_counts_and_the_other_is_told(tmp_path, caplog):
    path = tmp_path / "core-sounds-es.txt"
    path.write_text("digits/0: cero\ndigits/0: diez\ndigits/1: uno\ndigits/1: uno\n")
    with caplog.at_level(logging.WARNING):
        assert asterisk.read_texts(tmp_path, "es") == {"digits/0": "cero", "digits/1": "uno"}
    [told] = caplog.messages
    assert told == f"{path}:2: digits/0 occurs again, and 'diez' is not used: its text is 'cero'"


@pytest.mark.parametrize("damage", [slice(30), slice(2, None)])
def test_a_damaged_list_of_prompts_is_named(tmp_path, damage):
    packed = gzip.compress(b"digits/1: un\nvm: deux\n")
    (tmp_path / "core-sounds-fr.txt.gz").write_bytes(packed[damage])
    with pytest.raises(ValueError, match=r"core-sounds-fr\.txt\.gz is damaged, or not a gzip file"):
        asterisk.read_texts(tmp_path, "fr")


def test_a_prompt_that_is_no_audio_is_left_out_with_the_reason(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no audio")
    assert asterisk.misfit(tmp_path / "a.wav", "text").startswith("cannot be read: ")


def test_a_clip_that_is_twice_among_the_validated_ones_is_counted(tmp_path):
    (tmp_path / "fr_en.tsv").write_text("path\ttranslation\tsplit\nc_1.mp3\tyes\ttrain\n")
    rows = ["client_id\tpath\tsentence", "x\tc_1.mp3\toui", "y\tc_1.mp3\tnon", "y\tc_2.mp3\tnon"]
    (tmp_path / "validated.tsv").write_text("\n".join(rows))
    store = ClipStore(tmp_path / "clips.sqlite", "fr")
    report = store.join({"fr_en": tmp_path / "fr_en.tsv"}, tmp_path / "validated.tsv")
    [clip] = store.utterances("train", ["en"])
    assert (report.repeated, clip.text) == (1, "oui")
    store.close()

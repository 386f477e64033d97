"""AISHELL-1 on a miniature of its layout, nested archives included."""

import tarfile

import pytest

from espnet_soups.bin.prepare_aishell import main
from espnet_soups.data.corpora.aishell import (
    find_aishell,
    read_aishell,
    read_genders,
    unpack_speakers,
)
from espnet_soups.testing.miniature_corpora import write_aishell

SPEAKERS = {
    "train": {"S0002": "F", "S0003": "M"},
    "dev": {"S0724": "F"},
    "test": {"S0764": "M"},
}
TEXTS = ["而  对 楼市", "ａｂｃ 的 k 歌"]


def test_nested_archives_are_unpacked_and_texts_written_without_spaces(tmp_path, caplog):
    write_aishell(tmp_path / "corpora", SPEAKERS, TEXTS)
    main(["--corpus", str(tmp_path / "corpora"), "--data", str(tmp_path / "zh")])
    assert (tmp_path / "zh" / "train" / "text").read_text(encoding="utf-8") == (
        "zh_S0002-BAC009S0002W0000 而对楼市\nzh_S0002-BAC009S0002W0001 ABC的K歌\n"
        "zh_S0003-BAC009S0003W0000 而对楼市\nzh_S0003-BAC009S0003W0001 ABC的K歌\n"
    )  # recordings without a transcript are left out
    assert (tmp_path / "zh" / "train" / "spk2gender").read_text() == "zh_S0002 f\nzh_S0003 m\n"
    assert "AISHELL-1, test: 2 utterances, but officially 7,176" in caplog.text


def test_unpacking_goes_on_where_it_was_interrupted(tmp_path):
    corpus = write_aishell(tmp_path, SPEAKERS, TEXTS)
    assert unpack_speakers(corpus) == 4
    assert unpack_speakers(corpus) == 0
    (corpus / "wav" / "train" / "S0003" / "BAC009S0003W0001.wav").unlink()  # cut short
    for path in (corpus / "wav" / "dev").rglob("*.wav"):
        path.unlink()
    kept = corpus / "wav" / "train" / "S0002" / "BAC009S0002W0000.wav"
    before = kept.stat().st_ino
    assert unpack_speakers(corpus) == 2
    assert kept.stat().st_ino == before
    assert len(list(corpus.glob("wav/*/*/*.wav"))) == 4 * 3
    assert not list(corpus.glob("wav/.*partial"))


@pytest.mark.parametrize("home", [".", "aishell"])
def test_the_corpus_is_found_in_each_layout_and_archives_are_unpacked(tmp_path, home):
    made = write_aishell(tmp_path / "made", SPEAKERS, TEXTS, nested=False).parent
    folder = tmp_path / "root" / home
    folder.mkdir(parents=True)
    for name in ("data_aishell", "resource_aishell"):
        with tarfile.open(folder / f"{name}.tgz", "w:gz") as tar:
            tar.add(made / name, arcname=name)
    corpus, resources = find_aishell(tmp_path / "root", download=False)
    assert len(list(read_aishell(corpus, resources, "dev"))) == 2
    assert find_aishell(corpus, download=False) == (corpus, resources)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"data_aishell \(15\.6 GB\), resource_aishell"):
        find_aishell(tmp_path, download=False)
    corpus = write_aishell(tmp_path, SPEAKERS, TEXTS, nested=False)
    with pytest.raises(FileNotFoundError, match=r"wav/eval is missing"):
        list(read_aishell(corpus, tmp_path / "resource_aishell", "eval"))


def test_speakers_are_known_with_or_without_their_letter(tmp_path):
    (tmp_path / "speaker.info").write_text("0002 F\nS0003 M extra\n\n")
    assert read_genders(tmp_path / "speaker.info") == {"S0002": "f", "S0003": "m"}
    (tmp_path / "speaker.info").write_text("0002 unknown\n")
    with pytest.raises(ValueError, match=r"speaker\.info:1: expected"):
        read_genders(tmp_path / "speaker.info")


def test_a_broken_archive_of_a_speaker_is_named(tmp_path):
    corpus = write_aishell(tmp_path, SPEAKERS, TEXTS)
    (corpus / "wav" / "S0002.tar.gz").write_bytes(b"cut")
    with pytest.raises(OSError, match=r"S0002\.tar\.gz cannot be unpacked"):
        unpack_speakers(corpus)


@pytest.mark.parametrize(
    "name", ["data_aishell/transcript/aishell_transcript_v0.8.txt", "resource_aishell/speaker.info"]
)
def test_a_file_that_is_gone_is_named_with_its_archive(tmp_path, name):
    corpus = write_aishell(tmp_path, SPEAKERS, TEXTS, nested=False)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name} is missing: unpack \w+_aishell\.tgz"):
        list(read_aishell(corpus, tmp_path / "resource_aishell", "dev"))


def test_to_find_the_corpus_is_not_to_prepare_it(tmp_path):
    write_aishell(tmp_path, SPEAKERS, TEXTS)
    main(["--corpus", str(tmp_path), "--data", str(tmp_path / "zh"), "--only_find", "true"])
    assert not (tmp_path / "zh").exists()
    assert (tmp_path / "data_aishell" / "wav" / "train" / "S0003").is_dir()

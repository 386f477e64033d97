"""LibriSpeech on a miniature of its layout."""

import logging
import shutil
import tarfile

import pytest

from espnet_soups.bin.prepare_librispeech import main
from espnet_soups.data.corpora.librispeech import find_librispeech, read_genders, read_librispeech
from espnet_soups.testing.miniature_corpora import write_librispeech

SPEAKERS = {
    "train-clean-100": {"19": "F", "198": "M"},
    "dev-clean": {"84": "F"},
    "dev-other": {"116": "M"},
    "test-clean": {"61": "M"},
    "test-other": {"367": "F"},
}


@pytest.fixture
def corpus(tmp_path):
    return write_librispeech(tmp_path / "corpora", SPEAKERS)


def test_the_command_writes_the_sets_with_genders(corpus, tmp_path, capsys, caplog):
    main(["--corpus", str(corpus.parent), "--data", str(tmp_path / "en")])
    text = (tmp_path / "en" / "train" / "text").read_text().splitlines()
    assert text[0] == "en_19-197-0000 IT'S LINE A OF THE BOOK"
    assert [line.split("-")[0] for line in text] == ["en_19", "en_19", "en_198", "en_198"]
    assert (tmp_path / "en" / "dev" / "spk2gender").read_text() == "en_116 m\nen_84 f\n"
    assert (tmp_path / "en" / "test_other" / "utt2gender").read_text().count(" f\n") == 2
    assert "test_clean: 2 utterances" in capsys.readouterr().out
    assert "LibriSpeech, train: 4 utterances, but officially 28,539" in caplog.text


def test_archives_beside_the_corpus_are_unpacked_without_touching_other_subsets(tmp_path):
    made = write_librispeech(tmp_path / "made", {"dev-clean": {"84": "F"}})
    with tarfile.open(tmp_path / "dev-clean.tar.gz", "w:gz") as tar:
        tar.add(made, arcname="LibriSpeech")
    (tmp_path / "LibriSpeech" / "dev-other" / "116" / "1167").mkdir(parents=True)
    folder = find_librispeech(tmp_path, ["dev-clean", "dev-other"], download=False)
    assert len(list(read_librispeech(folder, ["dev-clean"]))) == 2
    assert (folder / "dev-other").is_dir()


def test_the_folder_of_the_corpus_itself_may_be_named(corpus):
    assert find_librispeech(corpus, list(SPEAKERS), download=False) == corpus


def test_missing_subsets_are_listed_with_their_sizes(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-clean-360 \(23.0 GB\).*openslr\.org/12"):
        find_librispeech(tmp_path, ["dev-clean", "train-clean-360"], download=False)
    with pytest.raises(ValueError, match=r"but got \['dev'\]"):
        find_librispeech(tmp_path, ["dev"], download=False)


def test_a_bar_in_a_name_does_no_harm_and_an_odd_sex_is_named(tmp_path):
    path = tmp_path / "SPEAKERS.TXT"
    path.write_bytes(b"; x | y\n60 | M | train-clean-100 | 20.18 | S | \xe9\n\n")
    assert read_genders(path) == {"60": "m"}
    path.write_text("60 | X | train-clean-100 | 20.18 | S\n")
    with pytest.raises(ValueError, match=r"SPEAKERS\.TXT:1: expected"):
        read_genders(path)


def test_recordings_and_transcripts_without_each_other_are_counted(corpus, caplog):
    chapter = corpus / "test-clean" / "61" / "617"
    (chapter / "61-617-0000.flac").unlink()
    (chapter / "61-617-0009.flac").touch()
    with caplog.at_level(logging.WARNING):
        found = list(read_librispeech(corpus, ["test-clean"]))
    assert [item.key for item in found] == ["en_61-617-0001"]
    assert "1 transcripts have no recording, 1 recordings no transcript" in caplog.text


def test_an_empty_folder_of_a_subset_is_no_subset(corpus):
    shutil.rmtree(corpus / "dev-clean" / "84")
    with pytest.raises(FileNotFoundError, match=r"has no dev-clean \(0.34 GB\)"):
        find_librispeech(corpus.parent, list(SPEAKERS), download=False)


@pytest.mark.parametrize("name", ["SPEAKERS.TXT", "dev-clean/84/847/84-847.trans.txt"])
def test_a_file_that_is_gone_is_named_with_the_archive_that_holds_it(corpus, name):
    (corpus / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name} is missing: .*archive"):
        list(read_librispeech(corpus, ["dev-clean"]))


def test_to_find_the_corpus_is_not_to_prepare_it(corpus, tmp_path):
    words = ["--corpus", str(corpus.parent), "--data", str(tmp_path / "en")]
    main([*words, "--only_find", "true"])
    assert not (tmp_path / "en").exists()

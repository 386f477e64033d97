"""Data dirs: round trip, and errors that name files and keys."""

import pytest

from espnet_soups.data.combine import combine_data_dirs
from espnet_soups.data.data_dir import read_data_dir


def test_a_data_dir_has_every_table_and_spk2utt(data_dir):
    assert set(data_dir.labels) == {"text", "text.en"}
    assert (data_dir.path / "spk2utt").read_text() == (
        "en_a en_a-one en_a-two\nfr_b fr_b-one fr_b-two\n"
    )


def test_keys_that_differ_are_named_with_both_files(data_dir):
    path = data_dir.path / "text"
    path.write_text(path.read_text().replace("fr_b-two", "fr_b-three"))
    with pytest.raises(ValueError, match=r"wav\.scp \(first: fr_b-two\).*text \(first: fr_b-three"):
        read_data_dir(data_dir.path)


def test_both_files_are_named_where_one_lacks_keys(data_dir):
    path = data_dir.path / "text.en"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    said = (
        r"ids of \S+/wav\.scp and \S+/text\.en differ: 1 only in \S+/wav\.scp \(first: en_a-one\)"
    )
    with pytest.raises(ValueError, match=said):
        read_data_dir(data_dir.path)


def test_a_missing_file_is_named(data_dir):
    (data_dir.path / "utt2lang").unlink()
    with pytest.raises(FileNotFoundError, match="has no utt2lang"):
        read_data_dir(data_dir.path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no data dir"):
        read_data_dir(tmp_path / "nowhere")


def test_keep_keeps_all_tables_together(data_dir):
    kept = data_dir.keep(["fr_b-one"])
    assert list(kept.audio) == list(kept.languages) == list(kept.labels["text.en"]) == ["fr_b-one"]


@pytest.mark.parametrize("name", ["segments", "reco2file_and_channel"])
def test_utterances_that_are_parts_of_files_are_refused_by_the_name_of_the_table(data_dir, name):
    (data_dir.path / name).write_text("en_a-one en_a-one 0.0 0.1\n")
    with pytest.raises(ValueError, match=f"has `{name}`, but it is not read: every line of `wav"):
        read_data_dir(data_dir.path)
    with pytest.raises(ValueError, match=f"has `{name}`"):
        combine_data_dirs([data_dir.path], data_dir.path.parent / "all")

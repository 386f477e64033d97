"""Lengths and shapes are whole numbers, or the file and the utterance are named."""

import pytest

from espnet_soups.data.lengths import read_lengths, read_shapes


def test_lengths_and_shapes_are_read(tmp_path):
    (tmp_path / "a").write_text("b 12\na 3\n")
    assert read_lengths(tmp_path / "a") == {"b": 12, "a": 3}
    (tmp_path / "a").write_text("b 12,40\na 3,40\n")
    assert list(read_shapes(tmp_path / "a").items()) == [("b", [12, 40]), ("a", [3, 40])]
    with pytest.raises(ValueError, match=r"a: b must have one number, but has several"):
        read_lengths(tmp_path / "a")


@pytest.mark.parametrize("value", ["x", "1.5", "-3", "3,", "٣", "9" * 20, "1e3", "nan"])
def test_what_is_no_length_is_named(tmp_path, value):
    (tmp_path / "utt2num_frames").write_text(f"b {value}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"utt2num_frames: b (must have whole|cannot be as long)"):
        read_lengths(tmp_path / "utt2num_frames")

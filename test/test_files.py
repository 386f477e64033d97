"""Tables: what is written is read back, and what is wrong is named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.files import read_table, write_table, write_text

KEYS = st.text("abcz09-_", min_size=1, max_size=8)
VALUES = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters=" "), min_size=1
)


@given(table=st.dictionaries(KEYS, VALUES, min_size=1, max_size=8))
def test_a_table_is_read_back_as_it_was_written(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("table") / "text"
    write_table(path, table)
    assert read_table(path) == table
    assert list(read_table(path)) == sorted(table)


def test_a_line_separator_of_unicode_ends_no_line(tmp_path: Path):
    write_table(tmp_path / "text", {"a": "one\u2028two", "b": "three"})
    assert read_table(tmp_path / "text")["a"] == "one\u2028two"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a one\na two\n", r"text:2: utterance id a comes twice"),
        (b"a one\n\nb two\n", r"text:2: the line is empty"),
        (b"a one\nb\n", r"text:2: b has no value"),
        (b"a one\nb \xff\xfe\n", r"text:2: the line is not UTF-8"),
        (b"a\tone\n", r"text:1: a tab stands where a space"),
        (b"", r"text is empty"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, content, message):
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "text")


def test_an_empty_value_can_be_allowed(tmp_path: Path):
    (tmp_path / "text").write_text("a\nb two\n")
    assert read_table(tmp_path / "text", allow_empty=True) == {"a": "", "b": "two"}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "text"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")  # half a surrogate pair
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

"""Disk formats: what is written is read back, and what is wrong is named."""

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.files import (
    read_json,
    read_json_lines,
    read_table,
    read_texts,
    read_yaml,
    whole_file,
    write_json,
    write_json_lines,
    write_table,
    write_text,
)

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
        (b"a one\n\xef\xbb\xbfb two\n", r"text:2: a byte order mark \(BOM\) stands before the id"),
        ("a é\n".encode("utf-16"), r"text is UTF-16, but must be UTF-8: .*`iconv -f UTF-16"),
        (b"", r"text is empty"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, content, message):
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "text")


def test_a_byte_order_mark_at_the_beginning_is_no_part_of_what_follows(tmp_path: Path):
    path = tmp_path / "a"
    for content, read in (("k v\n", read_table), ("k v\n", read_texts)):
        path.write_bytes(codecs.BOM_UTF8 + content.encode())
        assert read(path) == {"k": "v"}
    path.write_bytes(codecs.BOM_UTF8 + b'{"k": 1}\n')
    assert read_yaml(path, "x") == read_json(path, "x") == {"k": 1}
    assert read_json_lines(path, "x") == [{"k": 1}]


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


def test_texts_have_single_spaces_and_may_be_empty(tmp_path: Path):
    path = tmp_path / "text"
    path.write_bytes("a  one\t two\u2028three \nb\n".encode())
    assert read_texts(path) == {"a": "one two three", "b": ""}
    path.write_bytes(b"")
    assert read_texts(path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a un\nb \xff\n", r"text, line 2 is not UTF-8 \(invalid start byte at byte 3\)"),
        (b"a un\n\nb deux\n", "text, line 2 is empty"),
        (b"a un\na deux\n", "text, line 2 repeats the key a"),
        (None, "text is missing; the stage"),
    ],
)
def test_what_is_wrong_with_texts_is_named_with_file_and_line(tmp_path: Path, content, message):
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_texts(tmp_path / "text")


def test_yaml_is_a_mapping_and_an_empty_file_an_empty_one(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text("lr: 0.1\nlanguages: [fr, é]\n", encoding="utf-8")
    assert read_yaml(path, "the configuration") == {"lr": 0.1, "languages": ["fr", "é"]}
    path.write_text("# nothing\n")
    assert read_yaml(path, "the configuration") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: @x\n", r"a\.yaml:2 is not valid YAML: found character"),
        (b"a: 1\nb: [\n", r"a\.yaml:3 is not valid YAML: "),
        (
            b"a:\n\tb: 1\n",
            r"a\.yaml:2 is not valid YAML: .*; a tab stands before it, but YAML indents",
        ),
        ("a: é\n".encode("utf-16"), r"a\.yaml is UTF-16, but must be UTF-8"),
        (b"a: \xff\n", r"a\.yaml is not valid YAML: "),
        (b"- 1\n", r"a\.yaml must hold `key: value` lines, but holds \[1\]"),
        (None, r"a\.yaml, the grid of weights, does not exist; name an existing one"),
    ],
)
def test_what_is_wrong_with_yaml_is_named_with_file_and_line(tmp_path: Path, content, message):
    if content is not None:
        (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_yaml(tmp_path / "a.yaml", "the grid of weights")


def test_json_is_read_back_as_it_was_written(tmp_path: Path):
    path = tmp_path / "scores.json"
    write_json(path, {"text": "Zoé", "values": [1.5, None]})
    assert read_json(path, "stage 12") == {"text": "Zoé", "values": [1.5, None]}
    assert path.read_bytes().startswith('{\n "text": "Zoé",\n'.encode())
    write_json_lines(path, [{"epoch": 1}, {"name": "é"}])
    assert path.read_text(encoding="utf-8") == '{"epoch": 1}\n{"name": "é"}\n'
    assert read_json_lines(path, "training") == [{"epoch": 1}, {"name": "é"}]


@pytest.mark.parametrize(
    ("content", "whole", "lines"),
    [
        ("{}\n{", "x is not JSON", "x, line 2 is not JSON .*; run stage 12 anew"),
        ("[1]", r"x must hold an object, but holds \[1\]", "x, line 1 must hold an object"),
        (None, "x is missing; run stage 12 first", "x is missing; run stage 12 first"),
    ],
)
def test_what_is_wrong_with_json_is_named_with_the_way_out(tmp_path: Path, content, whole, lines):
    if content is not None:
        (tmp_path / "x").write_text(content)
    for read, message in ((read_json, whole), (read_json_lines, lines)):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            read(tmp_path / "x", "stage 12")


def test_a_full_disk_is_told_with_the_file_that_was_to_be_written(tmp_path: Path):
    def write() -> None:
        with whole_file(tmp_path / "text") as part:
            part.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space") as caught:
        write()
    assert caught.value.filename == str(tmp_path / "text")
    assert list(tmp_path.iterdir()) == []

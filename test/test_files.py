"""Disk formats: what is written is read back, and what is wrong is named."""

import codecs
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.files import (
    read_json,
    read_json_lines,
    read_lines,
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
        (b"a one\na two\n", r"text:2: utterance id a occurs twice"),
        (b"a one\n\nb two\n", r"text:2: the line is empty"),
        (b"a one\nb\n", r"text:2: b has no value"),
        (b"a one\nb \xff\xfe\n", r"text:2: the line is not UTF-8"),
        (b"a\tone\n", r"text:1: there is a tab where a space"),
        (b"a one\n\xef\xbb\xbfb two\n", r"text:2: a byte order mark \(BOM\) precedes the id"),
        ("a é\n".encode("utf-16"), r"text is UTF-16, but must be UTF-8: .*`iconv -f UTF-16"),
        (b"", r"text is empty"),
        (b"a one\rb two\n", r"text:1: the line holds a carriage return"),
        ("a\u2028b one\n".encode(), r"text:1: the key 'a\\u2028b' holds white space or a control"),
        ("a\u00a0 one\n".encode(), r"text:1: the key .* holds white space"),
        (b"a\x1c one\n", r"text:1: the key .* holds white space"),
        (b"a\x00 one\n", r"text:1: the key .* control character"),
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
        (b"a un\rdeux\n", "text, line 1 holds a carriage return"),
        (b"a\x1eb un\n", "text, line 1: the key .* holds white space"),
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
            r"a\.yaml:2 is not valid YAML: .*; a tab indents the line, but YAML indents",
        ),
        ("a: é\n".encode("utf-16"), r"a\.yaml is UTF-16, but must be UTF-8"),
        (b"a: \xff\n", r"a\.yaml is not valid YAML: "),
        (b"- 1\n", r"a\.yaml must hold `key: value` lines, but holds \[1\]"),
        (None, r"a\.yaml, the grid of weights, does not exist; name an existing one"),
        (b"a: 1\nb: 2\na: 3\n", r"a\.yaml:3 is not valid YAML: the key 'a' occurs twice"),
        (b"x: {a: 1,\n  a: 1}\n", r"a\.yaml:2 is not valid YAML: the key 'a' occurs twice"),
        (b"a: 2025-13-01\n", r"a\.yaml:1 is not valid YAML: a value that cannot be .month"),
        (b"a: " + b"9" * 400, r"a\.yaml:1 is not valid YAML: .*more than 300 digits"),
        (b"a: &a [*a]\n", r"a\.yaml:1 is not valid YAML: an alias of itself"),
        (b"a: " + b"[" * 200 + b"]" * 200, r"a\.yaml:1 is not valid YAML: more than 100 levels"),
        (b"no: 1\n", r"a\.yaml: the key False is not a text; write it in quotes"),
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


def test_yaml_does_not_grow_without_end_by_aliases_of_aliases(tmp_path: Path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(9):
        lines.append(f"a{number + 1}: &a{number + 1} [{', '.join([f'*a{number}'] * 10)}]")
    (tmp_path / "a.yaml").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"a\.yaml:1 .* by aliases of aliases"):
        read_yaml(tmp_path / "a.yaml", "it")


def test_yaml_may_merge_and_share_values(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n")
    found = read_yaml(tmp_path / "a.yaml", "it")
    assert found == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"epoch": 1, "loss": {}, "epoch": 2}', "the key 'epoch' occurs twice"),
        (b'{"epoch": "1", "loss": {}}', "`epoch` must be a whole number, but is '1'"),
        (b'{"epoch": true, "loss": {}}', "`epoch` must be a whole number, but is True"),
        (b'{"epoch": 1}', "it lacks `loss`"),
        (b'{"epoch": 1, "loss": {"a": 1e999}}', "`loss` must be a mapping of a text to a finite"),
        (b'{"epoch": 1, "loss": {}, "rows": [{}, 3]}', r"`rows\[1\]` must map names to values"),
        (b"[" * 100_000, "x is not JSON"),
        (b'{"epoch": ' + b"9" * 400 + b"}", "a whole number of 400 digits"),
        (b'{"a": "\xed\xa0\x80"}', "x is not JSON"),
    ],
)
def test_json_of_another_shape_is_refused_with_its_key(tmp_path: Path, content, said):
    (tmp_path / "x").write_bytes(content)
    shape = {"epoch": int, "loss": dict[str, float | None], "rows?": [{"a?": str}]}
    with pytest.raises(ValueError, match=rf"x .*{said}|{said}") as refused:
        read_json(tmp_path / "x", "stage 12", shape)
    assert str(tmp_path / "x") in str(refused.value)
    (tmp_path / "x").write_text('{"epoch": 1, "loss": {"a": null, "b": 2}, "rows": null, "z": 3}')
    assert read_json(tmp_path / "x", "stage 12", shape)["epoch"] == 1


@pytest.mark.parametrize("damage", [slice(20), slice(5, None), slice(0)])
def test_a_damaged_gzip_file_is_named(tmp_path: Path, damage: slice):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"un\ndeux\n" * 50)[damage])
    with pytest.raises(ValueError, match=r"a\.txt\.gz is damaged, or not a gzip file"):
        list(read_lines(tmp_path / "a.txt.gz"))


def test_lines_of_a_gzip_file_are_those_of_the_plain_one(tmp_path: Path):
    content = "un\r\ndeux\u2028x\n\nquatre".encode()
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(content))
    for name in ("a.txt", "a.txt.gz"):
        assert list(read_lines(tmp_path / name)) == ["un", "deux\u2028x", "", "quatre"]

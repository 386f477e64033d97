"""Tables whose every row must survive its reader."""

from pathlib import Path

import pytest

from espnet_soups.data.corpora.tsv import read_tsv

TRAPS = [
    'he said "no',  # an unmatched quote swallows rows of a reader with quoting
    '"quoted"',
    '"',
    "NA",
    "null",
    "None",
    "nan",
    "ends in \\",  # an escape character would swallow the tab
    "a\u2028b\u0085c",  # line ends for str.splitlines
    "",
    "\u00a0",
]


def write(path: Path, rows: list[list[str]], header: str = "path\tsentence\tsplit") -> Path:
    text = "\n".join([header, *("\t".join(row) for row in rows)]) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def test_no_row_is_lost_and_no_text_changed(tmp_path):
    path = write(tmp_path / "t.tsv", [[f"{n}", text, "train"] for n, text in enumerate(TRAPS)])
    problems: list[str] = []
    rows = list(read_tsv(path, ("split", "path", "sentence"), problems))
    assert rows == [["train", f"{n}", text] for n, text in enumerate(TRAPS)]
    assert problems == []


def test_an_escaped_quote_is_a_quote_as_for_the_official_reader(tmp_path):
    path = write(tmp_path / "t.tsv", [["1", 'a \\"b\\" c', "test"]])
    assert list(read_tsv(path, ("sentence",), [])) == [['a "b" c']]


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path):
    (tmp_path / "t.tsv").write_bytes("\ufeffpath\tsentence\r\n1\tà\r\n".encode())
    assert list(read_tsv(tmp_path / "t.tsv", ("path", "sentence"), [])) == [["1", "à"]]


def test_a_row_with_too_few_or_too_many_fields_is_listed(tmp_path):
    path = write(tmp_path / "t.tsv", [["1", "a"], ["2", "b", "dev"], ["3", "c", "dev", "x"]])
    problems: list[str] = []
    assert list(read_tsv(path, ("path", "split"), problems)) == [["2", "dev"]]
    assert [line.split(": ")[1] for line in problems] == [
        "2 fields, expected 3",
        "4 fields, expected 3",
    ]


def test_an_empty_file_is_named_as_such(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"t\.tsv has no header line: unpack or fetch"):
        list(read_tsv(path, ["path"], []))


def test_a_missing_column_and_a_broken_encoding_are_named(tmp_path):
    path = write(tmp_path / "t.tsv", [])
    with pytest.raises(ValueError, match=r"\['client_id'\] is needed"):
        list(read_tsv(path, ("client_id",), []))
    path.write_bytes(b"path\tsentence\tsplit\n1\t\xe9\ttrain\n")
    with pytest.raises(ValueError, match=r"t\.tsv:2: the line is not UTF-8"):
        list(read_tsv(path, ("path",), []))

"""Tables without a dict, against ESPnet's own reader."""

import pickle
import random

import pytest
from espnet2.fileio.read_text import read_2columns_text

from espnet_soups.data.compact_table import CompactTable

LINES = [
    "a",
    "a-1 one two",
    "b  spaced ",
    "c\ttab one",
    " d begins late",
    "é-2 accent é",
    "日本 語 \u2028 x",
]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
@pytest.mark.parametrize("last", [True, False])
def test_it_has_the_lines_of_a_dict(tmp_path, end, order, last):
    lines = LINES + [f"k{n:03d} value {n}" for n in range(300)]
    lines.sort()
    if order == "shuffled":
        random.Random(0).shuffle(lines)
    path = tmp_path / "text"
    path.write_bytes((end.join(lines) + end * last).encode())
    table, expected = CompactTable(path), read_2columns_text(path)
    assert list(table) == list(expected)
    assert dict(table) == expected
    assert dict(pickle.loads(pickle.dumps(table))) == expected
    for missing in ("", "0", "k0005", "zz", "日"):
        assert missing not in table


def test_an_empty_file_has_no_lines(tmp_path):
    (tmp_path / "text").touch()
    table = CompactTable(tmp_path / "text")
    assert len(table) == 0
    assert "a" not in table


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a 1\n\nb 2\n", r"text:2: the line is empty"),
        (b"b 1\na 2\nb 3\n", r"text: b occurs twice"),
        (b"a 1\na 2\n", r"text: a occurs twice"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, content, said):
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        CompactTable(tmp_path / "text")

"""Arrays of Kaldi's archives: read where they lie, and nothing else is run or unpickled."""

import io
import pickle
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from espnet_soups.data.ark import ArrayTable, read_array

FRAMES = np.arange(12, dtype=np.float32).reshape(4, 3)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def place_of(folder: Path, array: np.ndarray, **options) -> str:
    ark, table = folder / "a.ark", io.StringIO()
    with open(ark, "wb") as file:
        kaldiio.save_ark(file, {"x": FRAMES[:1], "y": array}, scp=table, **options)
    return table.getvalue().splitlines()[1].split(" ", 1)[1]


@pytest.mark.parametrize(
    "array", [FRAMES, FRAMES[0], FRAMES.astype(np.float64), np.arange(5, dtype=np.int32)]
)
def test_what_kaldiio_writes_is_read_back(tmp_path: Path, array):
    assert np.array_equal(read_array(place_of(tmp_path, array)), array)


@pytest.mark.parametrize("method", [1, 2, 3, 4, 5, 6, 7])
def test_compressed_matrices_are_read_as_kaldiio_reads_them(tmp_path: Path, method):
    place = place_of(tmp_path, FRAMES, compression_method=method)
    assert np.array_equal(read_array(place), kaldiio.load_mat(place))


def test_a_range_of_rows_and_columns_is_cut_as_kaldi_cuts_it(tmp_path: Path):
    place = place_of(tmp_path, FRAMES)
    for cut in ("[1:2]", "[0:1,1:2]", "[,2]", "[3]"):
        assert np.array_equal(read_array(place + cut), kaldiio.load_mat(place + cut))


def test_matrices_and_vectors_of_text_are_read(tmp_path: Path):
    (tmp_path / "m").write_text(" [\n  1 2.5 \n  3 4 ]\n")
    (tmp_path / "v").write_text("[ 1 2.5 ]\n")
    assert read_array(str(tmp_path / "m")).tolist() == [[1.0, 2.5], [3.0, 4.0]]
    assert read_array(str(tmp_path / "v")).tolist() == [1.0, 2.5]


@pytest.mark.parametrize("command", ["touch {} |", "| touch {}", " touch {} | ", "-"])
def test_no_command_of_a_table_is_run(tmp_path: Path, command):
    (tmp_path / "feats.scp").write_text(f"a {command.format(tmp_path / 'made')}\n")
    with pytest.raises(ValueError, match=r"feats\.scp: a is a pipe .*not run"):
        ArrayTable(tmp_path / "feats.scp")
    with pytest.raises(ValueError, match="is a pipe"):
        read_array(command.format(tmp_path / "made"))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("before", [b"PKL", b"NPY"])
def test_no_object_of_an_ark_is_unpickled(tmp_path: Path, before):
    made = tmp_path / "made"
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(made)], dtype=object), allow_pickle=True)
    content = pickle.dumps(Bomb(made)) if before == b"PKL" else buffer.getvalue()
    size = b"" if before == b"PKL" else b"\4" + len(content).to_bytes(4, "little")
    (tmp_path / "a.ark").write_bytes(before + size + content)
    (tmp_path / "feats.scp").write_text(f"a {tmp_path / 'a.ark'}:0\n")
    with pytest.raises(ValueError, match=r"feats\.scp: a: .*a\.ark:0 holds no matrix.*not read"):
        ArrayTable(tmp_path / "feats.scp")["a"]
    assert not made.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0BFM \4\xff\xff\xff\x7f\4\xff\xff\xff\x7f",
        b"\0BFM \4\xff\xff\xff\xff\4\3\0\0\0",
        b"\0BFM \4\4\0\0\0\4\3\0\0\0short",
        b"\0BFM",
        b"\0B\4\xff\xff\xff\x7f\4",
        b"[ 1 2",
        b"[\n 1 2\n 3 ]",
        b"[ one ]",
        b"\x80\x04",
    ],
)
def test_a_damaged_ark_is_named(tmp_path: Path, content):
    (tmp_path / "a.ark").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.ark:0 "):
        read_array(f"{tmp_path / 'a.ark'}:0")
    with pytest.raises(FileNotFoundError, match=r"none\.ark does not exist"):
        read_array(f"{tmp_path / 'none.ark'}:0")

"""Archives: whole, or named as broken and nothing left behind."""

import tarfile

import numpy as np
import pytest

from espnet_soups.data.unpack import unpack


@pytest.fixture
def archive(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    (made / "file").write_bytes(np.random.default_rng(0).bytes(50_000))
    with tarfile.open(tmp_path / "corpus.tar.gz", "w:gz") as tar:
        tar.add(made, arcname="corpus")
    return tmp_path / "corpus.tar.gz"


def test_parts_replace_what_is_there(archive, tmp_path):
    (tmp_path / "corpus" / "old").mkdir(parents=True)
    assert unpack(archive, tmp_path, depth=0) == [tmp_path / "corpus"]
    assert [path.name for path in (tmp_path / "corpus").iterdir()] == ["file"]


@pytest.mark.parametrize("damage", ["cut", "empty", "html", "header", "middle", "checksum"])
def test_a_broken_archive_is_named_and_leaves_nothing(archive, tmp_path, damage):
    content = archive.read_bytes()
    middle = len(content) // 2
    broken = {
        "cut": content[:middle],
        "empty": b"",
        "html": b"<html>Please log in</html>",
        "header": content[:20] + b"\xff" * 40 + content[60:],
        "middle": content[:middle] + b"\xff" * 4000 + content[middle + 4000 :],
        "checksum": content[:-8] + b"\x00" * 8,
    }
    archive.write_bytes(broken[damage])
    target = tmp_path / "target"
    with pytest.raises(OSError, match=r"corpus\.tar\.gz cannot be unpacked .*: buy a new one\."):
        unpack(archive, target, depth=0, remedy="buy a new one")
    assert not list(target.iterdir())

"""Archives: whole, or named as broken and nothing left behind."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from espnet_soups.data import extract
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


def test_what_other_archives_have_brought_stays(archive, tmp_path):
    with tarfile.open(tmp_path / "dev.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "made", arcname="Corpus/dev")
        tar.add(tmp_path / "made" / "file", arcname="Corpus/SPEAKERS.TXT")
    (tmp_path / "Corpus" / "test").mkdir(parents=True)
    (tmp_path / "Corpus" / "SPEAKERS.TXT").write_text("of all sets")
    unpack(tmp_path / "dev.tar.gz", tmp_path, depth=1)
    assert sorted(path.name for path in (tmp_path / "Corpus").iterdir()) == [
        *("SPEAKERS.TXT", "dev", "test"),
    ]
    assert (tmp_path / "Corpus" / "SPEAKERS.TXT").read_text() == "of all sets"


def test_the_folder_of_another_corpus_is_not_replaced(archive, tmp_path):
    with tarfile.open(tmp_path / "corpus.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "made", arcname="corpus")
        tar.add(tmp_path / "made", arcname="sibling")
    (tmp_path / "sibling").mkdir()
    (tmp_path / "sibling" / "precious").touch()
    with pytest.raises(OSError, match=r"corpus\.tar\.gz cannot .*folder 'sibling' beside 'corpus'"):
        unpack(tmp_path / "corpus.tar.gz", tmp_path, depth=0)
    assert [path.name for path in (tmp_path / "sibling").iterdir()] == ["precious"]
    assert not (tmp_path / "corpus").exists()
    (tmp_path / "corpus.tar.gz").rename(tmp_path / "other.tar.gz")
    with pytest.raises(OSError, match="it holds the folder 'corpus' beside 'other', its own"):
        unpack(tmp_path / "other.tar.gz", tmp_path, depth=0)


Add = Callable[[tarfile.TarFile], None]


def add(tar: tarfile.TarFile, name: str, content: bytes = b"", **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(content))


def add_link(tar: tarfile.TarFile, name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> None:
    add(tar, name, type=kind, linkname=target)


def add_many(tar: tarfile.TarFile, number: int, *member: Any, **fields: object) -> None:
    for _ in range(number):
        add(tar, *member, **fields)


def long_chain(tar: tarfile.TarFile) -> None:
    """Lead out by links whose path is longer than the system resolves: CVE-2025-4517."""
    folder, steps, path = "d" * 247, "abcdefghijklmnop", ""
    for step in steps:
        add(tar, f"{path}{folder}", type=tarfile.DIRTYPE)
        add_link(tar, f"{path}{step}", folder)
        path += f"{folder}/"
    inner = "/".join(steps)
    add_link(tar, f"{inner}/{'l' * 254}", "../" * len(steps))
    add_link(tar, "escape", f"{inner}/{'l' * 254}/../../../out")
    add_link(tar, "flaglink", "escape/flag", kind=tarfile.LNKTYPE)
    add(tar, "flaglink", b"out")


ATTACKS: dict[str, tuple[Add, str]] = {
    "parent": (lambda tar: add(tar, "corpus/../../out", b"x"), "outside"),
    "absolute link": (lambda tar: add_link(tar, "corpus/l", "/tmp"), "leads to '/tmp'"),
    "link up": (lambda tar: add_link(tar, "corpus/l", "../.."), "leads to '../..'"),
    "hard link up": (
        lambda tar: add_link(tar, "corpus/l", "corpus/../../x", tarfile.LNKTYPE),
        "leads to",
    ),
    "behind a link": (
        lambda tar: (add_link(tar, "corpus/l", "d"), add(tar, "corpus/l/x", b"x"))[0],
        "behind a link",
    ),
    "long chain": (long_chain, r"behind a link|folders deep|leads to"),
    "deep": (lambda tar: add(tar, "corpus/" + "d/" * 500 + "x", b"x"), "folders deep"),
    "long name": (lambda tar: add(tar, "corpus/" + "n" * 2000, b"x"), "too long a name"),
    "device": (lambda tar: add(tar, "corpus/null", type=tarfile.CHRTYPE), "special file"),
    "bomb": (lambda tar: add(tar, "corpus/zeros", bytes(40_000_000)), "far more than a corpus"),
    "empty files": (
        lambda tar: add_many(tar, 6000, "corpus/x"),
        "far more than a corpus",
    ),
    "long header": (
        lambda tar: add(tar, "x", bytes(40_000_000), type=tarfile.GNUTYPE_LONGNAME),
        "far more than a corpus",
    ),
    "headers without end": (
        lambda tar: add_many(tar, 3000, "x", b"y", type=tarfile.GNUTYPE_LONGNAME),
        "recursion",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_archive_is_refused_and_nothing_lands_outside(
    tmp_path: Path, monkeypatch, attack: str
):
    monkeypatch.setattr(extract, "LEAST_LIMIT", 1 << 20)
    write, said = ATTACKS[attack]
    home = tmp_path / "home" / "downloads"
    home.mkdir(parents=True)
    with tarfile.open(home / "corpus.tar.gz", "w:gz") as tar:
        add(tar, "corpus/ok", b"ok")
        write(tar)
    with pytest.raises(OSError, match=rf"corpus\.tar\.gz cannot be unpacked \(.*({said})"):
        unpack(home / "corpus.tar.gz", home, depth=0)
    assert [path.name for path in tmp_path.rglob("*")] == ["home", "downloads", "corpus.tar.gz"]


def test_a_sparse_file_counts_as_long_as_it_is(tmp_path: Path):
    big = tmp_path / "corpus" / "big"
    big.parent.mkdir()
    with open(big, "wb") as file:
        os.truncate(file.fileno(), 1)
    with tarfile.open(tmp_path / "corpus.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        member = tar.gettarinfo(str(big), "corpus/big")
        member.pax_headers = {
            **{"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
            **{"GNU.sparse.name": "corpus/big", "GNU.sparse.realsize": str(10**12)},
        }
        content = b"1\n999999999999\n1\n".ljust(512, b"\0") + b"x"
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    with pytest.raises(OSError, match="far more than a corpus"):
        unpack(tmp_path / "corpus.tar", tmp_path, depth=0)


def test_links_inside_an_archive_are_kept(tmp_path: Path):
    with tarfile.open(tmp_path / "corpus.tar.xz", "w:xz") as tar:
        add(tar, "corpus/a", b"a")
        add_link(tar, "corpus/b", "a")
        add_link(tar, "corpus/c", "corpus/a", tarfile.LNKTYPE)
    unpack(tmp_path / "corpus.tar.xz", tmp_path, depth=0)
    assert [(tmp_path / "corpus" / name).read_bytes() for name in "abc"] == [b"a"] * 3

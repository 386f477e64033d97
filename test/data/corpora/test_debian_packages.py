"""Packages of Debian: unpacked once and whole, from a file by hand or by apt."""

import logging
import shutil
import subprocess

import pytest

from espnet_soups.data.corpora import debian_packages
from espnet_soups.data.corpora.debian_packages import fetch_package

NEEDS_DPKG = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")


def build_deb(folder, name="festvox-ru"):
    """Build a package with Debian's own tool."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share/speech.txt").write_text("a")
    control = (
        f"Package: {name}\nVersion: 9\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
    )
    (tree / "DEBIAN/control").write_text(control)
    folder.joinpath("downloads").mkdir()
    file = folder / "downloads" / f"{name}_9_all.deb"
    subprocess.run(["dpkg-deb", "-b", str(tree), str(file)], check=True, capture_output=True)
    return file


@NEEDS_DPKG
def test_a_package_put_there_by_hand_is_unpacked_once_and_told_apart_from_the_tested_one(
    tmp_path, caplog
):
    file = build_deb(tmp_path)
    with caplog.at_level(logging.WARNING):
        folder = fetch_package("festvox-ru", tmp_path / "downloads")
    assert (folder / "usr/share/speech.txt").read_text() == "a"
    [told] = caplog.messages
    assert told.startswith("festvox-ru_9_all.deb is another one than festvox-ru 0.5+dfsg-6")
    file.unlink()
    assert fetch_package("festvox-ru", tmp_path / "downloads") == folder


@NEEDS_DPKG
def test_a_broken_package_leaves_nothing_and_is_named(tmp_path):
    file = build_deb(tmp_path)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(OSError, match=r"festvox-ru could not be had: dpkg-deb cannot unpack"):
        fetch_package("festvox-ru", tmp_path / "downloads")
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == [file.name]


def test_without_apt_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match=r"no apt-get\)\. Put its file drascula_\*\.deb into"):
        fetch_package("drascula", tmp_path / "downloads")


def test_what_apt_says_is_handed_on(tmp_path, monkeypatch):
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho 'E: Unable to locate package drascula' >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    hint = r"Unable to locate package drascula \(`apt-get update` may be needed\)"
    with pytest.raises(OSError, match=hint):
        fetch_package("drascula", tmp_path / "downloads")


def test_every_package_of_the_recipe_has_a_tested_version():
    assert all(len(digest) == 64 for _, digest in debian_packages.TESTED.values())
    assert len(debian_packages.TESTED) == 5

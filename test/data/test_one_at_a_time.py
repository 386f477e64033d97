"""Runs that share a folder of downloads fill it one after the other."""

import logging
import os
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from espnet_soups.data.corpora import aishell, asterisk_download, debian_packages, librispeech
from espnet_soups.data.corpora.asterisk_download import download_prompts
from espnet_soups.data.corpora.covost2_tables import find_table
from espnet_soups.data.corpora.debian_packages import fetch_package
from espnet_soups.data.one_at_a_time import one_at_a_time
from espnet_soups.testing.miniature_corpora import write_librispeech


def both(work, *arguments):
    """Call a function from two threads at once, and return what each call returned."""
    start = Barrier(2)

    def begin():
        start.wait()
        return work(*arguments)

    with ThreadPoolExecutor(2) as threads:
        return [future.result() for future in [threads.submit(begin), threads.submit(begin)]]


def slow(function, calls):
    """Return a function that takes its time, and notes when it was called."""

    def called(*arguments, **named):
        calls.append(function.__name__)
        time.sleep(0.3)
        return function(*arguments, **named)

    return called


def unpack_a_file(file: Path, folder: Path) -> None:
    (folder / "speech.txt").write_text("a")


def test_two_runs_fetch_prompts_and_packages_once(tmp_path, monkeypatch):
    calls: list[str] = []

    def download_debs(scratch, packages):
        (scratch / f"{packages[0]}_1_all.deb").touch()
        return sorted(scratch.glob("*.deb"))

    for module in (asterisk_download, debian_packages):
        monkeypatch.setattr(module, "download_debs", slow(download_debs, calls))
        monkeypatch.setattr(module, "unpack_deb", unpack_a_file)
    both(download_prompts, tmp_path / "prompts", ["en"])
    assert (tmp_path / "prompts" / "en" / "speech.txt").is_file()
    assert both(fetch_package, "drascula", tmp_path / "debs") == [tmp_path / "debs/drascula"] * 2
    assert len(calls) == 2


def pack(archive: Path, folder: Path, name: str) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=name)


def test_two_runs_unpack_an_archive_once(tmp_path, monkeypatch):
    calls: list[str] = []
    for module in (aishell, librispeech):
        monkeypatch.setattr(module, "unpack", slow(module.unpack, calls))
    made = write_librispeech(tmp_path / "made", {"dev-clean": {"84": "F"}})
    pack(tmp_path / "dev-clean.tar.gz", made, "LibriSpeech")
    both(librispeech.find_librispeech, tmp_path, ["dev-clean"], False)
    (tmp_path / "some").mkdir()
    for name in aishell.ARCHIVES:
        pack(tmp_path / f"{name}.tgz", tmp_path / "some", name)
    both(aishell.find_aishell, tmp_path, False)
    assert len(calls) == 3


def test_two_runs_fetch_a_table_of_covost_once(tmp_path, monkeypatch):
    calls: list[str] = []
    table = "espnet_soups.data.corpora.covost2_tables"

    def fetch_file(url: str, archive: Path) -> None:
        (tmp_path / "made").write_text("path\n")
        pack(archive, tmp_path / "made", "covost_v2.fr_en.tsv")

    monkeypatch.setattr(f"{table}.fetch_file", slow(fetch_file, calls))
    found = both(find_table, "fr_en", [], tmp_path / "downloads")
    assert found == [tmp_path / "downloads" / "covost_v2.fr_en.tsv"] * 2
    assert len(calls) == 1


HOLD = """
import sys, time
from pathlib import Path
from espnet_soups.data.one_at_a_time import one_at_a_time
with one_at_a_time(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_run_that_was_killed_holds_up_none_and_leaves_nothing(tmp_path, caplog):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with caplog.at_level(logging.INFO), ThreadPoolExecutor(1) as threads:

            def enter() -> None:
                with one_at_a_time(tmp_path):
                    pass

            waiting = threads.submit(enter)
            while not caplog.messages:
                time.sleep(0.01)
            assert not waiting.done()
            other.kill()
            waiting.result(timeout=10)
    assert caplog.messages == [f"Waiting for another run that fills {tmp_path}"]
    assert os.listdir(tmp_path) == []


def test_where_folders_cannot_be_locked_the_log_names_the_danger(tmp_path, monkeypatch, caplog):
    def refuse(*_: object) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", refuse)
    with one_at_a_time(tmp_path / "new"):
        assert "new cannot be locked (Bad file descriptor): let no other run" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_locked_too(tmp_path):
    tmp_path.chmod(0o555)
    with one_at_a_time(tmp_path):
        pass
    tmp_path.chmod(0o755)

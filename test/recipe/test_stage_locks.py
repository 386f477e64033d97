"""Two runs of one recipe: a stage that another one is at is waited for, unless that was killed."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1/scripts"

SLOW = f"""set -euo pipefail; . {SCRIPTS}/stages.sh
if stage 1 "Data" s --outputs out; then
    touch begun
    until [[ -e go_on ]]; do sleep 0.02; done
    echo made >> out
    stage_done "out"
fi"""


def start_slow_run(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["bash", "-c", SLOW], cwd=folder, stdout=subprocess.PIPE, text=True, process_group=0
    )


def test_a_stage_that_another_run_is_at_is_waited_for_and_then_up_to_date(tmp_path: Path) -> None:
    first = start_slow_run(tmp_path)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    second = start_slow_run(tmp_path)
    assert second.stdout is not None
    waiting = second.stdout.readline()
    (tmp_path / "go_on").touch()
    said, _ = second.communicate(timeout=10)
    first.communicate(timeout=10)
    assert f"stage 1: Data — waiting for another run (process {first.pid} on " in waiting
    assert said == "stage 1: Data — up to date\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert (tmp_path / "out").read_text() == "made\n"
    assert not (tmp_path / "s.lock").exists()


def test_a_run_that_was_killed_holds_nobody_up(tmp_path: Path) -> None:
    killed = start_slow_run(tmp_path)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=10)
    assert (tmp_path / "s.lock").is_dir()
    (tmp_path / "go_on").touch()
    said, _ = start_slow_run(tmp_path).communicate(timeout=10)
    assert "stage 1: Data — done in" in said


OWN_OWNER = f"""set -euo pipefail; . {SCRIPTS}/stages.sh
_stage_process_lives() {{ # the owner has been killed, and another waiter is faster than this one
    [[ -e looked ]] && return 0
    touch looked
    rm -r s.lock
    mkdir s.lock
    : >"s.lock/owner ${{HOSTNAME}} $PPID"
    return 1
}}
if stage 1 "Data" s; then stage_done x; fi"""


def test_of_two_that_wait_for_a_killed_run_the_slower_leaves_the_lock_of_the_faster(
    tmp_path: Path,
) -> None:
    (tmp_path / "s.lock").mkdir()
    (tmp_path / "s.lock" / f"owner {socket.gethostname()} 1234567").touch()
    slower = subprocess.Popen(
        ["bash", "-c", OWN_OWNER], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert slower.stdout is not None
    waiting = slower.stdout.readline()
    assert f"waiting for another run (process {os.getpid()} on " in waiting
    (tmp_path / "s.lock" / f"owner {socket.gethostname()} {os.getpid()}").unlink()
    (tmp_path / "s.lock").rmdir()
    said, _ = slower.communicate(timeout=20)
    assert "stage 1: Data — done in" in said


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("n" * 251, "File name too long"),
        ("file/s", "File exists"),
        ("full/s", "No space left on device"),
        ("taken", "File exists"),
    ],
)
def test_a_lock_that_cannot_be_made_is_refused_and_not_waited_for(
    tmp_path: Path, stamp: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "taken.lock").touch()  # a file is no lock
    script = f"""set -euo pipefail; . {SCRIPTS}/stages.sh
    mkdir() {{
        if [[ ${{!#}} == full/* ]]; then
            echo "mkdir: cannot create 'x': No space left on device" >&2
            return 1
        fi
        command mkdir "$@"
    }}
    if stage 4 "Filter" {stamp}; then stage_done x; fi"""
    result = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        f"error: stage 4 (Filter) cannot make its lock {stamp}.lock: {reason}; a place is needed"
    )
    assert result.stderr.count("\n") == 1


def test_a_lock_whose_owner_cannot_be_written_is_refused_and_taken_away(tmp_path: Path) -> None:
    script = f"""set -euo pipefail; . {SCRIPTS}/stages.sh
    HOSTNAME={"h" * 300}
    if stage 4 "Filter" s; then stage_done x; fi"""
    result = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 1
    assert "cannot make its lock s.lock: File name too long" in result.stderr
    assert not (tmp_path / "s.lock").exists()


WORKERS = f"""set -euo pipefail; . {SCRIPTS}/stages.sh
if stage 1 "Data" s --outputs out; then
    if [[ ! -e begun ]]; then
        bash -c 'touch begun; sleep 2; echo late >> out' & # it ends by itself, but not at once
        wait
    fi
    echo made >> out
    stage_done "out"
fi"""


def test_a_run_waits_for_what_a_killed_run_has_left_running(tmp_path: Path) -> None:
    command = ["bash", "-c", WORKERS]
    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    first.kill()  # the run alone
    first.wait()
    second = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert f"waiting for what a killed run (process {first.pid}) has left running" in second.stdout
    assert "stage 1: Data — done in" in second.stdout
    assert (tmp_path / "out").read_text() == "late\nmade\n"


READER = f"""set -euo pipefail; . {SCRIPTS}/stages.sh
if stage 9 "Training" model --reads dump/train; then
    touch reading
    until [[ -e go_on ]]; do sleep 0.02; done
    stage_done x
fi"""
WRITER = f"""set -euo pipefail; . {SCRIPTS}/stages.sh
if stage 3 "Features" .3.done --outputs dump/train; then
    echo new > dump/train/feats
    stage_done x
fi"""


def test_a_folder_that_another_run_reads_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "dump" / "train"
    folder.mkdir(parents=True)
    (folder / "feats").write_text("old\n")

    def write() -> "subprocess.CompletedProcess[str]":
        command = ["bash", "-c", WRITER]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False
        )

    reader = subprocess.Popen(["bash", "-c", READER], cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not (tmp_path / "reading").exists():
        time.sleep(0.02)
    refused = write()
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "error: stage 3 (Features) would replace dump/train, which a run under way reads (process"
        f" {reader.pid} on "
    )
    assert (folder / "feats").read_text() == "old\n"
    assert not (tmp_path / ".3.done.lock").exists()
    (tmp_path / "go_on").touch()
    assert reader.wait(timeout=10) == 0
    (folder / f".read_by {socket.gethostname()} 1234567").touch()  # of a run that was killed
    assert write().returncode == 0
    assert [path.name for path in folder.iterdir()] == ["feats"]
    assert (folder / "feats").read_text() == "new\n"

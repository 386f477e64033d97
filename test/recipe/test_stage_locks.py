"""Two runs of one recipe: a stage that another one is at is waited for, unless that was killed."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

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

"""Jobs over ssh: a stand-in for ssh runs the remote command here; no other machine takes part."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from espnet_soups.jobs.ssh import read_machines

RunJobs = Callable[..., subprocess.CompletedProcess[str]]

# as sshd does: a fresh environment, the home folder, a shell that gets the words joined by spaces
FAKE_SSH = """
while [[ $1 == -o ]]; do shift 2; done
host=$1; shift
echo "${host}" >> "$(dirname "$0")/hosts"
[[ ${host} != dead ]] || { echo "ssh: connect to host dead: no route" >&2; exit 255; }
cd / && exec env -i HOME=/ PATH=/usr/bin:/bin bash -c "$*"
"""


def test_jobs_run_in_the_same_folder_on_every_host(
    run_jobs: RunJobs, fake_program: Callable[[str, str], None], tmp_path: Path
) -> None:
    fake_program("ssh", FAKE_SSH)
    fake_program("mine", 'echo it is mine "$1"')
    (tmp_path / "machines").write_text("# ours\nnode01 2\nnode02\n\n")
    options = ("--backend", "ssh", "--machines", "machines", "--jobs", "3", "--gpus", "1")
    result = run_jobs(*options, "--log", "log/JOB.log", "--", "bash", "-c", "pwd; mine 'a  JOB'")
    assert result.returncode == 0, result.stderr
    assert sorted((tmp_path / "fake_bin/hosts").read_text().split()) == [
        "node01",
        "node01",
        "node02",
    ]
    logs = [(tmp_path / f"log/{number}.log").read_text() for number in (1, 2, 3)]
    assert all(f"\n{tmp_path}\nit is mine a  {n}\n" in log for n, log in enumerate(logs, start=1))
    assert sorted(log.splitlines()[2][-6:] for log in logs) == ["GPUs 0", "GPUs 0", "GPUs 1"]


def test_a_host_that_does_not_answer_is_told(
    run_jobs: RunJobs, fake_program: Callable[[str, str], None], tmp_path: Path
) -> None:
    fake_program("ssh", FAKE_SSH)
    (tmp_path / "machines").write_text("dead\n")
    result = run_jobs("--backend", "ssh", "--machines", "machines", "--log", "x.log", "--", "true")
    assert result.returncode == 1
    assert "failed with status 255" in result.stderr
    assert "ssh: connect to host dead: no route" in result.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("node01 two\n", "line 1: expected 'host"),
        ("# none\n", "names no host"),
        (None, "does not exist: write one host per line"),
        ("node01\n-oProxyCommand=touch${IFS}x 1\n", "line 2: a host .* does not begin with '-'"),
        ("me@-oProxyCommand=x\n", "line 1: a host is a name"),
        ("node;reboot\n", "line 1: a host is a name"),
        ("node01 99999999999\n", "line 1: a host runs from 1 to"),
        (b"n\xff\n", "machines:1: the line is not UTF-8"),
    ],
)
def test_a_bad_file_of_machines_is_refused(
    content: str | bytes | None, sentence: str, tmp_path: Path
) -> None:
    if content is not None:
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "machines").write_bytes(raw)
    with pytest.raises(ValueError, match=sentence):
        read_machines(tmp_path / "machines", gpus=0)


def test_hosts_may_be_addresses_and_name_a_user(tmp_path: Path) -> None:
    hosts = ["node01.cluster", "me@10.0.0.7", "fe80::1%eth0", "my_user@node-2"]
    (tmp_path / "machines").write_text("\n".join(hosts))
    assert [slot.host for slot in read_machines(tmp_path / "machines", gpus=0)] == hosts

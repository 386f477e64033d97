"""Stages: skipped when up to date, run again when anything they rest on has changed."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1/scripts"
Bash = Callable[..., subprocess.CompletedProcess[str]]

SCRIPT = """
option stage 1 "First"
option stop_stage 13 "Last"
option skip_stages "" "Skipped"
option force false "Again"
option fs 8000 "Sampling rate"
option fail false "Stage 2 fails"
parse_options "$@"
if stage 1 "Data" dump/.1.done --outputs data; then
    mkdir -p data
    [[ -e "data/wav scp" ]] || echo a > "data/wav scp"
    stage_done "1 file"
fi
if stage 2 "Features" dump/.2.done --settings "fs=${fs}" --inputs data --outputs dump/feats; then
    echo computing
    ! ${fail} || false
    cp "data/wav scp" dump/feats
    stage_done "features"
fi
stage_skipped 3 "SSL" "no ssl objective"
stages_done
"""


def lines(text: str) -> list[str]:
    """Return the lines with every time as `0 s`: a busy machine takes longer."""
    return re.sub(r"\b\d+ s\b", "0 s", text).splitlines()


@pytest.fixture
def ran(bash: Bash) -> Callable[..., list[str]]:
    """Return a function that runs the script and returns its lines about stage 2."""

    def run(*arguments: str) -> list[str]:
        result = bash(SCRIPT, *arguments)
        assert result.returncode == 0, result.stderr
        return [line for line in result.stdout.splitlines() if line.startswith("stage 2")]

    return run


def test_a_first_run_computes_and_a_second_one_is_a_no_op(bash: Bash) -> None:
    first = bash(SCRIPT)
    assert lines(first.stdout) == [
        "stage 1: Data",
        "stage 1: Data — done in 0 s: 1 file",
        "stage 2: Features",
        "computing",
        "stage 2: Features — done in 0 s: features",
        "stage 3: SSL — skipped: no ssl objective",
        "Done: 2 stages in 0 s.",
    ]
    assert lines(bash(SCRIPT).stdout) == [
        "stage 1: Data — up to date",
        "stage 2: Features — up to date",
        "stage 3: SSL — skipped: no ssl objective",
        "All stages are up to date (0 s).",
    ]


def test_a_changed_setting_runs_the_stage_again_and_is_named(
    ran: Callable[..., list[str]],
) -> None:
    ran()
    assert ran("--fs", "16000")[0] == "stage 2: Features (again, since this changed: fs=16000)"
    assert ran("--fs", "16000") == ["stage 2: Features — up to date"]


def test_a_changed_and_a_new_input_run_the_stage_again_and_are_named(
    ran: Callable[..., list[str]], tmp_path: Path
) -> None:
    ran()
    (tmp_path / "data/wav scp").write_text("longer\n")
    assert ran()[0] == "stage 2: Features (again, since this changed: data/wav scp)"
    (tmp_path / "data/text").write_text("b\n")
    assert ran()[0] == "stage 2: Features (again, since this changed: data/text)"
    assert ran() == ["stage 2: Features — up to date"]


@pytest.mark.parametrize("size", [3, 3_000_000])
def test_contents_of_inputs_count_and_not_their_times(
    ran: Callable[..., list[str]], tmp_path: Path, size: int
) -> None:
    path = tmp_path / "data/wav scp"
    path.parent.mkdir()
    path.write_bytes(b"a" * size)
    ran()
    before = path.stat()
    os.utime(path, ns=(1, 1))
    assert ran() == ["stage 2: Features — up to date"]
    path.unlink()
    path.write_bytes(b"a" * size)  # made again
    assert ran() == ["stage 2: Features — up to date"]
    path.write_bytes(b"a" * (size - 1) + b"b")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ran()[0] == "stage 2: Features (again, since this changed: data/wav scp)"
    assert ran() == ["stage 2: Features — up to date"]


def test_what_editors_leave_beside_an_input_does_not_run_the_stage_again(
    ran: Callable[..., list[str]], tmp_path: Path
) -> None:
    ran()
    for name in ("text~", "text.bak", "wav scp.orig", ".text.swp"):
        (tmp_path / "data" / name).write_text("old\n")
    assert ran() == ["stage 2: Features — up to date"]


RECORDINGS = """
if stage 3 "Features" .3.done --audio wav.scp noises --outputs feats; then
    echo x > feats
    stage_done "made"
fi
"""


def test_a_recording_that_was_replaced_runs_the_stage_again(bash: Bash, tmp_path: Path) -> None:
    (tmp_path / "noises").mkdir()
    (tmp_path / "noises" / "n.wav").write_text("n")
    for name in ("a b.wav", "c.wav"):
        (tmp_path / name).write_text("one")
    (tmp_path / "wav.scp").write_text("k1 a b.wav\nk2  c.wav\r\nk3 not_there.wav\n")
    (tmp_path / "noises").rename(tmp_path / "elsewhere")
    assert "needs noises, which does not exist" in bash(RECORDINGS).stderr
    (tmp_path / "elsewhere").rename(tmp_path / "noises")
    assert bash(RECORDINGS).stdout.startswith("stage 3: Features\n")
    assert "up to date" in bash(RECORDINGS).stdout
    for name, table in (("a b.wav", "wav.scp"), ("c.wav", "wav.scp"), ("noises/n.wav", "noises")):
        (tmp_path / name).write_text("another")
        assert f"(again, since this changed: audio of {table})" in bash(RECORDINGS).stdout
        assert "up to date" in bash(RECORDINGS).stdout


MANY_OUTPUTS = """
if stage 3 "Features" .3.done --without trials --outputs dump/train; then
    rm -rf dump/train decoded
    mkdir -p dump/train/clean decoded
    for name in utt2lang feats.scp clean/feats.ark trials .hidden; do
        echo x > "dump/train/${name}"
    done
    echo y > decoded/text
    : > decoded/empty
    stage_made decoded/*
    stage_done "made"
fi
"""


@pytest.mark.parametrize(
    "lost", ["dump/train/utt2lang", "dump/train/clean/feats.ark", "decoded/text"]
)
@pytest.mark.parametrize("way", ["deleted", "emptied"])
def test_any_result_that_is_lost_runs_the_stage_again(
    bash: Bash, tmp_path: Path, lost: str, way: str
) -> None:
    assert bash(MANY_OUTPUTS).returncode == 0
    for name in ("trials", ".hidden"):  # not of this stage
        (tmp_path / "dump/train" / name).unlink()
    assert "up to date" in bash(MANY_OUTPUTS).stdout
    (tmp_path / lost).unlink()
    if way == "emptied":
        (tmp_path / lost).touch()
    assert f"stage 3: Features (again, since {lost} is gone)" in bash(MANY_OUTPUTS).stdout
    assert "up to date" in bash(MANY_OUTPUTS).stdout


@pytest.mark.parametrize("way", ["deleted", "emptied"])
def test_a_lost_output_runs_the_stage_again(
    ran: Callable[..., list[str]], tmp_path: Path, way: str
) -> None:
    ran()
    if way == "deleted":
        (tmp_path / "dump/feats").unlink()
    else:
        (tmp_path / "dump/feats").write_bytes(b"")
    assert ran()[0] == "stage 2: Features (again, since dump/feats is gone)"


def test_stage_numbers_choose_what_runs(ran: Callable[..., list[str]]) -> None:
    assert ran("--stop_stage", "1") == []
    assert ran("--skip_stages", "3,2") == ["stage 2: Features — skipped (--skip_stages)"]
    assert ran("--stage", "2")[0] == "stage 2: Features"
    assert ran("--stage", "2") == ["stage 2: Features — up to date (--force true runs it again)"]
    assert ran("--stage", "2", "--force")[0] == "stage 2: Features (--force)"
    assert ran("--stage", "3") == []


def test_a_failed_stage_tells_how_to_go_on_and_runs_again(
    bash: Bash, ran: Callable[..., list[str]]
) -> None:
    ran()
    result = bash(SCRIPT, "--force", "--fail")
    assert result.returncode == 1
    assert lines(result.stderr) == [
        "error: stage 2 (Features) failed after 0 s; the same command goes on from here, "
        "./run.sh --stage 2 starts with this stage"
    ]
    assert "Done" not in result.stdout
    assert ran()[0] == "stage 2: Features"


def test_a_missing_input_is_named_before_anything_is_computed(bash: Bash) -> None:
    result = bash(SCRIPT, "--stage", "2")
    assert result.returncode == 1
    assert result.stderr == (
        "error: stage 2 (Features) needs data, which does not exist; "
        "run the stages before it: ./run.sh --stage 1\n"
    )
    assert "computing" not in result.stdout


def test_a_stage_that_does_not_make_its_outputs_fails(bash: Bash, tmp_path: Path) -> None:
    result = bash('if stage 1 "Data" s --outputs data/x; then stage_done "nothing"; fi')
    assert result.returncode == 1
    assert "stage 1 has ended, but did not make data/x" in result.stderr
    assert not (tmp_path / "s").exists()


def test_a_script_that_forgets_stage_done_does_not_pass_for_success(bash: Bash) -> None:
    result = bash('if stage 1 "Data" s; then echo ok; fi')
    assert result.returncode == 1
    assert "stage 1 (Data) failed" in result.stderr


def test_an_interrupted_stage_leaves_no_stamp(tmp_path: Path) -> None:
    # one process that waits for none: bash goes on if what it waits for was not interrupted
    work = "sh -c ': >begun; exec sleep 60'"
    script = f'if stage 1 "Data" s; then {work}; stage_done x; fi'
    head = f"set -euo pipefail; . {SCRIPTS}/stages.sh\n"
    process = subprocess.Popen(
        ["bash", "-c", head + script],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        # a suite that was started in the background hands on that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert said.startswith("stage 1 (Data) was interrupted (Ctrl-C) after")
    assert "the same command goes on from here" in said
    assert "failed" not in said
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "59 s"), (61, "1 min 01 s"), (7260, "2 h 01 min")]
)
def test_times_are_told_in_fitting_units(bash: Bash, seconds: int, text: str) -> None:
    assert bash(f"_stage_time {seconds}").stdout.strip() == text


def test_a_stage_that_is_ended_by_a_signal_takes_along_what_it_started(tmp_path: Path) -> None:
    script = 'if stage 1 "Data" s; then bash -c "sleep 600 & touch begun; wait"; stage_done x; fi'
    process = subprocess.Popen(
        ["bash", "-c", f"set -euo pipefail; . {SCRIPTS}/stages.sh\n{script}"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    process.terminate()
    # ends when nobody holds the other end of the pipe any more, the sleeper neither
    _, said = process.communicate(timeout=60)
    assert "stage 1 (Data) failed" in said
    assert process.returncode != 0


def test_files_that_count_for_nothing_do_not_run_a_stage_again(bash: Bash, tmp_path: Path) -> None:
    script = """
    if stage 3 Features .3.done --without trials "my list" --inputs data; then stage_done made; fi
    """
    (tmp_path / "data" / "below").mkdir(parents=True)
    (tmp_path / "data" / "wav.scp").write_text("a a.wav\n")
    assert "stage 3: Features\n" in bash(script).stdout
    for name in ("trials", "my list", "below/trials"):
        (tmp_path / "data" / name).write_text("new\n")
    assert "up to date" in bash(script).stdout
    (tmp_path / "data" / "trials2").write_text("new\n")
    assert "again, since this changed: data/trials2" in bash(script).stdout

"""What all commands make of errors."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from espnet_soups.bin.command import END_WITH_PARENT, exit_on_signals, run_command

ROOT = Path(__file__).parents[2]


def end_with(error):
    def main(_arguments):
        raise error

    with pytest.raises(SystemExit) as caught:
        run_command(main)
    return caught.value.code


def test_bad_input_ends_in_one_sentence(capsys):
    assert end_with(ValueError("`fs` must be 1 or more, but got 0.")) == 1
    assert capsys.readouterr().err == "error: `fs` must be 1 or more, but got 0.\n"


def test_a_reader_that_has_read_enough_is_no_error():
    code = (
        "from espnet_soups.bin.command import run_command\n"
        "run_command(lambda _: print('line\\n' * 100000))"
    )
    words = [
        "bash",
        "-c",
        '"$0" -c "$1" | head -n 1; echo "${PIPESTATUS[0]}"',
        sys.executable,
        code,
    ]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == f"line\n{128 + signal.SIGPIPE}\n"
    assert run.stderr == ""


def test_a_value_that_is_no_yaml_ends_in_one_sentence(capsys):
    with pytest.raises(yaml.YAMLError) as caught:
        yaml.safe_load("{gamma: [0.1}")
    assert end_with(caught.value) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: The value of an option is not valid YAML: while parsing")
    assert said.count("\n") == 1


def test_a_full_disk_ends_in_a_sentence_that_says_what_to_do(capsys):
    assert end_with(OSError(errno.ENOSPC, "No space left on device", "dump/a.flac")) == 1
    assert capsys.readouterr().err == (
        "error: No space left on device (dump/a.flac could not be written):"
        " free some space, then run the same command again.\n"
    )


def test_an_interruption_from_the_keyboard_ends_without_a_traceback(capsys):
    assert end_with(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def ends_when_its_parent_is_killed(folder, **variables):
    """Start a command that would last, by a script that is killed; return whether it ended."""
    code = "import time; from espnet_soups.bin.command import run_command as run; "
    code += "run(lambda _: (open('begun', 'w').close(), time.sleep(60)))"
    script = f'{sys.executable} -c "{code}" & echo $! >pid; wait'
    environment = os.environ | {"PYTHONPATH": str(ROOT), **variables}
    parent = subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment)
    deadline = time.monotonic() + 60
    while not (folder / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    pid = int((folder / "pid").read_text())
    deadline = time.monotonic() + (20 if variables else 1.5)
    try:
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False


def test_a_command_of_a_recipe_ends_with_its_script_even_by_sigkill(tmp_path):
    assert ends_when_its_parent_is_killed(tmp_path, **{END_WITH_PARENT: "1"})
    template = ROOT / "egs2" / "TEMPLATE" / "msp1" / "msp.sh"
    assert f"\nexport {END_WITH_PARENT}=1" in template.read_text(encoding="utf-8")


def test_a_command_that_a_user_starts_outlives_its_shell(tmp_path):
    assert not ends_when_its_parent_is_killed(tmp_path)


def test_signals_end_a_command_with_clean_up_unless_nohup_has_set_them_aside():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        exit_on_signals()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        with pytest.raises(SystemExit) as ended:
            signal.raise_signal(signal.SIGTERM)
        assert ended.value.code == 128 + signal.SIGTERM
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

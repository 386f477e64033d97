"""What all commands make of errors."""

import errno

import pytest

from espnet_soups.bin.command import run_command


def end_with(error):
    def main(_arguments):
        raise error

    with pytest.raises(SystemExit) as caught:
        run_command(main)
    return caught.value.code


def test_bad_input_ends_in_one_sentence(capsys):
    assert end_with(ValueError("`fs` must be 1 or more, but got 0.")) == 1
    assert capsys.readouterr().err == "error: `fs` must be 1 or more, but got 0.\n"


def test_a_full_disk_ends_in_a_sentence_that_says_what_to_do(capsys):
    assert end_with(OSError(errno.ENOSPC, "No space left on device", "dump/a.flac")) == 1
    assert capsys.readouterr().err == (
        "error: No space left on device (dump/a.flac could not be written):"
        " free some space, then run the same command again.\n"
    )


def test_an_interruption_from_the_keyboard_ends_without_a_traceback(capsys):
    assert end_with(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""

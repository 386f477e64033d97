"""Options of a recipe script: defined once, parsed, explained, and refused with a way out."""

import subprocess
from collections.abc import Callable

import pytest

Bash = Callable[..., subprocess.CompletedProcess[str]]

SCRIPT = """
option_usage "./run.sh [options]" "Trains a soup."
option_group "Stages"
option stage 1 "First stage to run"
option stop_stage 13 "Last stage to run"
option force false "Run stages that are up to date"
option_group "Soup"
option soup vm "Name of the soup"
option train_config conf/train.yaml "Training"
option train_args "" "Further options of training"
option inference_nj 4 "Decoding jobs"
option lm_weight 0.3 "Weight of the language model"
parse_options "$@"
echo "${stage}|${stop_stage}|${force}|${soup}|${train_args}|${lm_weight}"
"""


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], "1|13|false|vm||0.3"),
        (["--stage", "3", "--soup=vs"], "3|13|false|vs||0.3"),
        (["--stop-stage", "5"], "1|5|false|vm||0.3"),
        (["--stop_stage=5", "--stop-stage=6"], "1|6|false|vm||0.3"),
        (["--force", "--stage", "2"], "2|13|true|vm||0.3"),
        (["--force"], "1|13|true|vm||0.3"),
        (["--force", "true", "--force=false"], "1|13|false|vm||0.3"),
        (["--train_args", "--max_epoch 3 --seed 1"], "1|13|false|vm|--max_epoch 3 --seed 1|0.3"),
        (["--train_args=--soup=vs"], "1|13|false|vm|--soup=vs|0.3"),
        (["--soup", ""], "1|13|false|||0.3"),
        (["--soup", "a b $HOME * ü"], "1|13|false|a b $HOME * ü||0.3"),
        (["--soup", "a\nb", "--train_args=\n\tc"], "1|13|false|a b|  c|0.3"),
        (["--lm-weight", "1e-2"], "1|13|false|vm||1e-2"),
        (["--stage", "010", "--stop_stage=008"], "10|8|false|vm||0.3"),
        (["--stage", "-0010", "--stop_stage=000"], "-10|0|false|vm||0.3"),
    ],
)
def test_every_spelling_of_an_option_sets_it(bash: Bash, arguments: list[str], values: str) -> None:
    result = bash(SCRIPT, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == values + "\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sop", "vs"], "there is no option --sop; near it: --soup; --help lists all"),
        (["--train-confg=x"], "there is no option --train-confg; near it: --train_config;"),
        (["--nj", "2"], "there is no option --nj; near it: --inference_nj;"),
        (["--zzzzzzzz", "2"], "there is no option --zzzzzzzz; --help lists all"),
        (["run"], "'run' is not an option; write --name value (see --help)"),
        (["--stage", "x"], "--stage wants a whole number, but got 'x'"),
        (["--lm_weight", "high"], "--lm_weight wants a number, but got 'high'"),
        (["--force", "maybe"], "--force wants true or false, but got 'maybe'"),
        (["--soup"], "--soup needs a value after it"),
        (["--soup", "--stage", "1"], "--soup needs a value, but the option --stage follows"),
    ],
)
def test_a_wrong_option_ends_in_one_sentence_and_status_2(
    bash: Bash, arguments: list[str], sentence: str
) -> None:
    result = bash(SCRIPT, *arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert sentence in result.stderr


def test_help_lists_every_option_by_group_with_the_value_in_force(bash: Bash) -> None:
    result = bash(SCRIPT, "--soup", "vs", "--help", "--stage", "4")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Usage: ./run.sh [options]"
    assert "Trains a soup." in lines
    words = [line.split() for line in lines]
    stages, soup = lines.index("Stages"), lines.index("Soup")
    assert words[stages + 1] == ["--stage", "First", "stage", "to", "run", "[4]"]
    assert words[soup + 1] == ["--soup", "Name", "of", "the", "soup", "[vs]"]
    assert words[soup + 3][-1] == "[empty]"
    assert sum(line.startswith("  --") for line in lines) == 8


@pytest.mark.parametrize(
    "mistake", ['option Stage 1 "x"', 'option stage 1 "x"; option stage 2 "y"', "option stage 1"]
)
def test_a_mistake_in_the_table_itself_is_refused(bash: Bash, mistake: str) -> None:
    result = bash(mistake)
    assert result.returncode == 2
    assert "the script defines" in result.stderr

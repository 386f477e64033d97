"""Studies that are not what they must be are refused by name."""

import pytest
from made_up_study import STUDY

from espnet_soups.study.plan import load_study
from espnet_soups.study.runs import plan_study, preparations


def arms(**changes):
    return {**STUDY["arms"], **changes}


def test_a_study_is_read_and_each_arm_runs_with_every_seed_donors_first(study_file):
    study = load_study(study_file(settings={"N": {}, "R": {"objectives": "spk"}}))
    runs = plan_study(study)
    assert len(runs) == 5 * 6 * 2
    tags = [run.tag for run in runs]
    assert len(set(tags)) == len(tags)
    assert tags.index("trial_N_vs_seed1") < tags.index("trial_N_frozen_seed1")
    assert tags.index("trial_R_vm_seed1") < tags.index("trial_N_vs_seed2")  # whole pairs first
    commands = preparations(study)
    assert [command[-1] for command in commands] == ["6", "6"]
    assert "--objectives" in commands[1]


def test_an_arm_may_have_constant_penalties(study_file):
    options = {"soup": "vm", "combiner": "static", "penalty": 0.1}
    study = load_study(study_file(arms=arms(dial={"title": "c = 0.1", "options": options})))
    assert next(arm for arm in study.arms if arm.name == "dial").options["penalty"] == "0.1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": [1, 1]}, "`seeds`"),
        ({"seeds": []}, "`seeds`"),
        ({"title": None}, "lacks `title`"),
        ({"sedes": [1]}, "has no 'sedes'"),
        ({"baseline": "jiont"}, "'jiont' (closest: 'joint')"),
        ({"parallel": 0}, "`parallel`"),
        ({"arms": arms(x={"title": "x", "options": {"train_config": "a"}})}, "`train_config`"),
        ({"arms": arms(x={"title": "x", "options": {"ssl_audio": "unlabeled"}})}, "`ssl_audio`"),
        ({"arms": arms(x={"title": "x", "train_args": {"max_epoch": 3}})}, "`max_epoch`"),
        ({"arms": arms(x={"title": "x", "optoins": {}})}, "'optoins' (closest: 'options')"),
        ({"arms": arms(x={"title": "x", "weights_of": "y"})}, "'y'"),
        ({"arms": arms(x={"title": "x", "weights_of": "frozen"})}, "which takes others'"),
        (
            {"arms": arms(x={"title": "x", "weights_of": "vs", "penalties_of": "vm"})},
            "`weights_of` or `penalties_of`, not both",
        ),
        ({"arms": arms(joint={"title": "j", "settings": ["all"]})}, "all settings"),
        ({"hypotheses": [{**STUDY["hypotheses"][0], "arm": "vsx"}]}, "'vsx'"),
        ({"hypotheses": STUDY["hypotheses"] * 2}, "H1 twice"),
    ],
)
def test_what_is_wrong_is_named(study_file, changes, said: str):
    path = study_file(**changes)
    with pytest.raises(ValueError, match=str(path)) as error:
        load_study(path)
    assert said in str(error.value)


def test_options_of_shared_setting_and_arm_come_in_this_order(study_file):
    study = load_study(study_file(shared={"soup": "joint", "train_args": "--max_epoch 3"}))
    run = next(run for run in plan_study(study) if run.arm.name == "vm" and run.seed == 2)
    command = run.command(None, ["--ngpu", "1"])
    assert command[command.index("--soup") + 1] == "vm"
    assert "--train_args=--max_epoch 3 --seed 2" in command
    assert command[-2:] == ["--ngpu", "1"]


def test_switches_are_words_of_a_shell_and_pre_training_is_seeded_where_there_is_one(study_file):
    pre = {"title": "CPC", "options": {"ssl": "cpc", "ssl_in_training": False}}
    path = study_file(shared={"report_audio": False, "max_wav_duration": 3}, arms=arms(pre=pre))
    commands = {run.arm.name: run.command(None) for run in plan_study(load_study(path))}
    for name, value in (("report_audio", "false"), ("max_wav_duration", "3")):
        assert commands["vs"][commands["vs"].index(f"--{name}") + 1] == value
    assert commands["pre"][-1] == "--pretrain_args=--seed 6"
    assert not any(word.startswith("--pretrain_args") for word in commands["vs"])


def test_options_of_training_from_several_places_are_joined(study_file):
    pre = {
        "title": "CPC",
        "options": {"ssl": "cpc"},
        "train_args": {"trainer_conf": "refresh=8"},
    }
    shared = {"train_args": "--max_epoch 3", "pretrain_args": "--max_epoch 2"}
    study = load_study(study_file(shared=shared, arms=arms(pre=pre)))
    more = ["--train_args", "--use_amp true", "--pretrain_args=--use_amp true", "--ngpu", "1"]
    commands = {run.arm.name: run.command(None, more) for run in plan_study(study)}
    assert commands["pre"][-4:] == [
        "--train_args=--max_epoch 3 --use_amp true --trainer_conf refresh=8 --seed 6",
        "--pretrain_args=--max_epoch 2 --use_amp true --seed 6",
        *("--ngpu", "1"),
    ]
    assert not any(word.startswith("--pretrain_args") for word in commands["vs"])
    for command in preparations(study, more):  # of stages that these do not change
        assert not any("train_args" in word for word in command)

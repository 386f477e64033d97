"""Training again in a folder that was trained with other settings."""

import logging
import shutil

import pytest
import torch
import yaml
from soup_options import SOUP

from espnet_soups.task.checks.changed_settings import describe_changes, find_changes

GAMMA = ("--trainer_conf", "combiner_conf.gamma=0.5")


@pytest.fixture
def finished(runs, soup_run):
    """A soup of three epochs in a folder of its own."""
    folder = runs.root / "finished"
    shutil.copytree(soup_run, folder, symlinks=True)
    yield folder
    shutil.rmtree(folder)


def config_of(folder):
    return yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))


def test_a_finished_run_with_other_settings_is_refused_and_keeps_its_configuration(runs, finished):
    before = (finished / "config.yaml").read_bytes()
    said = (
        rf"{finished} was trained for 3 epochs with other settings, and no epoch is left to train:"
        r" `seed` was 0 and is now 7, `optim_conf.lr` was 0.01 and is now 0.02,"
        r" `trainer_conf.combiner_conf` was unset and is now {'gamma': 0.5}\. Use another folder"
        r" .*`--msp_tag`.*remove this one to train anew, or raise `max_epoch` to go on"
        r" with the new settings\.$"
    )
    changed = ("--seed", "7", "--optim_conf", "lr=0.02", *GAMMA)
    with pytest.raises(ValueError, match=said):
        runs.train("finished", *SOUP, "--max_epoch", "3", *changed)
    assert (finished / "config.yaml").read_bytes() == before


def test_another_encoder_is_refused_by_its_settings_rather_than_its_tensors(runs, finished):
    said = r"`encoder_conf.num_blocks` was 2 and is now 1\. Use another folder"
    with pytest.raises(ValueError, match=said):
        runs.train("finished", *SOUP, "--max_epoch", "3", "--encoder_conf", "num_blocks=1")


def test_fewer_epochs_than_were_trained_are_refused(runs, finished):
    with pytest.raises(ValueError, match="`max_epoch` was 3 and is now 2"):
        runs.train("finished", *SOUP, "--max_epoch", "2")


def test_a_run_that_was_stopped_early_is_refused_too(runs, finished):
    early = ("--early_stopping_criterion", "valid", "loss", "max", "--patience", "0")
    with pytest.raises(ValueError, match=r"`patience` was unset and is now 0.*or raise `patience`"):
        runs.train("finished", *SOUP, "--max_epoch", "4", *early)


def test_what_a_model_does_not_depend_on_may_change_after_training(runs, finished, caplog):
    free = ("--log_interval", "5", "--num_workers", "1", "--keep_nbest_models", "1")
    runs.train("finished", *SOUP, "--max_epoch", "3", *free)
    assert config_of(finished)["keep_nbest_models"] == [1]
    assert "other settings" not in caplog.text


def test_a_dry_run_in_a_trained_folder_keeps_its_configuration(runs, finished):
    before = (finished / "config.yaml").read_bytes()
    runs.train("finished", *SOUP, "--max_epoch", "3", "--seed", "7", "--dry_run", "true")
    assert (finished / "config.yaml").read_bytes() == before


def test_an_interrupted_run_may_be_ended_where_it_stands(runs, finished):
    config = finished / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("\nmax_epoch: 3\n", "\nmax_epoch: 9\n"), encoding="utf-8")
    runs.train("finished", *SOUP, "--max_epoch", "3")
    assert config_of(finished)["max_epoch"] == 3


def test_training_that_goes_on_with_other_settings_says_which(runs, finished, caplog):
    with caplog.at_level(logging.WARNING):
        runs.train("finished", *SOUP, "--max_epoch", "4", "--optim_conf", "lr=0.02")
    (line,) = [r.getMessage() for r in caplog.records if "other settings" in r.getMessage()]
    assert line == (
        "Training goes on after epoch 3 with other settings than before: `max_epoch` was 3 and is"
        " now 4, `optim_conf.lr` was 0.01 and is now 0.02. The optimiser and the scheduler keep"
        " those of the checkpoint."
    )
    # ESPnet loads their settings with their state
    states = torch.load(finished / "checkpoint.pth", weights_only=True)
    assert [group["lr"] for group in states["optimizers"][0]["param_groups"]] == [0.01]
    assert config_of(finished)["max_epoch"] == 4


def test_a_schedule_that_is_used_up_is_told_before_a_further_epoch(runs):
    once = ("--scheduler", "onecyclelr", "--scheduler_conf", "max_lr=0.01")
    once += ("--scheduler_conf", "total_steps=2", "--num_iters_per_epoch", "2")
    folder = runs.train("once", *once, "--max_epoch", "1")
    before = (folder / "config.yaml").read_bytes()
    with pytest.raises(ValueError, match=r"all 2 steps of its learning rates .* are made"):
        runs.train("once", *once, "--max_epoch", "2")
    with pytest.raises(ValueError, match=r"`seed` was 0 and is now 7.* to train anew\.$"):
        runs.train("once", *once, "--max_epoch", "1", "--seed", "7")
    assert (folder / "config.yaml").read_bytes() == before


def test_an_interruption_before_the_first_epoch_leaves_the_configuration(
    runs, finished, monkeypatch
):
    from espnet_soups.task.training.joint_trainer import JointTrainer

    def interrupt(*_arguments):
        raise KeyboardInterrupt

    before = (finished / "config.yaml").read_bytes()
    monkeypatch.setattr(JointTrainer, "check_states", interrupt)
    with pytest.raises(KeyboardInterrupt):
        runs.train("finished", "--max_epoch", "4", "--seed", "7")
    assert (finished / "config.yaml").read_bytes() == before


def test_a_folder_that_was_moved_has_the_same_settings_but_another_set_has_not():
    paths = [["/old/dump/fbank/train/feats.scp", "speech", "kaldi_ark"]]
    moved = [("dump/fbank/train/feats.scp", "speech", "kaldi_ark")]
    other = [("dump/fbank/train_sp/feats.scp", "speech", "kaldi_ark")]
    name = "train_data_path_and_name_and_type"
    assert find_changes({name: paths}, {name: moved}) == {}
    assert list(find_changes({name: paths}, {name: other})) == [name]


def test_a_token_list_is_named_but_not_spelt_out():
    lists = [{"fr": [f"▁{number}" for number in range(last)]} for last in (98, 99)]
    changes = find_changes({"asr_token_list": lists[0]}, {"asr_token_list": lists[1]})
    assert describe_changes(changes) == "`asr_token_list.fr` has changed"

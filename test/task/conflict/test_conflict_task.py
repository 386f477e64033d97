"""What stage 8 is asked to measure: models of a training, found or refused before anything runs."""

import argparse

import pytest
import torch
import yaml

from espnet_soups.task.conflict.conflict_task import (
    ConflictTask,
    find_models,
    load_model,
    read_arguments,
)
from espnet_soups.testing.toy_model import make_toy_arguments, make_toy_model


@pytest.fixture
def exp_dir(tmp_path):
    for name in ("2epoch.pth", "10epoch.pth", "checkpoint.pth"):
        (tmp_path / name).touch()
    return tmp_path


def test_models_are_found_by_the_number_of_an_epoch_as_the_last_one_or_by_file(exp_dir):
    mine = exp_dir / "valid.acc.ave.pth"
    mine.touch()
    found = find_models(["start", "2", "010", "last", str(mine)], str(exp_dir))
    assert found == {
        "start": None,
        "epoch 2": exp_dir / "2epoch.pth",
        "epoch 10": exp_dir / "10epoch.pth",
        "last": exp_dir / "checkpoint.pth",
        "valid.acc.ave": mine,
    }


@pytest.mark.parametrize(
    ("names", "folder", "message"),
    [
        (["3"], True, r"3epoch.pth does not exist. Only the best epochs.*there are \[2, 10\]"),
        (["last"], False, "`--conflict_models last` needs `--exp_dir`, a training"),
        (["start", "start"], True, "`--conflict_models` has 'start' twice"),
        (["2", "02"], True, "`--conflict_models` has 'epoch 2' twice"),
        (["nowhere.pth"], False, r"nowhere.pth does not exist"),
    ],
)
def test_models_that_are_not_there_are_refused(exp_dir, names, folder, message):
    with pytest.raises(ValueError, match=message):
        find_models(names, str(exp_dir) if folder else None)


def test_a_model_of_another_configuration_is_refused_and_one_of_this_is_loaded(tmp_path):
    own, other = make_toy_model(), make_toy_model(seed=1)
    torch.save(other.state_dict(), tmp_path / "5epoch.pth")
    load_model(own, tmp_path / "5epoch.pth")
    same = zip(own.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    torch.save({"model": other.state_dict(), "reporter": {}}, tmp_path / "checkpoint.pth")
    load_model(make_toy_model(), tmp_path / "checkpoint.pth")
    larger = make_toy_model(encoder_conf={"output_size": 16, "num_blocks": 1})
    with pytest.raises(ValueError, match=r"5epoch.pth is of another configuration"):
        load_model(larger, tmp_path / "5epoch.pth")


def test_the_options_of_a_training_are_used_and_a_folder_without_them_is_refused(tmp_path):
    own = argparse.Namespace(output_dir="conflict", conflict_batches=8)
    with pytest.raises(FileNotFoundError, match="the configuration of a training"):
        read_arguments(tmp_path, own)
    (tmp_path / "config.yaml").write_text("encoder: conformer\n")
    with pytest.raises(ValueError, match="is not the configuration of a training"):
        read_arguments(tmp_path, own)
    trained = {"required": ["output_dir"], "ngpu": 4, "output_dir": "exp", "seed": 3}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(trained))
    found = read_arguments(tmp_path, own)
    assert (found.output_dir, found.seed, found.conflict_batches) == ("conflict", 3, 8)
    assert found.ngpu == int(torch.cuda.is_available())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"conflict_batches": 3}, "`conflict_batches` must be 4 or more"),
        ({"conflict_step": 1.0}, "`conflict_step` is a share of the norm of the parameters"),
        ({"conflict_step": "tiny"}, "`conflict_step`"),
        ({"conflict_confidence": 95.0}, "`conflict_confidence` must lie between 0 and 1"),
        ({"ngpu": 2}, "Conflict is measured on one GPU, but got --ngpu 2"),
        ({"conflict_models": ["7"], "exp_dir": "nowhere"}, "7epoch.pth does not exist"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    args = make_toy_arguments(
        conflict_models=["start"],
        conflict_batches=8,
        conflict_batch_bins=0,
        conflict_step=0.001,
        conflict_confidence=0.95,
        exp_dir=None,
        **{"trainer": "msp", "trainer_conf": {"soup": "vm"}},
    )
    for name, value in options.items():
        setattr(args, name, value)
    with pytest.raises(ValueError, match=message):
        ConflictTask.check_required_command_args(args)

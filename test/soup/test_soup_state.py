"""What of a soup a checkpoint holds, and what it refuses."""

import pytest
import torch
from method_reference import EPOCH, RATE, Trained

from espnet_soups.soup.checkpoint import units_of
from espnet_soups.soup.config import SoupConfig
from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model


def test_a_run_that_resumes_between_two_measured_steps_goes_on_as_if_it_never_stopped():
    whole, first, second = (Trained(refresh=3, gradient_norm="rows") for _ in range(3))
    batches = [make_toy_batch(seed=step) for step in range(8)]
    for batch in batches:
        whole.step([batch])
    for batch in batches[:4]:
        first.step([batch])
    second.model.load_state_dict(first.model.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    for batch in batches[4:]:
        second.step([batch])
    one, other = (str(run.optimizer.state_dict()["soup"]) for run in (whole, second))
    assert one == other
    for mine, theirs in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert not any("soup" in name for name in whole.model.state_dict())


def test_a_checkpoint_of_other_levels_or_of_another_trainer_is_refused():
    with pytest.raises(ValueError, match="this run has levels"):
        Trained(soup="vs").optimizer.load_state_dict(Trained().optimizer.state_dict())
    plain = make_toy_model()
    state = torch.optim.SGD(plain.parameters(), lr=RATE).state_dict()
    with pytest.raises(ValueError, match="no soup"):
        Trained().optimizer.load_state_dict(state)


def test_a_checkpoint_of_the_engine_before_is_refused_in_one_sentence():
    state = Trained().optimizer.state_dict()
    del state["soup"]["scale"]
    with pytest.raises(ValueError, match=r"engine of an earlier release.*`--resume false`"):
        Trained().optimizer.load_state_dict(state)


def test_a_checkpoint_that_was_measured_in_other_units_restarts_the_running_means(caplog):
    first, second = Trained(), Trained(layers=["encoder.encoders.1"])
    first.step([make_toy_batch()])
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert "running means start anew" in caplog.text
    assert second.model.soup.weights.scale.steps.tolist() == [0.0, 0.0]
    assert torch.equal(second.weights, first.weights)


def test_a_checkpoint_with_other_layers_to_select_from_has_other_units():
    configs = [
        SoupConfig(layers="conflicting", selection={"stacks": stacks})
        for stacks in (["encoder"], ["encoder", "shared_heads.text"])
    ]
    assert units_of(configs[0]) == units_of(SoupConfig(layers="conflicting"))
    assert units_of(configs[0]) != units_of(configs[1])
    assert units_of(SoupConfig(layers="all"))["layers"] == "all"


def test_a_penalty_that_falls_when_a_run_is_made_longer_is_told(caplog):
    runs = [Trained(penalty=[{"level": 2}]) for _ in range(2)]
    runs[0].model.soup.open_epoch(EPOCH, 40, 1)
    runs[1].optimizer.load_state_dict(runs[0].optimizer.state_dict())
    runs[1].model.soup.clock.begun = False  # a new process
    runs[1].model.soup.open_epoch(EPOCH + 1, 400, 1)
    assert "The penalty of level 2 falls from 1.5 to 0.26" in caplog.text
    runs[1].model.soup.open_epoch(EPOCH + 2, 4000, 1)
    assert caplog.text.count("The penalty of level 2 falls") == 1, "once in a process"

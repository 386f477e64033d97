"""Whole trajectories against the reference, which comes from the paper's equations alone."""

from dataclasses import replace

import pytest
import torch
from method_reference import LANGUAGES, TASKS, Reference, Trained, moved_far

from espnet_soups.testing.toy_model import make_toy_batch


@pytest.mark.parametrize("accum_grad", [1, 2, 4])
@pytest.mark.parametrize("gradient_norm", ["none", "rows", "release"])
def test_pipelined_weights_and_parameters_follow_the_equations(accum_grad, gradient_norm):
    trained = Trained(accum_grad, gradient_norm=gradient_norm)
    reference = Reference(gradient_norm=gradient_norm)
    for step in range(4):
        batches = [make_toy_batch(seed=10 * step + micro) for micro in range(accum_grad)]
        trained.step(batches)
        reference.pipelined(batches)
        trained.assert_equals(reference)
    assert moved_far(reference)


@pytest.mark.parametrize("levels", [[[0, 1, 2, 3, 4]], TASKS[::-1], LANGUAGES])
@pytest.mark.parametrize("mode", ["pipelined", "exact"])
def test_every_hierarchy_follows_the_equations(levels, mode):
    trained, reference = Trained(levels=levels, mode=mode), Reference(levels)
    for step in range(3):
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        getattr(reference, mode)(batch if mode == "exact" else [batch])
        trained.assert_equals(reference)
    assert moved_far(reference)


@pytest.mark.parametrize("gradient_norm", ["none", "rows", "release"])
def test_exact_weights_come_from_two_halves_of_the_batch_that_they_weigh(gradient_norm):
    trained = Trained(mode="exact", gradient_norm=gradient_norm)
    reference = Reference(gradient_norm=gradient_norm)
    for step in range(3):
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        reference.exact(batch)
        trained.assert_equals(reference)
    assert moved_far(reference)


def test_with_three_batches_the_step_is_made_on_the_third_alone():
    trained, reference = Trained(mode="exact", exact_batches=3), Reference()
    for step in range(3):
        batch = make_toy_batch(seed=step, per_language=6)
        trained.step([batch])
        reference.exact_with_three(batch)
        trained.assert_equals(reference)


def test_heads_can_follow_the_weighted_loss():
    trained, reference = Trained(heads="weighted"), Reference(heads="weighted")
    for step in range(3):
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        reference.pipelined([batch])
        trained.assert_equals(reference)


@pytest.mark.parametrize("accum_grad", [1, 2])
def test_a_step_that_espnet_skips_moves_nothing(accum_grad):
    trained, reference = Trained(accum_grad), Reference()
    for step in range(4):
        batches = [make_toy_batch(seed=10 * step + micro) for micro in range(accum_grad)]
        if step == 2:
            batches[-1]["speech"][:] = torch.inf
            trained.step(batches)
        else:
            trained.step(batches)
            reference.pipelined(batches)
        trained.assert_equals(reference)
    assert trained.model.guard.skipped == 1


def test_a_last_step_that_was_skipped_is_counted_when_the_epoch_closes():
    trained = Trained()
    batch = make_toy_batch()
    batch["speech"][:] = torch.nan
    trained.step([batch])
    trained.model.guard.close_epoch(torch.device("cpu"))
    assert trained.model.guard.skipped == 1


def test_with_refresh_one_step_of_so_many_is_measured_and_counts_for_all_of_them():
    trained, reference, moved = Trained(refresh=3), Reference(), []
    for step in range(6):
        batch, before = make_toy_batch(seed=step), trained.weights.clone()
        trained.step([batch])
        reference.pipelined([batch], measured=step % 3 == 2, elapsed=3)
        trained.assert_equals(reference)
        moved.append(not torch.equal(before, trained.weights))
    assert moved == [False, False, True, False, False, True]


def test_weights_that_are_measured_seldom_drift_as_fast_as_weights_that_are_measured_always():
    batch, drifts = make_toy_batch(), []
    for refresh in (1, 8):
        trained = Trained(refresh=refresh, combiner_conf={"gamma": 0.02, "rho": 0.0})
        for group in trained.optimizer.param_groups:
            group["lr"] = 0.0
        start = trained.weights.clone()
        for _ in range(16):
            trained.step([batch])
        drifts.append(trained.weights - start)
    torch.testing.assert_close(drifts[0], drifts[1], rtol=1e-3, atol=1e-6)
    assert drifts[0].abs().max() > 0.05


def test_an_objective_with_labels_in_one_half_only_rests():
    trained, batch = Trained(), make_toy_batch()
    spanish = (batch["lang"][:, 0] == 2).nonzero()[1:, 0]
    batch["text_en"][spanish], batch["text_en_lengths"][spanish] = -1, 1
    before = trained.weights.clone()
    trained.step([batch])
    assert torch.equal(trained.weights[3:], before[3:]), "the other one has no partner"
    assert not torch.equal(trained.weights[:3], before[:3])
    assert trained.model.soup.means.gradients.steps().diagonal().tolist() == [1, 1, 1, 1, 0]


@pytest.mark.parametrize("mode", ["pipelined", "exact"])
@pytest.mark.parametrize(
    "measured", ["encoder.encoders.1", "encoder.encoders.0", "encoder.embed", "encoder.after_norm"]
)
def test_weights_from_some_layers_count_for_the_whole_backbone(mode, measured):
    trained = Trained(layers=[measured], mode=mode)
    reference = Reference(measured=f"{measured}.")
    for step in range(3):
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        getattr(reference, mode)(batch if mode == "exact" else [batch])
        trained.assert_equals(reference)
    assert moved_far(reference)


@pytest.mark.parametrize(
    ("layers", "of_the_lowest"), [(["encoder.encoders.1"], 2), ("all", 10), (["encoder.embed"], 16)]
)
def test_a_layer_below_the_measured_ones_is_walked_once_for_all_languages(layers, of_the_lowest):
    trained, walks = Trained(layers=layers), []
    lowest = trained.model.encoder.encoders[0]

    def watch(_, __, output):
        output[0][0].register_hook(lambda _: walks.append(None))

    lowest.register_forward_hook(watch)
    trained.step([make_toy_batch()])
    assert len(walks) == of_the_lowest  # of two lengths; of 5 objectives; of both


def test_exact_mode_refuses_gradient_accumulation():
    with pytest.raises(ValueError, match="`mode: exact` needs `accum_grad: 1`, but got 2"):
        Trained(accum_grad=2, mode="exact")


@pytest.mark.parametrize("gradient_norm", ["none", "rows"])
def test_penalties_that_grow_with_every_step_follow_the_equations(gradient_norm):
    penalty = [{"level": 2, "init": 0.1, "max": 1.5, "ramp": 1.0}]
    trained = Trained(penalty=penalty, gradient_norm=gradient_norm)
    trained.model.soup.open_epoch(1, 1, 1, steps=6)
    reference = Reference(gradient_norm=gradient_norm)
    for step in range(6):
        reference.c = [1.0, 0.1 + 1.4 * step / 6]
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        reference.pipelined([batch])
        trained.assert_equals(reference)
    assert moved_far(reference)


def test_running_means_forget_by_the_optimiser_steps_that_went_by():
    trained, reference = Trained(), Reference()
    for step, elapsed in enumerate([1, 40, 1, 100]):
        batch = make_toy_batch(seed=step)
        soup = trained.model.soup  # as if so many steps had not been measured
        soup.state = replace(soup.state, since=elapsed - 1)
        trained.step([batch])
        reference.pipelined([batch], elapsed=elapsed)
        trained.assert_equals(reference)
    assert moved_far(reference)


def test_a_half_without_labels_in_some_mini_batches_is_the_mean_of_the_others():
    """One Spanish translation, twice in the first mini-batch and once in the second."""
    batch = {name: value.repeat_interleave(2, dim=0) for name, value in make_toy_batch().items()}
    spanish = (batch["lang"][:, 0] == 2).nonzero()[:, 0]

    def labelled(number):
        cut = {name: value.clone() for name, value in batch.items()}
        cut["text_en"][spanish[number:]], cut["text_en_lengths"][spanish[number:]] = -1, 1
        return cut

    squares = []
    for window in ([labelled(2)], [labelled(2), labelled(1)]):
        trained = Trained(accum_grad=len(window))
        trained.step(window)
        squares.append(trained.model.soup.state.norms.signal[4])
    torch.testing.assert_close(squares[1], squares[0], rtol=1e-5, atol=0.0)

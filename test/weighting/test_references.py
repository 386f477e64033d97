"""Combiners against TorchJD on the rows, against its stateful classes, and against equations."""

import numpy as np
import pytest
import torch
import torchjd.aggregation
import torchjd.scalarization
from combiner_problems import build

from espnet_soups.weighting.combiner import Shown, scale_to_mass

SIZE = 4
# Name -> TorchJD's aggregator, which works on the rows themselves.
AGGREGATORS = {
    "aligned_mtl": lambda: torchjd.aggregation.AlignedMTL(),
    "cagrad": lambda: torchjd.aggregation.CAGrad(c=0.5),
    "config": lambda: torchjd.aggregation.ConFIG(),
    "dualproj": lambda: torchjd.aggregation.DualProj(),
    "fairgrad": lambda: torchjd.aggregation.FairGrad(alpha=1.0),
    "imtl_g": lambda: torchjd.aggregation.IMTLG(),
    "krum": lambda: torchjd.aggregation.Krum(n_byzantine=1),
    "mean": lambda: torchjd.aggregation.Mean(),
    "mgda": lambda: torchjd.aggregation.MGDA(),
    "pcd": lambda: torchjd.aggregation.PCD(),
    "sum": lambda: torchjd.aggregation.Sum(),
    "upgrad": lambda: torchjd.aggregation.UPGrad(),
}


def draw_rows(seed, conflict=0.0):
    """Rows [m, n] that share a direction, so that no weight has to be negative."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(SIZE, 50, generator=generator, dtype=torch.float64)
    rows = rows * torch.tensor([[1.0], [2.0], [0.5], [1.5]]) + (0.3 - conflict)
    return rows


def uniform():
    return torch.full((SIZE,), 1 / SIZE, dtype=torch.float64)


@pytest.mark.parametrize("name", sorted(AGGREGATORS))
@pytest.mark.parametrize("seed", range(3))
def test_weights_give_the_direction_that_torchjd_finds_on_the_rows(name, seed):
    rows, combiner = draw_rows(seed), build(name)
    weights, _ = combiner(uniform(), Shown(rows @ rows.T, torch.zeros(SIZE)), {})
    expected = AGGREGATORS[name]()(rows)
    found = weights @ rows
    torch.testing.assert_close(
        found / found.norm(), expected / expected.norm(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", ["gradvac", "pcgrad"])
def test_two_objectives_leave_nothing_to_chance_and_agree_with_torchjd(name):
    rows = torch.randn(2, 30, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    rows[1] -= rows[0]  # they conflict
    reference = {"gradvac": torchjd.aggregation.GradVac, "pcgrad": torchjd.aggregation.PCGrad}
    aggregator, combiner, state = reference[name](), build(name, names="ab"), {}
    weights = torch.tensor([0.5, 0.5], dtype=torch.float64)
    for scale in (1.0, 0.5, 2.0):
        scaled = rows * torch.tensor([[1.0], [scale]])
        weights, state = combiner(weights, Shown(scaled @ scaled.T, torch.zeros(2)), state)
        expected, found = aggregator(scaled), weights @ scaled
        torch.testing.assert_close(found / found.norm(), expected / expected.norm())


def test_sdmgrad_agrees_with_torchjd_on_cross_grams_over_steps():
    reference, combiner, state = torchjd.aggregation.SDMGradWeighting(), build("sdmgrad"), {}
    weights = uniform()
    for seed in range(4):
        gram = draw_rows(seed) @ draw_rows(seed + 10).T
        weights, state = combiner(weights, Shown(gram, torch.zeros(SIZE)), state)
        torch.testing.assert_close(weights, reference(gram))


def test_cr_mogm_agrees_with_torchjds_moving_average():
    from torchjd.aggregation import CRMOGMWeighting, MGDAWeighting

    reference = CRMOGMWeighting(MGDAWeighting(), alpha=0.7)
    combiner, state = build("cr_mogm", {"base": "mgda", "alpha": 0.7}), {}
    weights = uniform()
    for seed in range(4):
        rows = draw_rows(seed, conflict=0.3)
        weights, state = combiner(weights, Shown(rows @ rows.T, torch.zeros(SIZE)), state)
        torch.testing.assert_close(weights, reference(rows @ rows.T))


@pytest.mark.parametrize("seed", range(5))
def test_nash_mtl_solves_the_equation_of_its_paper(seed):
    rows = draw_rows(seed, conflict=0.3)
    gram = rows @ rows.T
    weights, _ = build("nash_mtl", {"eps": 1e-12})(uniform(), Shown(gram, torch.zeros(SIZE)), {})
    shares = (weights * (gram @ weights)).numpy()  # a * (G a) = 1 for all, before scaling
    np.testing.assert_allclose(shares, shares.mean(), rtol=1e-6)


def test_nash_mtl_bears_objectives_that_cancel_out():
    gram = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    weights, _ = build("nash_mtl", names="ab")(
        torch.tensor([0.3, 0.7], dtype=torch.float64), Shown(gram, torch.zeros(2)), {}
    )
    torch.testing.assert_close(weights, torch.tensor([0.5, 0.5], dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("stch", {"mu": 0.3}),
        ("geometric_mean", {}),
        ("pbi", {"theta": 2.0}),
        ("cosmos", {"lambda_": 0.5}),
    ],
)
def test_weights_are_the_slope_of_the_scalarizer(name, options):
    losses = np.array([0.5, 2.0, 1.0, 3.0])
    preference = np.full(SIZE, 1 / SIZE)
    unit = preference / np.linalg.norm(preference)
    functions = {
        "stch": lambda x: 0.3 * np.log(np.exp(preference * x / 0.3).sum()),
        "geometric_mean": lambda x: np.exp(np.log(x).mean()),
        "pbi": lambda x: x @ unit + 2.0 * np.linalg.norm(x - (x @ unit) * unit),
        "cosmos": lambda x: preference @ x - 0.5 * (x @ unit) / np.linalg.norm(x),
    }
    bumps = 1e-6 * np.eye(SIZE)
    function = functions[name]
    slope = np.array([(function(losses + b) - function(losses - b)) / 2e-6 for b in bumps])
    slope = np.maximum(slope, 0)
    shown = Shown(torch.zeros(SIZE, SIZE), torch.tensor(losses))
    weights, _ = build(name, options)(uniform(), shown, {})
    np.testing.assert_allclose(weights.numpy(), slope / slope.sum(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["uw", "imtl_l"])
def test_learnt_scales_converge_to_the_inverse_of_the_losses(name):
    losses = torch.tensor([0.5, 2.0, 1.0, 3.0], dtype=torch.float64)
    combiner, weights, state = build(name, {"lr": 0.2}), uniform(), {}
    for _ in range(400):
        weights, state = combiner(weights, Shown(torch.zeros(SIZE, SIZE), losses), state)
    torch.testing.assert_close(weights, (1 / losses) / (1 / losses).sum())


def test_dwa_agrees_with_torchjd_over_epochs():
    reference, combiner = (
        torchjd.scalarization.DWA(temperature=1.5),
        build("dwa", {"temperature": 1.5}),
    )
    generator = torch.Generator().manual_seed(0)
    weights, state = uniform(), {}
    for epoch in range(1, 6):
        for _ in range(3):
            losses = torch.rand(SIZE, generator=generator, dtype=torch.float64) + 0.5
            shown = Shown(torch.zeros(SIZE, SIZE), losses, epoch)
            weights, state = combiner(weights, shown, state)
            variable = losses.clone().requires_grad_()
            (expected,) = torch.autograd.grad(reference(variable), variable)
            torch.testing.assert_close(weights, expected / SIZE)
        reference.step()
    assert not torch.allclose(weights, uniform(), atol=0.01)


def test_famo_agrees_with_torchjd_where_its_losses_after_the_step_are_those_of_the_next():
    reference, combiner = torchjd.scalarization.FAMO(SIZE).double(), build("famo")
    generator = torch.Generator().manual_seed(0)
    weights, state = uniform(), {}
    for step in range(6):
        losses = torch.rand(SIZE, generator=generator, dtype=torch.float64) + 0.5
        if step:
            reference.update(losses)
        variable = losses.clone().requires_grad_()
        (expected,) = torch.autograd.grad(reference(variable), variable)
        weights, state = combiner(weights, Shown(torch.zeros(SIZE, SIZE), losses), state)
        torch.testing.assert_close(weights, expected / expected.sum())


@pytest.mark.parametrize("name", ["config", "mgda", "nash_mtl", "upgrad"])
def test_gradients_that_are_all_smaller_have_the_same_weights(name):
    rows, combiner = draw_rows(7, conflict=0.3), build(name)
    expected, _ = combiner(uniform(), Shown(rows @ rows.T, torch.zeros(SIZE)), {})
    small, _ = combiner(uniform(), Shown(1e-4 * rows @ rows.T, torch.zeros(SIZE)), {})
    torch.testing.assert_close(small, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["config", "imtl_g", "mgda", "nash_mtl"])
def test_of_a_matrix_that_is_no_gram_matrix_the_nearest_one_counts(name):
    values = np.array([-0.4, 0.2, 1.0, 2.0])  # halves with noise bring eigenvalues below 0
    vectors = np.linalg.qr(np.random.default_rng(1).normal(size=(SIZE, SIZE)))[0]
    combiner, found = build(name), []
    for own in (values, np.maximum(values, 0)):
        gram = torch.tensor(vectors * own @ vectors.T)
        found.append(combiner(uniform(), Shown(gram, torch.zeros(SIZE)), {})[0])
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(found[0], uniform(), atol=0.01)


@pytest.mark.parametrize("name", ["config", "nash_mtl"])
def test_without_a_gradient_to_weigh_the_weights_stay(name):
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    nothing = torch.zeros(SIZE, SIZE, dtype=torch.float64)
    assert torch.equal(build(name)(weights, Shown(nothing, torch.zeros(SIZE)), {})[0], weights)


def test_config_rests_while_one_gradient_is_zero_since_it_has_no_direction():
    gram = torch.diag(torch.tensor([1.0, 2.0, 3.0, 0.0], dtype=torch.float64))
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    assert torch.equal(build("config")(weights, Shown(gram, torch.zeros(SIZE)), {})[0], weights)


def test_famo_bears_a_loss_of_zero():
    losses, weights, state = torch.tensor([0.0, 1.0, 2.0, 3.0]), uniform(), {}
    for _ in range(3):
        shown = Shown(torch.zeros(SIZE, SIZE), losses)
        weights, state = build("famo")(weights, shown, state)
        assert torch.isfinite(weights).all()
        assert weights[0] == weights.max()


def test_weights_that_cancel_out_exactly_cannot_be_scaled_and_stay():
    weights = torch.tensor([0.5, -0.5])
    assert scale_to_mass(torch.tensor([1.0, 2.0]), weights) is weights


def test_nash_mtl_does_not_pass_for_solved_what_it_has_not_solved(monkeypatch):
    monkeypatch.setattr("espnet_soups.weighting.nash_mtl.MAX_STEPS", 2)
    rows = draw_rows(1, conflict=0.3)
    with pytest.raises(ValueError, match="nash_mtl found no solution"):
        build("nash_mtl")(uniform(), Shown(rows @ rows.T, torch.zeros(SIZE)), {})

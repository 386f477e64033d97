"""The gradient that arrives at the encoder is the one that the combiner promises.

Fixed batch, learning rate 0: once the weights have settled, the direction is compared with that of
TorchJD's aggregator on the objectives' own gradients, which come from a model without a soup.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torchjd.aggregation as tj
from scipy.optimize import minimize

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en"]
AGGREGATORS = {
    "aligned_mtl": tj.AlignedMTL,
    "cagrad": lambda: tj.CAGrad(c=0.5),
    "config": tj.ConFIG,
    "dualproj": tj.DualProj,
    "fairgrad": lambda: tj.FairGrad(alpha=1.0),
    "imtl_g": tj.IMTLG,
    "krum": lambda: tj.Krum(n_byzantine=1),
    "mean": tj.Mean,
    "mgda": tj.MGDA,
    "pcd": tj.PCD,
    "sum": tj.Sum,
    "upgrad": tj.UPGrad,
}
WIDE = dict(zip(NAMES, (8.0, 1.0, 0.3, 0.05, 2.0), strict=True))  # norms of unlike size
NEAR = dict(zip(NAMES, (2.0, 1.0, 0.6, 0.8, 1.5), strict=True))  # so that solvers get to their end
EXACT = {"combiner": "mgda", "combiner_conf": {"epsilon": 1e-9, "max_iters": 5000}}


def scale_losses(model, factors):
    """Give the objectives' gradients unlike norms."""
    for name, factor in factors.items():
        head = model.heads[name]
        forward = head.forward

        def scaled(*args, forward=forward, factor=factor, **kwargs):
            loss = forward(*args, **kwargs)
            return replace(loss, total=loss.total * factor)

        head.forward = scaled
    return model


def own_gradients(batch, seed, columns="encoder.", factors=WIDE):
    """The gradient of every objective on the encoder, [m, n], by autograd."""
    model, rows = scale_losses(make_toy_model("default", seed=seed).train(), factors), []
    parameters = [p for n, p in model.named_parameters() if n.startswith(columns)]
    for name in NAMES:
        model.static_weights = {other: float(other == name) for other in NAMES}
        loss = model(**batch)[0].sum()
        parts = torch.autograd.grad(loss, parameters, materialize_grads=True)
        rows.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(rows)


def twins(seed):
    """A batch whose two halves are the same, so that it has no noise."""
    batch = make_toy_batch(seed=seed)
    return {name: value.repeat_interleave(2, dim=0) for name, value in batch.items()}


def arriving(batch, seed, steps, accum_grad=1, columns="encoder.", factors=WIDE, since=0, **conf):
    """The gradient on the encoder in the last of some steps that change nothing, and the soup."""
    model = make_toy_model("msp", {"soup": "vs", **conf}, seed=seed).train()
    scale_losses(model, factors)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    model.soup.bind(model, optimizer)
    model.soup.open_epoch(1, 2, accum_grad, steps)
    model.soup.state = replace(model.soup.state, since=since)
    for _ in range(steps):
        optimizer.zero_grad()
        for _ in range(accum_grad):
            (model(**batch)[0].sum() / accum_grad).backward()
        parts = [p.grad.flatten() for n, p in model.named_parameters() if n.startswith(columns)]
        optimizer.step()
    return torch.cat(parts), model


def cosine(one, other):
    return float(one @ other / one.norm() / other.norm())


@pytest.mark.parametrize("name", sorted(AGGREGATORS))
@pytest.mark.parametrize("geometry", ["none", "rows"])
def test_the_step_is_the_direction_of_torchjds_aggregator(name, geometry):
    batch = twins(seed=1)
    found, _ = arriving(batch, 1, 2, combiner=name, gradient_norm=geometry)
    rows = own_gradients(batch, 1)
    if geometry == "rows":
        rows = rows / rows.norm(dim=1, keepdim=True)
    assert cosine(found, AGGREGATORS[name]()(rows)) >= 0.999


@pytest.mark.parametrize("name", sorted(AGGREGATORS))
def test_on_a_noisy_batch_the_published_direction_is_that_of_the_whole_batch(name):
    batch = make_toy_batch(seed=2)
    found, _ = arriving(batch, 2, 2, combiner=name, gram="batch", factors=NEAR)
    assert cosine(found, AGGREGATORS[name]()(own_gradients(batch, 2, factors=NEAR))) >= 0.999


@pytest.mark.parametrize("options", [{"mode": "exact"}, {"accum_grad": 3}, {"refresh": 3}])
@pytest.mark.parametrize("name", ["mgda", "upgrad", "imtl_g"])
def test_the_mode_changes_nothing_about_the_direction(name, options):
    batch = twins(seed=3)
    found, _ = arriving(batch, 3, 4, combiner=name, **options)
    assert cosine(found, AGGREGATORS[name]()(own_gradients(batch, 3))) >= 0.999


def least_norm(rows):
    """The weights of the least norm of the convex hull, by a solver for quadratic programs."""
    gram = (rows @ rows.T).numpy()
    gram = gram / np.abs(gram).max()
    found = minimize(
        lambda w: w @ gram @ w,
        np.full(len(gram), 1 / len(gram)),
        jac=lambda w: 2 * gram @ w,
        bounds=[(0, 1)] * len(gram),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return torch.from_numpy(found.x)


@pytest.mark.parametrize("geometry", ["none", "rows"])
def test_settled_modo_is_the_vector_of_least_norm_and_raises_no_objective(geometry):
    batch = twins(seed=1)
    found, _ = arriving(
        batch,
        1,
        2,
        combiner_conf={"gamma": 0.3},
        since=9999,  # as if so many steps had gone by without a measurement
        gradient_norm=geometry,
        factors=NEAR,
    )
    rows = own_gradients(batch, 1, factors=NEAR)
    if geometry == "rows":
        rows = rows / rows.norm(dim=1, keepdim=True)
    expected = least_norm(rows) @ rows
    assert cosine(found, expected) >= 0.999
    slopes = rows @ found / found.norm() / rows.norm(dim=1)
    assert (slopes > -0.01).all(), slopes


@pytest.mark.parametrize("measured", ["encoder.encoders.1.", "encoder.encoders.0."])
def test_with_selected_layers_the_direction_is_that_of_their_columns(measured):
    batch = twins(seed=5)
    found, _ = arriving(
        batch, 5, 2, combiner="upgrad", layers=[measured.rstrip(".")], columns=measured
    )
    assert cosine(found, tj.UPGrad()(own_gradients(batch, 5, measured))) >= 0.999


@pytest.mark.parametrize("soup", [{"soup": "vm", "order": "SA"}, {"soup": "vm", "order": "AS"}])
def test_with_levels_the_step_is_the_sum_of_the_levels_by_their_penalties(soup):
    batch, c = twins(seed=6), 0.4
    penalty = [{"level": 2, "schedule": "constant", "init": c}]
    found, model = arriving(batch, 6, 3, penalty=penalty, factors=NEAR, **EXACT, **soup)
    rows = own_gradients(batch, 6, factors=NEAR)
    top, low = ([0, 1, 2], [3, 4]) if soup["order"] == "SA" else ([3, 4], [0, 1, 2])
    lower = least_norm(rows[low]) @ rows[low]
    upper = least_norm(rows[top] + c * lower) @ rows[top]
    assert cosine(found, upper + c * lower) >= 0.999
    weights = model.soup.weights.values
    assert float(weights[top].sum()) == pytest.approx(1.0)
    multipliers = model.soup.gates.multipliers
    assert float(multipliers[low].sum() / multipliers[top].sum()) == pytest.approx(c)


def test_in_the_metric_of_adam_the_step_of_adam_raises_no_objective_and_the_euclidean_one_does():
    """With fixed second moments, `P^-1 d` is what AdamW makes of the direction d."""
    batch, lowest = twins(seed=7), {}
    for metric in ("euclidean", "adam"):
        conf = {"soup": "vs", "metric": metric, **EXACT}
        model = scale_losses(make_toy_model("msp", conf, seed=7).train(), NEAR)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0)
        model.soup.bind(model, optimizer)
        model.soup.open_epoch(1, 2, 1, 4)
        names = [n for n, _ in model.named_parameters() if n.startswith("encoder.")]
        for _ in range(4):
            optimizer.zero_grad()
            model(**batch)[0].sum().backward()
            optimizer.step()
            fix_moments(model, optimizer)
        parameters = dict(model.named_parameters())
        root = torch.cat([optimizer.state[parameters[n]]["exp_avg_sq"].flatten() for n in names])
        direction = torch.cat([parameters[n].grad.flatten() for n in names])
        rows = own_gradients(batch, 7, factors=NEAR)
        step = direction / (root.sqrt() + optimizer.param_groups[0]["eps"])
        slopes = rows @ step / step.norm() / rows.norm(dim=1)
        lowest[metric] = float(slopes.min())
    assert lowest["adam"] > -1e-3
    assert lowest["euclidean"] < -1e-2


def fix_moments(model, optimizer):
    """Set the second moments to numbers that span six orders of magnitude, as if long trained."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        state = optimizer.state[parameter]
        drawn = torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
        state["exp_avg_sq"].copy_(10.0 ** (6 * drawn))
        state["step"].fill_(1e7)  # no correction of the bias is left


def test_an_optimiser_without_second_moments_is_refused():
    with pytest.raises(ValueError, match=r"`metric: adam` reads the second moments.*is SGD"):
        arriving(make_toy_batch(), 0, 1, metric="adam")


@pytest.mark.parametrize("name", ["mgda", "imtl_g", "upgrad"])
def test_the_gram_of_an_accumulated_step_is_that_of_the_gradient_that_is_stepped_on(name):
    """Mini-batches of unlike labels: the shares of their halves differ."""
    batches = [make_toy_batch(seed=seed, per_language=3) for seed in range(4)]
    model = make_toy_model("msp", {"soup": "vs", "combiner": name, "gram": "batch"}).train()
    scale_losses(model, NEAR)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    model.soup.bind(model, optimizer)
    model.soup.open_epoch(1, 2, len(batches))
    for _ in range(2):
        optimizer.zero_grad()
        for batch in batches:
            (model(**batch)[0].sum() / len(batches)).backward()
        found = [p.grad.flatten() for n, p in model.named_parameters() if n.startswith("encoder.")]
        optimizer.step()
    rows = sum(own_gradients(batch, 0, factors=NEAR) for batch in batches)
    assert cosine(torch.cat(found), AGGREGATORS[name]()(rows)) >= 0.999

"""What the weights act on: the whole backbone, the measured layers, or these alone."""

from dataclasses import replace

import pytest
import torch

from espnet_soups.gradients.gate import Gates
from espnet_soups.soup.elsewhere import Elsewhere, weigh_elsewhere
from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en"]
WEIGHTS = torch.tensor([0.1, 0.5, 0.4, 0.7, 0.3], dtype=torch.float64)
UNIFORM = torch.tensor([1 / 3] * 3 + [1 / 2] * 2, dtype=torch.float64)
C = torch.tensor([1.0, 1.0, 1.0, 0.4, 0.4], dtype=torch.float64)
PENALTY = [{"level": 2, "init": 0.4, "schedule": "constant"}]
TOP = "encoder.encoders.1."


def own_gradients(batch):
    """The gradient of every objective on every parameter, by autograd on a model without soup."""
    model = make_toy_model("default").train()
    rows = []
    for name in NAMES:
        model.static_weights = {other: float(other == name) for other in NAMES}
        named = dict(model.named_parameters())
        found = torch.autograd.grad(
            model(**batch)[0].sum(), list(named.values()), materialize_grads=True
        )
        rows.append(dict(zip(named, found, strict=True)))
    return rows


class Trained:
    """A soup of two levels whose weights stand still."""

    def __init__(self, **conf):
        settings = {"soup": "vm", "order": "SA", "penalty": PENALTY, "combiner_conf": {"gamma": 0}}
        self.model = make_toy_model("msp", {**settings, **conf}).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.model.soup.bind(self.model, self.optimizer)
        self.model.soup.open_epoch(1, 4, 1)
        soup = self.model.soup
        soup.state = replace(soup.state, weights=replace(soup.weights, values=WEIGHTS))

    def backward(self, batch):
        self.optimizer.zero_grad()
        self.model(**batch)[0].sum().backward()
        return {name: p.grad.clone() for name, p in self.model.named_parameters()}


@pytest.mark.parametrize("options", [{}, {"mode": "exact"}, {"refresh": 4}])
@pytest.mark.parametrize("acts_on", ["backbone", "measured"])
def test_layers_that_are_not_measured_follow_the_weights_or_uniform_ones(acts_on, options):
    batch = make_toy_batch()
    found = Trained(acts_on=acts_on, layers=[TOP.rstrip(".")], **options).backward(batch)
    rows = own_gradients(batch)
    for name, gradient in found.items():
        elsewhere = acts_on == "measured" and not name.startswith(TOP)
        weights = C * (UNIFORM if elsewhere else WEIGHTS)
        if not name.startswith("encoder."):
            weights = torch.ones(5)
        expected = sum(w * row[name] for w, row in zip(weights, rows, strict=True))
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_other_layers_stay_as_they_are_moments_and_weight_decay_included():
    trained = Trained(acts_on="measured_only", acts_from=2, layers=[TOP.rstrip(".")])
    before = None
    for epoch in (1, 2):
        trained.model.soup.open_epoch(epoch, 4, 1)
        for seed in range(2):
            trained.model(**make_toy_batch(seed=seed))[0].sum().backward()
            trained.optimizer.step()
            trained.optimizer.zero_grad()
        after = {name: p.detach().clone() for name, p in trained.model.named_parameters()}
        if before is not None:
            still = {n for n in after if torch.equal(after[n], before[n])}
            others = {n for n in after if n.startswith("encoder.") and not n.startswith(TOP)}
            assert still == others
        before = after


def test_while_no_layer_conflicts_static_weights_rule_and_no_layer_is_left_out():
    for acts_on in ("measured", "measured_only"):
        trained = Trained(acts_on=acts_on, layers="conflicting", selection={"steps": 3})
        trained.model.soup.layers.chosen, trained.model.soup.layers.surveying = (), False
        before = {name: p.detach().clone() for name, p in trained.model.named_parameters()}
        found = trained.backward(make_toy_batch())
        trained.optimizer.step()
        moved = [n for n, p in trained.model.named_parameters() if not torch.equal(p, before[n])]
        assert any(name.startswith("encoder.encoders.0.") for name in moved)
        name = next(n for n in found if n.startswith("encoder.encoders.0.") and "weight" in n)
        weights = C * (UNIFORM if acts_on == "measured" else WEIGHTS)
        rows = [row[name] for row in own_gradients(make_toy_batch())]
        expected = sum(w * g for w, g in zip(weights, rows, strict=True))
        torch.testing.assert_close(found[name], expected, rtol=1e-4, atol=1e-6)


class Parabolas:
    """Losses a²·p², b²·q² … by hand: the gradient of each on p is 2·a²·p, on q it is 0."""

    def __init__(self):
        self.p = torch.nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
        self.q = torch.nn.Parameter(torch.tensor(5.0, dtype=torch.float64))
        self.losses = [self.p**2, 10 * self.p**2, 100 * self.q**2]


def test_what_is_added_is_the_weighted_gradient_times_what_arrives_at_the_loss():
    one = Parabolas()
    factors = torch.tensor([[2.0, 1.0, 0.0]], dtype=torch.float64)
    result = weigh_elsewhere(sum(one.losses), [one.losses], factors, [one.p, one.q])
    assert result.item() == 9 + 90 + 2500
    (4 * result).backward()
    assert one.p.grad.item() == 4 * ((6 + 60) + (2 * 6 + 1 * 60))
    assert one.q.grad.item() == 4 * 1000, "no factor, nothing is added"


def test_both_parts_of_a_mini_batch_add_and_a_factor_of_none_is_never_multiplied_with_infinity():
    one = Parabolas()
    broken = torch.tensor(float("inf"), dtype=torch.float64) * one.p
    parts = [[one.losses[0], broken], [one.losses[1], one.losses[0]]]
    factors = torch.tensor([[2.0, 0.0], [1.0, -1.0]], dtype=torch.float64)
    weigh_elsewhere(one.losses[0], parts, factors, [one.p]).backward()
    assert one.p.grad.item() == 6 + (2 * 6 + 60 - 6)


@pytest.mark.parametrize("factor", [0.0, 2.0])
def test_where_there_is_nothing_to_add_the_loss_stays_as_it_is(factor):
    one = Parabolas()
    constant = [[torch.tensor(1.0)]] if factor else [[one.losses[0]]]
    assert (
        weigh_elsewhere(one.losses[1], constant, torch.tensor([[factor]]), [one.p])
        is (one.losses[1])
    )
    assert weigh_elsewhere(one.losses[1], [[one.losses[0]]], torch.ones(1, 1), []) is one.losses[1]


class Layers:
    """What stands for a selection of layers."""

    def __init__(self, *parameters):
        self.used_parameters = list(parameters)


@pytest.mark.parametrize(("epoch", "left"), [(1, False), (2, True), (3, True)])
def test_what_is_left_alone_is_the_rest_from_the_given_epoch_on(epoch, left):
    one = Parabolas()
    rest = Elsewhere([one.p, one.q], Layers(one.p), Gates(3)).left_alone(epoch, begin=2)
    assert [id(parameter) for parameter in rest] == ([id(one.q)] if left else [])
    assert Elsewhere([one.p, one.q], Layers(), Gates(3)).left_alone(epoch, begin=2) == []


def test_gradients_elsewhere_have_the_wanted_multipliers_by_the_share_of_each_part():
    one = Parabolas()
    gates = Gates(2)
    gates.multipliers = torch.tensor([0.5, 0.25], dtype=torch.float64)
    wanted, shares = torch.tensor([2.0, 3.0]).double(), torch.tensor([[0.25, 0.5], [0.75, 0.5]])
    behind = [[gates(one.losses[0], 0), gates(one.losses[1], 1)] for _ in range(2)]
    total = sum(
        share * loss
        for row, losses in zip(shares, behind, strict=True)
        for share, loss in zip(row, losses, strict=True)
    )
    elsewhere = Elsewhere([one.p, one.q], Layers(one.q), gates)
    elsewhere.weigh(total, behind, shares, wanted).backward()
    assert one.p.grad.item() == pytest.approx(2.0 * 6 + 3.0 * 60, rel=1e-12)

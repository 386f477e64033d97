"""What the weights act on: the whole backbone, the measured layers, or these alone."""

from dataclasses import replace

import pytest
import torch

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

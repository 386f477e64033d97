"""Products of two halves at one point are the truth; those of neighbouring steps are not."""

import numpy as np
import pytest
import torch
from toy_soup import Backbone, Run

EPOCHS, STEPS = 30, 40
RATES = {"sgd": 0.2, "adamw": 1.0}
CENTRES = torch.tensor([1.0, -1.0, 0.5, -0.5], dtype=torch.float64)
NOISE = torch.tensor([0.3, 1.0, 0.3, 3.0], dtype=torch.float64)


class Quadratic(torch.nn.Module):
    """Objective k is |theta - centre_k|^2 / 2, with noise of its own size in its gradient."""

    def __init__(self):
        super().__init__()
        self.encoder = Backbone()

    @property
    def theta(self):
        return torch.cat([p.flatten() for p in self.parameters()])

    def losses(self, noise):
        theta = self.theta
        return [
            ((theta - centre) ** 2).sum() / 2 + theta @ own.flatten()
            for centre, own in zip(CENTRES, noise, strict=True)
        ]

    def slopes(self):
        return self.theta.detach() - CENTRES[:, None]


def optimizer_of(name):
    kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[name]
    return lambda parameters: kind(parameters, lr=RATES[name])


def mean_errors(values):
    """Mean over epochs in standard errors, of every number."""
    values = np.array(values)
    return values.mean(axis=0) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_mean_gram_of_halves_is_the_truth_and_that_of_neighbouring_steps_is_not(optimizer):
    generator = torch.Generator().manual_seed(0)
    run = Run(Quadratic(), optimizer_of(optimizer), combiner="measure_only")
    size = len(run.model.theta)
    ours, neighbours = [], []
    for epoch in range(1, EPOCHS + 1):
        run.open_epoch(epoch, EPOCHS)
        truth, paired, before = np.zeros(4), np.zeros(4), None
        for _ in range(STEPS):
            slopes = run.model.slopes()
            noise = torch.randn(2, 4, size, generator=generator).double() * NOISE[:, None]
            run.step(noise.view(2, 4, 1, size))
            rows = slopes + noise.mean(dim=0)
            if before is not None:
                paired += (rows * before).sum(dim=1).numpy() / (STEPS - 1)
            truth += (slopes**2).sum(dim=1).numpy() / STEPS
            before = rows
        if epoch > 5:  # stationary by then
            measured = run.soup.means.gradients
            ours.append(measured.mean_squares().numpy() - truth)
            neighbours.append(paired - truth)
    assert (np.abs(mean_errors(ours)) < 4).all(), mean_errors(ours)
    assert (np.abs(mean_errors(neighbours)) > 4).any(), mean_errors(neighbours)


def test_the_same_batch_twice_is_biased_towards_the_noisy_and_halves_are_not():
    """Four objectives of one norm, at right angles; one of them has four times the noise."""
    found = {}
    for gram in ("halves", "batch"):
        generator = torch.Generator().manual_seed(1)
        run = Run(combiner="mgda", gram=gram, soup="vs")
        run.open_epoch(1)
        weights = []
        for _ in range(60):
            halves = torch.zeros(2, 4, 5, 8).double()
            for k in range(4):
                halves[:, k, 0, k] = 30.0
            noise = torch.randn(2, 4, 5, 8, generator=generator).double()
            run.step(halves + noise * torch.tensor([1.0, 4.0, 1.0, 1.0])[:, None, None])
            weights.append(run.weights.clone())
        found[gram] = torch.stack(weights).mean(dim=0)
    assert found["batch"][1] < 0.215
    assert abs(float(found["halves"][1]) - 0.25) < 0.02

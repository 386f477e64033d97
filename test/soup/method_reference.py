"""The method from its equations, and the model as ESPnet's loop drives it.

The reference knows no gates, hooks, deposits or cuts: it takes the gradient of every objective on
each half and on the whole batch by autograd, and writes out F, C, the projection and the step.
"""

import numpy as np
import torch

from espnet_soups.testing.toy_model import make_toy_model

NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en"]
TASKS = [[0, 1, 2], [3, 4]]  # order SA: recognition on top
LANGUAGES = [[0], [1, 3], [2, 4]]  # three levels, one of a single objective
GAMMA, RHO, RATE, CLIP, EPOCH, C = 0.3, 0.05, 0.05, 5.0, 26, 0.5
RELEASE_GAMMA = 0.003  # raw products are some hundred times as large


def onto_simplex(vector):
    low, high = vector.min() - 1.0, vector.max()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(vector - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(vector - high, 0)


class Mean:
    """A running mean: plain at first, then with a memory of 64 optimiser steps."""

    def __init__(self, size):
        self.signal, self.power, self.steps = np.zeros(size), np.zeros(size), 0

    def see(self, signal, power, elapsed):
        self.steps += elapsed
        share = max(elapsed / self.steps, 1 - (1 - 1 / 64) ** elapsed)
        self.signal = self.signal + share * (signal - self.signal)
        self.power = self.power + share * (power - self.power)
        return np.maximum(self.signal, 0.05 * self.power)


class Reference:
    """The method, straight from its equations."""

    def __init__(self, levels=TASKS, gradient_norm="none", measured="encoder.", heads="own"):
        self.model = make_toy_model("default").train()
        named = list(self.model.named_parameters())
        encoder = [(name, p) for name, p in named if name.startswith("encoder.")]
        self.backbone = [p for _, p in encoder]
        self.columns = np.concatenate(
            [np.full(p.numel(), name.startswith(measured)) for name, p in encoder]
        )
        self.heads = [p for name, p in named if not name.startswith("encoder.")]
        self.levels, self.gradient_norm, self.weigh_heads = levels, gradient_norm, heads != "own"
        self.weights = np.zeros(5)
        for level in levels:
            self.weights[level] = 1 / len(level)
        self.c = [1.0] + [C] * (len(levels) - 1)
        self.norms, self.scales = Mean(5), [Mean(1) for _ in levels]
        self.own_norms = None

    def gradients(self, batch):
        """The gradient of each objective on backbone [m, n] and heads [m, h]."""
        rows, parameters = [], self.backbone + self.heads
        for name in NAMES:
            self.model.static_weights = {other: float(other == name) for other in NAMES}
            loss = self.model(**batch)[0].sum()
            parts = torch.autograd.grad(loss, parameters, materialize_grads=True)
            rows.append(torch.cat([part.flatten() for part in parts]).numpy())
        size = sum(p.numel() for p in self.backbone)
        return np.array(rows)[:, :size], np.array(rows)[:, size:]

    def factors(self):
        """What each gradient is multiplied with: c_p w_k, and in `rows` divided by its norm."""
        plain = np.zeros(5)
        for c, level in zip(self.c, self.levels, strict=True):
            plain[level] = c * self.weights[level]
        if self.gradient_norm != "rows" or self.own_norms is None:
            return plain
        return plain / self.own_norms * (plain @ self.own_norms) / plain.sum()

    def move(self, first, second, elapsed=1):
        """One step of MoDo per optimiser step, on each level's penalised vector objective."""
        first, second = first[:, self.columns], second[:, self.columns]
        square = self.norms.see(
            (first * second).sum(1), ((first**2).sum(1) + (second**2).sum(1)) / 2, elapsed
        )
        self.own_norms = np.sqrt(square)
        if self.gradient_norm == "rows":
            first, second = first / self.own_norms[:, None], second / self.own_norms[:, None]
            length = self.own_norms.mean()
            first, second = first * length, second * length
        moved = self.weights.copy()
        for p, level in enumerate(self.levels):
            lower = [(q, j) for q in range(p + 1, len(self.levels)) for j in self.levels[q]]
            one, two = (
                np.array(
                    [
                        self.c[p] * g[k] + sum(self.c[q] * self.weights[j] * g[j] for q, j in lower)
                        for k in level
                    ]
                )
                for g in (first, second)
            )
            if self.gradient_norm != "release":  # a mean of gradients, whatever the penalties
                one, two = one / sum(self.c[p:]), two / sum(self.c[p:])
            signal = (one * two).sum(1).mean()
            power = ((one**2).sum(1) + (two**2).sum(1)).mean() / 2
            scale, gamma = self.scales[p].see(signal, power, elapsed), GAMMA
            if self.gradient_norm == "release":
                scale, gamma = 1.0, RELEASE_GAMMA
            own = self.weights[level]
            for _ in range(elapsed):
                own = onto_simplex(own - gamma * (one @ two.T @ own / scale + RHO * own))
            moved[level] = own
        self.weights = moved

    def step(self, rows, heads):
        factors = self.factors()
        own = factors @ heads if self.weigh_heads else heads.sum(axis=0)
        direction = np.concatenate([factors @ rows, own])
        direction *= min(1.0, CLIP / (np.linalg.norm(direction) + 1e-6))
        offset = 0
        with torch.no_grad():
            for parameter in self.backbone + self.heads:
                part = direction[offset : offset + parameter.numel()]
                parameter -= RATE * torch.from_numpy(part).view_as(parameter)
                offset += parameter.numel()

    def dealt(self, batch, parts):
        """The rows of the backbone on each part: utterances of a language are dealt in turn."""
        order = torch.arange(len(batch["lang"])) % parts
        return [{k: v[order == part] for k, v in batch.items()} for part in range(parts)]

    def pipelined(self, batches, measured=True, elapsed=1):
        """One optimiser step on an accumulation window; the weights hold from the next step on."""
        whole = [self.gradients(batch) for batch in batches]
        rows, heads = (sum(pair[i] for pair in whole) / len(whole) for i in (0, 1))
        halves = [[self.gradients(half)[0] for half in self.dealt(b, 2)] for b in batches]
        self.step(rows, heads)
        if measured:
            self.move(*(sum(pair[i] for pair in halves) / len(halves) for i in (0, 1)), elapsed)

    def exact(self, batch):
        """The weights come from two halves of the batch that they weigh."""
        whole = self.gradients(batch)
        self.move(*(self.gradients(half)[0] for half in self.dealt(batch, 2)))
        self.step(*whole)

    def exact_with_three(self, batch):
        first, second, third = (self.gradients(part) for part in self.dealt(batch, 3))
        self.move(first[0], second[0])
        self.step(*third)


class Trained:
    """The model as ESPnet's loop drives it."""

    def __init__(self, accum_grad=1, levels=TASKS, **options):
        release = options.get("gradient_norm") == "release"
        conf = {
            "soup": "custom",
            "levels": [[NAMES[k] for k in level] for level in levels],
            "combiner_conf": {"gamma": RELEASE_GAMMA if release else GAMMA, "rho": RHO},
            "penalty": [
                {"level": p, "init": C, "schedule": "constant"} for p in range(2, len(levels) + 1)
            ],
        }
        if release:
            conf["combiner_conf"]["rho"] = RHO
        self.model = make_toy_model("msp", {**conf, **options}).train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE)
        self.model.soup.bind(self.model, self.optimizer)
        self.model.soup.open_epoch(EPOCH, 200, accum_grad)
        self.model.guard.bind(self.optimizer)
        self.model.guard.open_epoch(accum_grad)
        self.accum_grad = accum_grad

    @property
    def weights(self):
        return self.model.soup.weights.values

    def step(self, batches):
        for batch in batches:
            (self.model(**batch)[0].sum() / self.accum_grad).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad()

    def assert_equals(self, reference):
        np.testing.assert_allclose(self.weights, reference.weights, rtol=0, atol=1e-6)
        expected = dict(reference.model.named_parameters())
        for name, parameter in self.model.named_parameters():
            torch.testing.assert_close(parameter, expected[name], rtol=0, atol=1e-6, msg=name)


def moved_far(reference):
    start = np.zeros(5)
    for level in reference.levels:
        start[level] = 1 / len(level)
    return np.abs(reference.weights - start).max() > 0.01

"""Whole trajectories against a reference: no gates, no hooks, no trainer; autograd and numpy."""

import numpy as np
import pytest
import torch

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

LEVELS = [[0, 1, 2], [3, 4]]  # order SA: recognition on top
NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en"]
GAMMA, RHO, RATE, CLIP, EPOCH = 0.3, 0.05, 0.05, 5.0, 26
# Plain rows are some ten times as long, so their products a hundred times as large.
GAMMA_OF_PLAIN_ROWS = 0.003


def onto_simplex(vector):
    low, high = vector.min() - 1.0, vector.max()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(vector - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(vector - high, 0)


class Reference:
    """The method of the paper, straight from its formulas."""

    def __init__(self, normalise, weigh_heads=False, measured="encoder."):
        self.weigh_heads = weigh_heads
        self.model = make_toy_model("default").train()
        named = list(self.model.named_parameters())
        self.backbone = [p for name, p in named if name.startswith("encoder.")]
        self.columns = np.concatenate(
            [
                np.full(p.numel(), name.startswith(measured))
                for name, p in named
                if name.startswith("encoder.")
            ]
        )
        self.heads = [p for name, p in named if not name.startswith("encoder.")]
        self.weights = np.array([1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2])
        self.penalties = [1.0, 0.02 * (EPOCH - 1)]
        self.normalise = normalise
        self.gamma = GAMMA if normalise else GAMMA_OF_PLAIN_ROWS
        self.norms, self.steps = np.zeros(5), 0
        self.previous = None

    def gradients(self, batch):
        """Gives G [m, n] on the backbone and the gradient of the heads."""
        rows, heads = [], None
        for name in NAMES:
            self.model.static_weights = {other: float(other == name) for other in NAMES}
            loss = self.model(**batch)[0].sum()
            parameters = self.backbone + self.heads
            parts = torch.autograd.grad(loss, parameters, materialize_grads=True)
            flat = torch.cat([part.flatten() for part in parts[: len(self.backbone)]])
            rows.append(flat.numpy())
            own = torch.cat([part.flatten() for part in parts[len(self.backbone) :]]).numpy()
            if self.weigh_heads:
                own = own * self.penalties[name.startswith("st_")] * self.weights[NAMES.index(name)]
            heads = own if heads is None else heads + own
        return np.array(rows), heads

    def observe_norms(self, rows):
        self.steps += 1
        share = max(1.0 / self.steps, 0.01)
        lengths = np.linalg.norm(rows[:, self.columns], axis=1)
        self.norms = self.norms + share * (lengths - self.norms)

    def next_weights(self, first, second):
        scale = self.norms[:, None] if self.normalise else 1.0
        first, second = first[:, self.columns] / scale, second[:, self.columns] / scale
        moved = self.weights.copy()
        for p, level in enumerate(LEVELS):
            lower = [(q, j) for q in range(p + 1, 2) for j in LEVELS[q]]
            ratio = {j: self.penalties[q] / self.penalties[p] * self.weights[j] for q, j in lower}
            one, two = (
                np.array([g[k] + sum(r * g[j] for j, r in ratio.items()) for k in level])
                for g in (first, second)
            )
            own = self.weights[level]
            moved[level] = onto_simplex(own - self.gamma * (one @ two.T @ own + RHO * own))
        return moved

    def step(self, rows, heads, weights):
        scale = np.array([self.penalties[0]] * 3 + [self.penalties[1]] * 2)
        direction = np.concatenate([(scale * weights) @ rows, heads])
        direction *= min(1.0, CLIP / (np.linalg.norm(direction) + 1e-6))
        offset = 0
        with torch.no_grad():
            for parameter in self.backbone + self.heads:
                part = direction[offset : offset + parameter.numel()]
                parameter -= RATE * torch.from_numpy(part).view_as(parameter)
                offset += parameter.numel()

    def pipelined(self, batches, measured=True):
        """One optimiser step on an accumulation window."""
        pairs = [self.gradients(batch) for batch in batches]
        rows, heads = (sum(pair[i] for pair in pairs) / len(pairs) for i in (0, 1))
        self.step(rows, heads, self.weights)
        if measured:
            self.observe_norms(rows)
            if self.previous is not None:
                self.weights = self.next_weights(rows, self.previous)
            self.previous = rows

    def exact(self, batch):
        order = torch.arange(12)  # utterances of each language are dealt in turn
        (first, heads), (second, others) = (
            self.gradients({k: v[order % 2 == half] for k, v in batch.items()}) for half in (0, 1)
        )
        self.observe_norms((first + second) / 2)
        self.weights = self.next_weights(first, second)
        self.step((first + second) / 2, (heads + others) / 2, self.weights)

    def exact_with_three(self, batch):
        order = torch.arange(18)
        (first, _), (second, _), (third, heads) = (
            self.gradients({k: v[order % 3 == part] for k, v in batch.items()})
            for part in (0, 1, 2)
        )
        self.observe_norms((first + second) / 2)
        self.weights = self.next_weights(first, second)
        self.step(third, heads, self.weights)


class Trained:
    """The model as ESPnet's loop drives it."""

    def __init__(self, accum_grad=1, **options):
        gamma = GAMMA_OF_PLAIN_ROWS if options.get("gradient_norm") == "none" else GAMMA
        conf = {"soup": "vm", "order": "SA", "combiner_conf": {"gamma": gamma, "rho": RHO}}
        self.model = make_toy_model("msp", {**conf, **options}).train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE)
        self.model.soup.bind(self.model, self.optimizer)
        self.model.soup.open_epoch(EPOCH, 200, accum_grad)
        self.model.guard.bind(self.optimizer)
        self.model.guard.open_epoch(accum_grad)
        self.accum_grad = accum_grad

    def step(self, batches):
        for batch in batches:
            (self.model(**batch)[0].sum() / self.accum_grad).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad()

    def assert_equals(self, reference):
        weights = self.model.soup.weights.numpy()
        np.testing.assert_allclose(weights, reference.weights, rtol=0, atol=1e-6)
        expected = dict(reference.model.named_parameters())
        for name, parameter in self.model.named_parameters():
            torch.testing.assert_close(parameter, expected[name], rtol=0, atol=1e-6, msg=name)


@pytest.mark.parametrize("accum_grad", [1, 2, 4])
@pytest.mark.parametrize("gradient_norm", ["ema", "none"])
def test_pipelined_weights_and_parameters_follow_the_formulas(accum_grad, gradient_norm):
    trained = Trained(accum_grad, gradient_norm=gradient_norm)
    reference = Reference(normalise=gradient_norm == "ema")
    for step in range(4):
        batches = [make_toy_batch(seed=10 * step + micro) for micro in range(accum_grad)]
        trained.step(batches)
        reference.pipelined(batches)
        trained.assert_equals(reference)
    assert np.abs(reference.weights - [1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2]).max() > 0.01


def test_exact_weights_come_from_two_halves_of_the_batch_that_they_weigh():
    trained, reference = Trained(mode="exact"), Reference(normalise=True)
    for step in range(3):
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        reference.exact(batch)
        trained.assert_equals(reference)
    assert np.abs(reference.weights - [1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2]).max() > 0.01


def test_with_three_batches_the_step_is_made_on_the_third_alone():
    trained = Trained(mode="exact", exact_batches=3)
    reference = Reference(normalise=True)
    for step in range(3):
        batch = make_toy_batch(seed=step, per_language=6)
        trained.step([batch])
        reference.exact_with_three(batch)
        trained.assert_equals(reference)


def test_heads_can_follow_the_weighted_loss():
    trained = Trained(heads="weighted")
    reference = Reference(normalise=True, weigh_heads=True)
    for step in range(3):
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        reference.pipelined([batch])
        trained.assert_equals(reference)


@pytest.mark.parametrize("accum_grad", [1, 2])
def test_a_step_that_espnet_skips_moves_nothing(accum_grad):
    trained, reference = Trained(accum_grad), Reference(normalise=True)
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


def test_with_refresh_two_neighbouring_steps_are_measured_and_the_weights_move_once():
    trained, reference = Trained(refresh=3), Reference(normalise=True)
    moved = []
    for step in range(6):
        batch, before = make_toy_batch(seed=step), trained.model.soup.weights.clone()
        trained.step([batch])
        reference.pipelined([batch], measured=step % 3 < 2)
        if step % 3 == 1:
            reference.previous = None
        trained.assert_equals(reference)
        moved.append(not torch.equal(before, trained.model.soup.weights))
    assert moved == [False, True, False, False, True, False]


@pytest.mark.parametrize("mode", ["pipelined", "exact"])
@pytest.mark.parametrize(
    "measured", ["encoder.encoders.1", "encoder.encoders.0", "encoder.embed", "encoder.after_norm"]
)
def test_weights_from_some_layers_count_for_the_whole_backbone(mode, measured):
    trained = Trained(layers=[measured], mode=mode)
    reference = Reference(normalise=True, measured=f"{measured}.")
    for step in range(3):
        batch = make_toy_batch(seed=step)
        trained.step([batch])
        getattr(reference, mode)(batch if mode == "exact" else [batch])
        trained.assert_equals(reference)
    assert np.abs(reference.weights - [1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2]).max() > 0.01


@pytest.mark.parametrize(
    ("layers", "of_the_lowest"), [(["encoder.encoders.1"], 3), ("all", 5), (["encoder.embed"], 8)]
)
def test_a_layer_below_the_measured_ones_is_walked_once_for_each_language(layers, of_the_lowest):
    trained, walks = Trained(layers=layers), []
    lowest = trained.model.encoder.encoders[0]

    def watch(_, __, output):
        output[0][0].register_hook(lambda _: walks.append(None))

    lowest.register_forward_hook(watch)
    trained.step([make_toy_batch()])
    assert len(walks) == of_the_lowest  # 3 languages; 5 objectives; both


def test_exact_mode_refuses_gradient_accumulation():
    with pytest.raises(ValueError, match="`mode: exact` needs `accum_grad: 1`, but got 2"):
        Trained(accum_grad=2, mode="exact")


def test_the_state_of_a_soup_returns_through_the_optimiser():
    trained = Trained()
    for step in range(3):
        trained.step([make_toy_batch(seed=step)])
    other = Trained()
    other.optimizer.load_state_dict(trained.optimizer.state_dict())
    restored, soup = other.model.soup, trained.model.soup
    assert torch.equal(restored.weights, soup.weights)
    assert torch.equal(restored.norms.values, soup.norms.values)
    assert torch.equal(restored.norms.steps, soup.norms.steps)
    assert not any("soup" in name for name in trained.model.state_dict())


def test_a_checkpoint_of_other_levels_or_of_another_trainer_is_refused():
    with pytest.raises(ValueError, match="this run has levels"):
        Trained(soup="vs").optimizer.load_state_dict(Trained().optimizer.state_dict())
    plain = make_toy_model()
    state = torch.optim.SGD(plain.parameters(), lr=RATE).state_dict()
    with pytest.raises(ValueError, match="no soup"):
        Trained().optimizer.load_state_dict(state)

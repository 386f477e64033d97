"""Whole trajectories against a reference from the paper's equations: autograd and numpy alone.

The reference knows no gates, hooks, deposits or cuts: it takes the gradient of every objective on
each half and on the whole batch, and writes out F, C, the projection and the step.
"""

import numpy as np
import pytest
import torch

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

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
    ("layers", "of_the_lowest"), [(["encoder.encoders.1"], 6), ("all", 10), (["encoder.embed"], 16)]
)
def test_a_layer_below_the_measured_ones_is_walked_once_for_each_language(layers, of_the_lowest):
    trained, walks = Trained(layers=layers), []
    lowest = trained.model.encoder.encoders[0]

    def watch(_, __, output):
        output[0][0].register_hook(lambda _: walks.append(None))

    lowest.register_forward_hook(watch)
    trained.step([make_toy_batch()])
    assert len(walks) == of_the_lowest  # two halves of 3 languages; of 5 objectives; of both


def test_exact_mode_refuses_gradient_accumulation():
    with pytest.raises(ValueError, match="`mode: exact` needs `accum_grad: 1`, but got 2"):
        Trained(accum_grad=2, mode="exact")


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
        trained.model.soup.since = elapsed - 1  # as if so many steps had not been measured
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
        squares.append(trained.model.soup.geometry.norms.signal[4])
    torch.testing.assert_close(squares[1], squares[0], rtol=1e-5, atol=0.0)


def test_a_checkpoint_that_was_measured_in_other_units_restarts_the_running_means(caplog):
    first, second = Trained(), Trained(layers=["encoder.encoders.1"])
    first.step([make_toy_batch()])
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert "running means start anew" in caplog.text
    assert second.model.soup.weights.scale.steps.tolist() == [0.0, 0.0]
    assert torch.equal(second.weights, first.weights)


def test_a_penalty_that_falls_when_a_run_is_made_longer_is_told(caplog):
    runs = [Trained(penalty=[{"level": 2}]) for _ in range(2)]
    runs[0].model.soup.open_epoch(EPOCH, 40, 1)
    runs[1].optimizer.load_state_dict(runs[0].optimizer.state_dict())
    runs[1].model.soup.clock.begun = False  # a new process
    runs[1].model.soup.open_epoch(EPOCH + 1, 400, 1)
    assert "The penalty of level 2 falls from 1.5 to 0.26" in caplog.text

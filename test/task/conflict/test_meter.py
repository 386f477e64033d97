"""What stage 8 measures on a toy model, against autograd and against steps made by hand."""

import copy
import math

import numpy as np
import pytest
import torch

from espnet_soups.conflict.table import WHOLE
from espnet_soups.task.conflict.batches import MeasuredBatches
from espnet_soups.task.conflict.meter import ConflictMeter
from espnet_soups.testing.toy_model import ENCODER_CONF, TOKENS, make_toy_batch, make_toy_model

STEP = 1e-4


def take(number=6, **how):
    """Return batches as the sampler and the collator would make them."""
    batches = [make_toy_batch(seed=seed, **how) for seed in range(number)]
    made = [
        ([f"{seed}-{row}" for row in range(len(batch["lang"]))], batch)
        for seed, batch in enumerate(batches)
    ]
    return MeasuredBatches.take(made, number, seed=3)


def measure(model, batches=None, step=0.0):
    """Measure a model; return what was found, and its numbers by place."""
    meter = ConflictMeter(model.train(), take() if batches is None else batches, step, 0.95)
    found = meter.measure("start")
    numbers = {(r.group, r.first, r.second, r.quantity): r for r in found.rows}
    return found, numbers


def rows_by_autograd(model, batches):
    """Return the gradient of every objective on every batch, with a backward pass each."""
    shared = [p for n, p in model.named_parameters() if n.startswith("encoder.")]
    found = []
    for number, batch in enumerate(batches.batches):
        rows = []
        for position in range(len(model.objectives)):
            model.zero_grad()
            torch.manual_seed(3 + number)
            model.objective_losses(**batch)[position].backward()
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
            rows.append(torch.cat([g.flatten() for g in gradients]))
        found.append(torch.stack(rows))
    return torch.stack(found)


def test_cosines_are_those_of_gradients_of_batches_that_differ():
    model, batches = make_toy_model(), take()
    _, numbers = measure(model, batches)
    rows = rows_by_autograd(model, batches)
    products = torch.einsum("aip,bjp->abij", rows, rows).numpy()
    apart = ~np.eye(len(rows), dtype=bool)
    mean = products[apart].mean(axis=0)
    names = [objective.name for objective in model.objectives]
    known = 0
    for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
        row = numbers[WHOLE, names[i], names[j], "cosine"]
        if not math.isnan(row.value):
            known += 1
            assert row.value == pytest.approx(mean[i, j] / math.sqrt(mean[i, i] * mean[j, j]))
    assert known >= 3


def test_every_module_of_the_backbone_has_its_rows_and_measuring_changes_nothing():
    model = make_toy_model()
    before = copy.deepcopy(model.state_dict())
    found, numbers = measure(model, step=STEP)
    groups = {group for group, *_ in numbers}
    assert {"encoder.encoders.0", "encoder.encoders.1", WHOLE} <= groups
    assert all(group == WHOLE or group.startswith("encoder.") for group in groups)
    assert found.used == 6
    assert found.left_out == {}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_measuring_twice_gives_the_same_numbers_although_masks_are_drawn():
    options = {
        "specaug": "specaug",
        "specaug_conf": {"apply_time_warp": False, "time_mask_width_ratio_range": [0.0, 0.5]},
    }
    options["encoder_conf"] = {**ENCODER_CONF, "dropout_rate": 0.1}
    one, _ = measure(make_toy_model(**options))
    two, _ = measure(make_toy_model(**options))
    assert repr(one.rows) == repr(two.rows)


def test_affinities_are_the_falls_of_losses_after_steps_on_other_batches():
    model, batches = make_toy_model(), take(4)
    _, numbers = measure(model, batches, STEP)
    rows = rows_by_autograd(model, batches)
    names = [objective.name for objective in model.objectives]
    shared = [p for n, p in model.named_parameters() if n.startswith("encoder.")]
    norm = math.sqrt(sum(float(p.detach().square().sum()) for p in shared))
    i, j = 0, len(names) - 1
    falls = []
    for number, batch in enumerate(batches.batches):
        direction = rows.sum(dim=0)[i] - rows[number, i]
        stepped = make_toy_model()
        theta = [p for n, p in stepped.named_parameters() if n.startswith("encoder.")]
        parts = direction.split([p.numel() for p in theta])
        with torch.no_grad():
            for parameter, part in zip(theta, parts, strict=True):
                parameter -= STEP * norm / direction.norm() * part.view_as(parameter)
        before, after = (m.objective_losses(**batch)[j].item() for m in (model, stepped))
        falls.append((before - after) / before)
    row = numbers[WHOLE, names[i], names[j], "affinity"]
    assert row.value == pytest.approx(np.mean(falls), rel=1e-6)
    assert numbers[WHOLE, names[i], names[i], "affinity"].value > 0


def test_a_batch_whose_gradient_is_not_finite_is_left_out_with_the_names():
    batches = take(7)
    broken = dict(batches.batches[2])
    broken["speech"] = broken["speech"].clone()
    spoken = broken["lang"][:, 0] == 1
    broken["speech"][spoken.nonzero()[0]] = math.nan
    changed = [*batches.batches]
    changed[2] = broken
    found, numbers = measure(make_toy_model(), MeasuredBatches(changed, 3))
    assert list(found.left_out) == [2]
    assert "asr_fr" in found.left_out[2]
    assert "asr_en" not in found.left_out[2] or len(found.left_out[2]) > 1
    assert found.used == 6
    assert numbers[WHOLE, "asr_en", "asr_es", "cosine"].batches == 6


def test_too_many_broken_batches_are_refused_and_so_are_too_few():
    broken = [{**b, "speech": b["speech"] * math.nan} for b in take(4).batches]
    with pytest.raises(ValueError, match="start: only 0 of 4 batches have finite gradients"):
        measure(make_toy_model(), MeasuredBatches(broken, 3))
    with pytest.raises(ValueError, match="needs 4 batches or more, but there are 3"):
        measure(make_toy_model(), take(3))


def test_an_objective_without_labels_gets_no_number_and_others_do():
    batches = take(6, languages=(0, 1))
    _, numbers = measure(make_toy_model(), batches)
    assert math.isnan(numbers[WHOLE, "asr_es", "", "norm"].value)
    assert numbers[WHOLE, "asr_es", "", "norm"].batches == 0
    assert not math.isnan(numbers[WHOLE, "asr_en", "", "norm"].value)


def test_one_objective_alone_is_refused():
    model = make_toy_model(asr_token_list={"en": list(TOKENS)}, st_token_list={}, st_pairs=[])
    with pytest.raises(ValueError, match="between objectives, but there is one alone: asr_en"):
        measure(model)


def test_utterances_that_come_again_are_left_out_and_counted():
    first, again = make_toy_batch(per_language=1), make_toy_batch(seed=1, per_language=1)
    taken = MeasuredBatches.take([(["a", "b", "c"], first), (["d", "b", "e"], again)], 2, seed=0)
    assert taken.repeated == 1
    assert torch.equal(taken.batches[0]["speech"], first["speech"])
    for name, value in taken.batches[1].items():
        assert torch.equal(value, again[name][[0, 2]])
    nothing_new = MeasuredBatches.take([(["a", "b", "c"], first), (["c", "a", "b"], again)], 2, 0)
    assert len(nothing_new.batches) == 1

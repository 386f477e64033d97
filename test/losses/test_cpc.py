import math

import numpy as np
import pytest
import torch

from espnet_soups.losses.cpc import info_nce


def reference(predictions, targets, temperature, negatives):
    """InfoNCE with loops and numpy: one prediction after the other."""
    utterances, steps, _ = predictions.shape
    total, correct, candidates = 0.0, 0, []
    for row in range(utterances):
        for step in range(steps):
            scores, own = [], None
            for other in range(utterances):
                for place in range(steps):
                    if negatives == "utterance" and other != row:
                        continue
                    if negatives == "step" and place != step:
                        continue
                    first, second = predictions[row, step], targets[other, place]
                    cosine = first @ second / np.sqrt((first @ first) * (second @ second))
                    if (other, place) == (row, step):
                        own = len(scores)
                    scores.append(cosine / temperature)
            total += math.log(sum(math.exp(score) for score in scores)) - scores[own]
            correct += int(np.argmax(scores) == own)
            candidates.append(len(scores))
    return total, correct, np.mean(candidates)


@pytest.mark.parametrize("negatives", ["batch", "utterance", "step"])
def test_info_nce_agrees_with_an_independent_reference(negatives):
    random = np.random.default_rng(0)
    targets = random.normal(size=(4, 5, 6))
    predictions = targets + random.normal(size=targets.shape)
    found = info_nce(torch.tensor(predictions), torch.tensor(targets), 0.3, negatives)
    total, correct, candidates = reference(predictions, targets, 0.3, negatives)
    assert float(found.total) == pytest.approx(total, abs=1e-6)
    assert float(found.correct) == correct
    assert float(found.candidates) == candidates


def test_blind_guessing_costs_the_logarithm_of_the_candidates():
    same = torch.ones(3, 4, 2, dtype=torch.double)
    found = info_nce(same, same, 0.1)
    assert float(found.total) == pytest.approx(12 * math.log(12))
    assert float(found.candidates) == 12


def test_gradients_reach_predictions_and_targets():
    predictions = torch.randn(2, 3, 4, dtype=torch.double, requires_grad=True)
    targets = torch.randn(2, 3, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p, t: info_nce(p, t, 0.5).total, (predictions, targets))

import numpy as np
import torch

from espnet_soups.objectives.self_supervision.predictor import (
    AutoregressivePredictor,
    LinearPredictor,
)


def sigmoid(values):
    return 1.0 / (1.0 + np.exp(-values))


def test_each_step_sees_the_prediction_before_it_and_agrees_with_numpy():
    torch.manual_seed(0)
    predictor = AutoregressivePredictor(5, 6, 4).double()
    context = torch.randn(3, 5, dtype=torch.double)
    found = predictor(context, 4).detach().numpy()
    weights = {name: value.detach().numpy() for name, value in predictor.named_parameters()}

    def linear(name, values):
        return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    for row in range(3):
        state = np.tanh(linear("first_state", context[row].numpy()))
        prediction = linear("first_input", context[row].numpy())
        for step in range(4):
            inputs = prediction @ weights["cell.weight_ih"].T + weights["cell.bias_ih"]
            states = state @ weights["cell.weight_hh"].T + weights["cell.bias_hh"]
            reset, update = (sigmoid(inputs[i : i + 6] + states[i : i + 6]) for i in (0, 6))
            candidate = np.tanh(inputs[12:] + reset * states[12:])
            state = (1 - update) * candidate + update * state
            prediction = linear("output", state)
            np.testing.assert_allclose(found[row, step], prediction, atol=1e-9)


def test_the_linear_predictor_has_a_matrix_for_every_step():
    predictor = LinearPredictor(5, 3, 4).double()
    context = torch.randn(2, 5, dtype=torch.double)
    matrices = predictor.all_steps.weight.view(3, 4, 5)
    expected = torch.einsum("ked,bd->bke", matrices, context) + predictor.all_steps.bias.view(3, 4)
    torch.testing.assert_close(predictor(context, 3), expected)
    torch.testing.assert_close(predictor(context, 2), expected[:, :2])

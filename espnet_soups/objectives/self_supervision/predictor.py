"""Predictors of the following frames, all from the last frame of an encoded context."""

import torch
from torch import Tensor


class AutoregressivePredictor(torch.nn.Module):
    """Predictor that works step by step; each step sees the last prediction, never a real frame.

    Args:
        context_size: Dimension of an encoded context.
        hidden_size: Size of its recurrent cell.
        size: Dimension of a prediction.
    """

    def __init__(self, context_size: int, hidden_size: int, size: int) -> None:
        super().__init__()
        self.first_state = torch.nn.Linear(context_size, hidden_size)
        self.first_input = torch.nn.Linear(context_size, size)
        self.cell = torch.nn.GRUCell(size, hidden_size)
        self.output = torch.nn.Linear(hidden_size, size)

    def forward(self, context: Tensor, steps: int) -> Tensor:
        """Return the predictions, [B, steps, size].

        Args:
            context: Last encoded frame of each context, [B, context_size].
            steps: Number of frames to predict.
        """
        state, prediction = torch.tanh(self.first_state(context)), self.first_input(context)
        predictions = []
        for _ in range(steps):
            state = self.cell(prediction, state)
            prediction = self.output(state)
            predictions.append(prediction)
        return torch.stack(predictions, dim=1)


class LinearPredictor(torch.nn.Module):
    """Predictor with a separate matrix for every step.

    Args:
        context_size: Dimension of an encoded context.
        steps: Number of steps.
        size: Dimension of a prediction.

    Source:
        Van den Oord, Li and Vinyals (arXiv 1807.03748), eq. 3; from one context per crop.
    """

    def __init__(self, context_size: int, steps: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.all_steps = torch.nn.Linear(context_size, steps * size)

    def forward(self, context: Tensor, steps: int) -> Tensor:
        """Return the predictions, [B, steps, size].

        Args:
            context: Last encoded frame of each context, [B, context_size].
            steps: Number of frames to predict, at most that of the constructor.
        """
        predictions: Tensor = self.all_steps(context).unflatten(1, (-1, self.size))
        return predictions[:, :steps]

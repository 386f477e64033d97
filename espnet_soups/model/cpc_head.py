"""The head of contrastive predictive coding."""

from typing import ClassVar

import torch
from torch import Tensor

from espnet_soups.losses.cpc import info_nce
from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.model.crops import Crops, draw_crops
from espnet_soups.model.predictor import AutoregressivePredictor, LinearPredictor
from espnet_soups.model.ssl_config import CPCConfig
from espnet_soups.model.ssl_head import Encode, SSLHead, variance


class CPCHead(SSLHead):
    """Encodes a context, predicts the frames after it, and finds them among others (InfoNCE).

    Context and future are cut out of the features and encoded by themselves: an encoder that looks
    both ways never sees the future with the context, nor the context with the future.

    Args:
        encoder_size: Dimension of the encoder output.
        config: The settings.
        context: Feature frames of a context.
        future: Feature frames of a future.
        shortest: Feature frames that a context has at least.
        steps: Encoded frames of a future.

    Source:
        The paper's self-supervised objective (context of 240 frames, the next 120 step by step).
        What the predicted frames are compared with is not told there; here they are the future's
        own encoding, and gradients pass through both.
    """

    watched: ClassVar[tuple[str, ...]] = ("encoder_variance", "candidates")

    def __init__(
        self,
        encoder_size: int,
        config: CPCConfig,
        context: int,
        future: int,
        shortest: int,
        steps: int,
    ) -> None:
        super().__init__(config.audio)
        self.context, self.future, self.shortest = context, future, shortest
        self.temperature, self.negatives = config.temperature, config.negatives
        self.target = torch.nn.Linear(encoder_size, config.projection_size)
        self.predictor: AutoregressivePredictor | LinearPredictor
        if config.predictor == "linear":
            self.predictor = LinearPredictor(encoder_size, steps, config.projection_size)
        else:
            self.predictor = AutoregressivePredictor(
                encoder_size, config.hidden_size, config.projection_size
            )

    def forward(self, feats: Tensor, lengths: Tensor, encode: Encode) -> LossSum:
        """Gives the loss of some utterances; see `SSLHead.forward`."""
        crops = draw_crops(lengths, self.context, self.future, self.shortest, self.generator())
        enough = 2 if self.negatives == "step" else 1  # a frame to tell the right one from
        if len(crops.rows) < enough:
            return self.absent(feats, len(lengths), len(lengths))
        future, _ = encode(*crops.take_futures(feats))
        predictions = self.predict(feats, crops, encode, future.size(1))
        contrast = info_nce(predictions, self.target(future), self.temperature, self.negatives)
        dtype = sum_dtype(future)
        watched = {
            "encoder_variance": variance(future.flatten(0, 1)).to(dtype),
            "candidates": contrast.candidates.to(dtype),
        }
        return LossSum(
            total=contrast.total.to(dtype),
            count=future.new_tensor(future.size(0) * future.size(1), dtype=dtype),
            correct=contrast.correct.to(dtype),
            utterances=len(lengths),
            unalignable=crops.left_out,
            shortened=crops.shortened,
            watched=watched,
        )

    def predict(self, feats: Tensor, crops: Crops, encode: Encode, steps: int) -> Tensor:
        """Predicts the frames after each context from the context alone, [N, steps, E]."""
        context, lengths = encode(*crops.take_contexts(feats))
        last = context[torch.arange(len(lengths), device=lengths.device), lengths - 1]
        predictions: Tensor = self.predictor(last, steps)
        return predictions

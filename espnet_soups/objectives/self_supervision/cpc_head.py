"""Head of contrastive predictive coding."""

import torch
from torch import Tensor

from espnet_soups.losses.cpc import info_nce
from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.self_supervision.config import CPCConfig
from espnet_soups.objectives.self_supervision.crops import Crops, draw_crops
from espnet_soups.objectives.self_supervision.head import Encode, SSLHead, variance
from espnet_soups.objectives.self_supervision.predictor import (
    AutoregressivePredictor,
    LinearPredictor,
)


class CPCHead(SSLHead):
    """Head that predicts the frames after a context, and identifies them among others (InfoNCE).

    Context and future are cut out of the features, so that a bidirectional encoder never sees the
    future with the context. Predictions are compared with projections of the future's features, one
    share of them per encoded frame, or of the future encoded by itself.

    Args:
        encoder_size: Dimension of the encoder output.
        feature_size: Dimension of the features.
        config: The settings.
        context: Length of a context, feature frames.
        future: Length of a future, feature frames.
        shortest: Smallest length of a context, feature frames.
        steps: Length of a future, encoded frames.

    Source:
        The paper's self-supervised objective (context of 240 frames, the next 120 step by step). It
        does not state with what the predicted frames are compared. A bidirectional encoder can
        identify encoded targets by their position in the crop.
    """

    watched = ("encoder_variance", "candidates")

    def __init__(
        self,
        encoder_size: int,
        feature_size: int,
        config: CPCConfig,
        context: int,
        future: int,
        shortest: int,
        steps: int,
    ) -> None:
        super().__init__(config.audio)
        self.context, self.future, self.shortest = context, future, shortest
        self.temperature, self.negatives = config.temperature, config.negatives
        self.steps, self.encodes_targets = steps, config.targets == "encoded"
        target_size = encoder_size if self.encodes_targets else feature_size * (future // steps)
        self.target = torch.nn.Linear(target_size, config.projection_size)
        self.predictor: AutoregressivePredictor | LinearPredictor
        if config.predictor == "linear":
            self.predictor = LinearPredictor(encoder_size, steps, config.projection_size)
        else:
            self.predictor = AutoregressivePredictor(
                encoder_size, config.hidden_size, config.projection_size
            )

    def forward(  # type: ignore[override]
        self, feats: Tensor, lengths: Tensor, encode: Encode
    ) -> LossSum:
        """Return the loss of some utterances; see `SSLHead.forward`."""
        crops = draw_crops(lengths, self.context, self.future, self.shortest, self.generator())
        enough = 2 if self.negatives == "step" else 1  # else there is no other frame to choose
        if len(crops.rows) < enough:
            return self.absent(feats, len(lengths), len(lengths))
        targets = self.targets(feats, crops, encode)
        predictions, contexts = self.predict(feats, crops, encode, targets.size(1))
        contrast = info_nce(predictions, targets, self.temperature, self.negatives)
        dtype = sum_dtype(targets)
        watched = {
            "encoder_variance": variance(contexts).to(dtype),
            "candidates": contrast.candidates.to(dtype),
        }
        return LossSum(
            total=contrast.total.to(dtype),
            count=targets.new_tensor(targets.size(0) * targets.size(1), dtype=dtype),
            correct=contrast.correct.to(dtype),
            utterances=len(lengths),
            unalignable=crops.left_out,
            shortened=crops.shortened,
            watched=watched,
        )

    def targets(self, feats: Tensor, crops: Crops, encode: Encode) -> Tensor:
        """Return the targets of the predictions, [N, steps, E].

        Args:
            feats: Normalised features, [B, T, D].
            crops: The N crops.
            encode: The encoder, with the gate of the objective behind it.
        """
        future, lengths = crops.take_futures(feats)
        if self.encodes_targets:
            future, _ = encode(future, lengths)
        else:
            share = future.size(1) // self.steps
            future = future[:, : share * self.steps].unflatten(1, (self.steps, share)).flatten(2)
        projected: Tensor = self.target(future)
        return projected

    def predict(
        self, feats: Tensor, crops: Crops, encode: Encode, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Predict the frames after each context from the context alone.

        Args:
            feats: Normalised features, [B, T, D].
            crops: The N crops.
            encode: The encoder, with the gate of the objective behind it.
            steps: Number of frames to predict.

        Returns:
            (predictions [N, steps, E], all encoded frames of the contexts without padding [M, D]).
        """
        context, lengths = encode(*crops.take_contexts(feats))
        last = context[torch.arange(len(lengths), device=lengths.device), lengths - 1]
        inside = torch.arange(context.size(1), device=lengths.device) < lengths.unsqueeze(1)
        return self.predictor(last, steps), context[inside]

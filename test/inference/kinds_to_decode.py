"""Kinds as a user writes them: a label and a vector, of utterances of every language."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.objectives.decoding.decode_config import DecodeConfig
from espnet_soups.objectives.decoding.option import option
from espnet_soups.objectives.decoding.result import Decoder, Hypothesis
from espnet_soups.objectives.heads.head import Head
from espnet_soups.objectives.kind import Encoder, Heads, Kind, Options, Parts
from espnet_soups.objectives.objective import Objective

MOODS = ("calm", "wild")


@dataclass(frozen=True)
class MoodOptions:
    """What decoding of moods reads."""

    mood_bias: float = option(0.0, "added to the score of `wild`")


class MoodHead(Head):
    """Classifies the mean of the frames."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(size, len(MOODS))

    def embed(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """Return the mean of the frames of each utterance, [B, D]."""
        inside = torch.arange(encoded.size(1), device=encoded.device) < lengths[:, None]
        return (encoded * inside[..., None]).sum(dim=1) / lengths[:, None]

    def forward(
        self, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> LossSum:
        """Return the cross-entropy."""
        logits = self.linear(self.embed(encoded, frame_lengths))
        loss = torch.nn.functional.cross_entropy(logits, labels[:, 0], reduction="sum")
        correct = (logits.argmax(dim=-1) == labels[:, 0]).sum().to(loss.dtype)
        return LossSum(loss, loss.new_tensor(float(len(labels))), correct, len(labels))


class Mood(Kind):
    """Classify speech as calm or wild."""

    name: ClassVar[str] = "mood"
    title: ClassVar[str] = "Mood"
    sign: ClassVar[str] = "MOOD"
    decode_config: ClassVar[type[Any]] = MoodOptions

    def objective(self, name: str, settings: Options) -> Objective:
        """Return the objective of a name."""
        return Objective(
            name, f"kinds_to_decode:{type(self).__name__}", label=name, label_file="mood"
        )

    def encoders(
        self, objectives: Sequence[Objective], args: argparse.Namespace
    ) -> dict[tuple[str, str], Encoder]:
        """Return what looks up a mood."""
        return {
            (objective.label, ""): lambda label: np.array([MOODS.index(label)])
            for objective in objectives
        }

    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build a head for each objective."""
        return Heads({objective.name: MoodHead(parts.encoder_size) for objective in objectives})

    def build_decoder(
        self, objective: Objective, head: Any, args: argparse.Namespace, config: DecodeConfig
    ) -> Decoder:
        """Return what names the best mood."""
        bias = torch.tensor([0.0, config.of(self).mood_bias])

        def decode(encoded: Tensor, lengths: Tensor) -> list[tuple[Hypothesis, ...]]:
            logits = head.linear(head.embed(encoded, lengths)) + bias
            scores = logits.log_softmax(dim=-1)
            return [
                tuple(
                    Hypothesis(MOODS[index], (MOODS[index],), (index,), float(row[index]))
                    for index in row.argsort(descending=True).tolist()[: config.nbest]
                )
                for row in scores
            ]

        return decode


class Voice(Mood):
    """Return a vector."""

    name: ClassVar[str] = "voice"
    title: ClassVar[str] = "Voice"
    sign: ClassVar[str] = "VOICE"
    decode_config: ClassVar[None] = None  # type: ignore[assignment]

    def build_decoder(
        self, objective: Objective, head: Any, args: argparse.Namespace, config: DecodeConfig
    ) -> Decoder:
        """Return what gives the mean of the frames."""

        def decode(encoded: Tensor, lengths: Tensor) -> list[tuple[Hypothesis, ...]]:
            vectors = head.embed(encoded, lengths).numpy()
            return [(Hypothesis("", (), (), 0.0, vector),) for vector in vectors]

        return decode


class Silent(Mood):
    """Is learnt, but not decoded."""

    name: ClassVar[str] = "quiet"

    def build_decoder(
        self, objective: Objective, head: Any, args: argparse.Namespace, config: DecodeConfig
    ) -> None:
        """Return nothing."""

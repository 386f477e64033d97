"""Decode encoded speech by the heads of a model, in batches of similar length."""

import argparse
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from espnet_soups.network.encoded import LEAST_SAVED, LEAST_SAVED_GPU, split_by_length
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.decoding.decode_config import DecodeConfig
from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.heads.head import ENCODED_AND_SPEECH
from espnet_soups.objectives.objective import match_names
from espnet_soups.objectives.registry import kind_of

# What is longer is not too short for any encoder: 64 features, or half a second at 32 kHz.
MOST_FRAMES, MOST_SAMPLES = 64, 16384


@dataclass(frozen=True)
class EncodedSpeech:
    """An utterance, and what the encoder makes of it.

    Attributes:
        speech: Input of the encoder, features [T, F] or samples [S].
        states: Encoder output, [T', D].
        lengthened: Whether it was too short for the encoder, and was lengthened.
    """

    speech: Tensor
    states: Tensor
    lengthened: bool = False


class Decoders:
    """Decoders of the objectives of a model.

    Args:
        model: The model; it must be in eval mode when it decodes.
        args: The options of its training.
        config: How to decode.
        objectives: Globs over the objectives to decode; empty: all.

    Attributes:
        objectives: The objectives that are decoded.
        decoders: The decoder of each, by name.

    Raises:
        ValueError: If a head lacks what the decoding method needs, or a glob matches nothing.
    """

    def __init__(
        self,
        model: MSPModel,
        args: argparse.Namespace,
        config: DecodeConfig,
        objectives: Sequence[str] = (),
    ) -> None:
        self.model = model
        decodable = [item for item in model.objectives if kind_of(item).has("build_decoder")]
        names = [objective.name for objective in decodable]
        wanted = {name for glob in objectives or ["*"] for name in match_names(glob, names)}
        built = {
            objective: kind_of(objective).build_decoder(
                objective,
                model.heads[objective.name],  # type: ignore[arg-type]
                args,
                config,
            )
            for objective in decodable
            if objective.name in wanted
        }
        found = {objective: decoder for objective, decoder in built.items() if decoder is not None}
        self.objectives = list(found)
        self.decoders = {objective.name: decoder for objective, decoder in found.items()}

    def __call__(
        self, prepared: Sequence[Tensor], names: Sequence[str]
    ) -> dict[str, list[tuple[Hypothesis, ...]]]:
        """Decode utterances together.

        Args:
            prepared: The input of the encoder for each utterance: features, `(frames, width)`, or
                samples, `(samples,)`.
            names: The objectives to decode.

        Returns:
            By objective, the hypotheses of each utterance, best first.
        """
        encoded = self.encode_each(prepared)
        if lengthened := sum(item.lengthened for item in encoded):
            logging.warning(
                f"{lengthened} of {len(encoded)} utterances are too short for the encoder, and were"
                " lengthened at their end."
            )
        return {name: self.decode(encoded, name) for name in names}

    def encode_each(self, prepared: Sequence[Tensor]) -> list[EncodedSpeech]:
        """Encode utterances of any languages together, much shorter ones apart from longer ones.

        Args:
            prepared: The input of the encoder for each utterance.

        Returns:
            The encoded utterances, in the same order.
        """
        on_gpu = next(self.model.parameters()).is_cuda
        saved, lengths = LEAST_SAVED_GPU if on_gpu else LEAST_SAVED, list(map(len, prepared))
        found: dict[int, EncodedSpeech] = {}
        for rows in split_by_length(range(len(prepared)), lengths, saved):
            states, *known = self._take(*self.pad([prepared[row] for row in rows]))
            frames, taken = (part.tolist() for part in known)
            for row, own, length, size in zip(rows, states, frames, taken, strict=True):
                found[row] = EncodedSpeech(prepared[row], own[:length], size > len(prepared[row]))
        return [found[row] for row in range(len(prepared))]

    @torch.no_grad()
    def decode(self, encoded: Sequence[EncodedSpeech], name: str) -> list[tuple[Hypothesis, ...]]:
        """Decode one objective of encoded utterances together.

        Args:
            encoded: The utterances, at least one.
            name: Name of the objective.

        Returns:
            The hypotheses of each utterance, best first.
        """
        reads: Any = self.model.heads[name].reads
        decode: Any = self.decoders[name]
        given = self.pad([one.speech for one in encoded]) if reads == ENCODED_AND_SPEECH else ()
        found: list[tuple[Hypothesis, ...]] = decode(
            *self.pad([one.states for one in encoded]), *given
        )
        return found

    def pad(self, prepared: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Pad utterances to one length, on the device of the model.

        Args:
            prepared: The input of the encoder for each utterance.

        Returns:
            (the padded utterances, [B, T, F] or [B, S]; their lengths, [B]).
        """
        device = next(self.model.parameters()).device
        lengths = torch.tensor([len(speech) for speech in prepared], device=device)
        return pad_sequence(list(prepared), batch_first=True).to(device), lengths

    def encode(self, speech: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Encode padded utterances; those that are too short for the encoder are lengthened.

        Args:
            speech: Features [B, T, F] or samples [B, S].
            lengths: Frames or samples of each utterance, [B].

        Returns:
            (encoded [B, T', D], frames of each utterance [B]).
        """
        states, frames, _ = self._take(speech, lengths)
        return states, frames

    @torch.no_grad()
    def _take(self, speech: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return states [B, T', D], their lengths [B], and those of what the encoder took [B]."""
        while True:
            try:
                return *self.model.encode(speech, lengths), lengths
            except (TooShortUttError, RuntimeError) as error:
                # powers of two, so that the length of an utterance is the same in every batch
                longer = 1 << int(lengths.min()).bit_length()
                too_short = isinstance(error, TooShortUttError) or "Padding size" in str(error)
                if not too_short or longer > (MOST_SAMPLES if speech.dim() == 2 else MOST_FRAMES):
                    raise
                speech, lengths = lengthen(speech, lengths, longer)


def lengthen(speech: Tensor, lengths: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Return padded utterances of a least length; samples get silence, features their last frame.

    Args:
        speech: Features [B, T, F] or samples [B, S].
        lengths: Frames or samples of each utterance, [B], 1 or more.
        least: The least length.

    >>> features = torch.tensor([[[1.0], [2.0]], [[3.0], [0.0]]])
    >>> lengthen(features, torch.tensor([2, 1]), 3)[0].squeeze(2).tolist()
    [[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]]
    """
    missing = max(0, least - speech.size(1))
    longer = pad(speech, (0, 0) * (speech.dim() - 2) + (0, missing))
    if speech.dim() == 3:
        places = torch.arange(longer.size(1), device=speech.device)
        last = torch.minimum(places, lengths.unsqueeze(1) - 1)
        longer = longer.gather(1, last.unsqueeze(2).expand_as(longer))
    return longer, lengths.clamp(min=least)


def cut_batches(
    shapes: Mapping[str, Sequence[int]], config: DecodeConfig, times: int = 1
) -> Iterator[list[str]]:
    """Cut utterances into batches of similar length, long ones first.

    Args:
        shapes: Utterance id to the shape of its speech, `(frames, width)` or `(samples,)`.
        config: Settings of the decoding, with the limits of a batch.
        times: Multiple of these limits.

    Yields:
        The utterance ids of a batch.
    """
    batch: list[str] = []
    longest = 0
    for key in sorted(shapes, key=lambda key: shapes[key][0], reverse=True):
        longest = longest or prod(shapes[key])
        bins = longest * (len(batch) + 1)
        if batch and (
            len(batch) == times * config.batch_size
            or (config.batch_bins and bins > times * config.batch_bins)
        ):
            yield batch
            batch, longest = [], prod(shapes[key])
        batch.append(key)
    if batch:
        yield batch

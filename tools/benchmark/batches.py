"""Draw random mini-batches of a given shape: their content does not affect the time of a step."""

import torch
from torch import Tensor

from espnet_soups.objectives.language_codes import split_pairs
from tools.benchmark.spec import BatchShape

LEAST_BATCHES = 4  # different mini-batches
JITTER = 0.05  # lengths vary like those in a batch sorted by length


def draw_batch(shape: BatchShape, width: int, seed: int) -> dict[str, Tensor]:
    """Draw one mini-batch.

    Args:
        shape: Shape of the mini-batch.
        width: Feature dimension.
        seed: Seed of all that is random.

    Returns:
        The arguments of `MSPModel.forward`: `speech`, `(batch, frames, width)`, `lang`, `(batch,
        1)`, and labels, `(batch, tokens)`, each with lengths.
    """
    generator = torch.Generator().manual_seed(seed)
    languages = list(shape.asr_languages)
    size = len(languages) * shape.utterances
    scale = 1 + JITTER * (2 * torch.rand(size, generator=generator) - 1)
    of_language = torch.linspace(1 - shape.unlike, 1 + shape.unlike, len(languages))
    scale = scale * of_language.repeat_interleave(shape.utterances)
    frames = (shape.seconds / shape.frame_seconds * scale).round().long()
    batch = {
        "speech": torch.randn(size, int(frames.max()), width, generator=generator),
        "speech_lengths": frames,
        "lang": torch.arange(len(languages)).repeat_interleave(shape.utterances).unsqueeze(1),
    }
    batch["lang_lengths"] = torch.ones(size, dtype=torch.long)
    everybody = torch.ones(size, dtype=torch.bool)
    lengths = (shape.seconds * shape.asr_tokens_per_second * scale).round().long()
    _add_labels(batch, "text", lengths, shape.asr_vocabulary, everybody, generator)
    pairs = split_pairs(shape.st_pairs, languages)
    for target in sorted({target for _, target in pairs}):
        spoken = [languages.index(source) for source, written in pairs if written == target]
        has_label = torch.isin(batch["lang"][:, 0], torch.tensor(spoken))
        lengths = (shape.seconds * shape.st_tokens_per_second * scale).round().long()
        _add_labels(batch, f"text_{target}", lengths, shape.st_vocabulary, has_label, generator)
    return batch


def draw_batches(shape: BatchShape, width: int) -> list[dict[str, Tensor]]:
    """Draw the mini-batches that steps use in turn: some, or one for each of `stretches`.

    Args:
        shape: Shape of the mini-batches.
        width: Feature dimension.
    """
    number = max(LEAST_BATCHES, len(shape.stretches))
    return [draw_batch(shape.stretched(seed), width, seed) for seed in range(number)]


def take_language(batch: dict[str, Tensor], language: int, label: str) -> dict[str, Tensor]:
    """Return the utterances of one language with one kind of label, as a batch of its own.

    Args:
        batch: The mini-batch.
        language: Index of the language.
        label: Data name of the label, such as `text`.
    """
    rows = batch["lang"][:, 0] == language
    names = ["speech", "lang", label]
    part = {}
    for name in names:
        lengths = batch[f"{name}_lengths"][rows]
        part[name] = batch[name][rows][:, : int(lengths.max())]
        part[f"{name}_lengths"] = lengths
    return part


def _add_labels(
    batch: dict[str, Tensor],
    name: str,
    lengths: Tensor,
    vocabulary: int,
    has_label: Tensor,
    generator: torch.Generator,
) -> None:
    """Add random labels; -1 pads and marks a label that is absent."""
    lengths = lengths.clamp(min=1).where(has_label, torch.ones_like(lengths))
    shape = (len(lengths), int(lengths.max()))
    labels = torch.randint(2, vocabulary - 1, shape, generator=generator)
    beyond = torch.arange(shape[1]) >= lengths.unsqueeze(1)
    batch[name] = labels.masked_fill(beyond | ~has_label.unsqueeze(1), -1)
    batch[f"{name}_lengths"] = lengths

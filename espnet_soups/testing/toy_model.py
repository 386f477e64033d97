"""Build a model of a few thousand parameters and batches for it, without dropout or BatchNorm."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

LANGUAGES = ("en", "fr", "es")
PAIRS = ("fr_en", "es_en")
TOKENS = ("<blank>", "<unk>", *"abcdefgh", "<sos/eos>")
DIMENSION = 8

ENCODER_CONF: Mapping[str, Any] = {
    "output_size": 8,
    "attention_heads": 2,
    "num_blocks": 2,
    "cgmlp_linear_units": 16,
    "cgmlp_conv_kernel": 3,
    "linear_units": 16,
    "input_layer": "linear",
    "dropout_rate": 0.0,
    "positional_dropout_rate": 0.0,
    "attention_dropout_rate": 0.0,
}
DECODER_CONF: Mapping[str, Any] = {
    "num_blocks": 1,
    "attention_heads": 2,
    "linear_units": 8,
    "dropout_rate": 0.0,
    "positional_dropout_rate": 0.0,
    "self_attention_dropout_rate": 0.0,
    "src_attention_dropout_rate": 0.0,
}


def make_toy_arguments(**options: Any) -> Any:
    """Return the options of `MSPTask` for the toy model.

    Args:
        **options: Options to replace, by name.
    """
    from espnet_soups.task.msp_task import MSPTask

    args = MSPTask.get_parser().parse_args(["--output_dir", "unused"])
    defaults: dict[str, Any] = {
        "asr_token_list": {language: list(TOKENS) for language in LANGUAGES},
        "st_token_list": {"en": list(TOKENS)},
        "st_pairs": list(PAIRS),
        "input_size": DIMENSION,
        "normalize": None,
        "encoder": "e_branchformer",
        "encoder_conf": dict(ENCODER_CONF),
        "asr_decoder_conf": dict(DECODER_CONF),
        "st_decoder_conf": dict(DECODER_CONF),
    }
    for name, value in {**defaults, **options}.items():
        setattr(args, name, value)
    return args


def make_toy_model(
    trainer: str = "default",
    trainer_conf: Mapping[str, Any] | None = None,
    seed: int = 0,
    **options: Any,
) -> Any:
    """Build the toy model in float64 from `MSPTask`, always the same for a seed.

    Args:
        trainer: Name of the trainer, such as `msp`.
        trainer_conf: Its settings.
        seed: Seed of the initial parameters.
        **options: Further options to replace, see `make_toy_arguments`.

    Returns:
        The model, of class `MSPModel`.
    """
    from espnet_soups.task.msp_task import MSPTask

    args = make_toy_arguments(trainer=trainer, trainer_conf=dict(trainer_conf or {}), **options)
    torch.manual_seed(seed)
    return MSPTask.build_model(args).double()


def make_toy_batch(
    seed: int = 0,
    per_language: int = 4,
    languages: Sequence[int] = (0, 1, 2),
    frames: int = 14,
    tokens: int = 4,
) -> dict[str, Tensor]:
    """Return the arguments of the model's `forward`; English has no translation.

    Args:
        seed: Seed of all that is random.
        per_language: Utterances of each language.
        languages: Indices of the languages, in the order of `LANGUAGES`.
        frames: Frames of the longest utterance.
        tokens: Tokens of the longest label.

    Returns:
        Padded tensors by name, such as `speech`, `(batch, frames, 8)`, and `text`, `(batch,
        tokens)`.
    """
    generator = torch.Generator().manual_seed(seed)
    size = per_language * len(languages)

    def lengths_up_to(longest: int, shortest: int) -> Tensor:
        drawn = torch.randint(shortest, longest + 1, (size,), generator=generator)
        drawn[0] = longest
        return drawn

    batch: dict[str, Tensor] = {
        "speech": torch.randn(size, frames, DIMENSION, generator=generator).double(),
        "speech_lengths": lengths_up_to(frames, frames - 3),
        "lang": torch.tensor(languages).repeat_interleave(per_language).unsqueeze(1),
    }
    batch["lang_lengths"] = torch.ones(size, dtype=torch.long)
    for name in ("text", "text_en"):
        labels = torch.randint(2, len(TOKENS) - 1, (size, tokens), generator=generator)
        lengths = lengths_up_to(tokens, 1)
        if name == "text_en":
            absent = batch["lang"][:, 0] == 0
            lengths[absent] = 1
        labels[torch.arange(tokens) >= lengths.unsqueeze(1)] = -1
        if name == "text_en":
            labels[absent] = -1
        batch[name], batch[f"{name}_lengths"] = labels, lengths
    return batch

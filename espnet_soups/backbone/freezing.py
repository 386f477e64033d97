"""Choice of the parameters of a backbone that learn."""

import logging
from collections.abc import Iterable, Sequence

from torch.nn import Module

CHOICES = ("none", "feature_extractor")


def freeze_backbone(
    backbone: Module,
    extractor: Sequence[Module],
    layers: Sequence[Module],
    top: Iterable[Module],
    freeze: str,
    trained_layers: int | None,
) -> None:
    """Freeze parameters, so that no optimiser moves them and no gradient is measured on them.

    Args:
        backbone: The whole model.
        extractor: Its convolutions on the input.
        layers: Its Transformer layers, the lowest first.
        top: The modules after the last of them.
        freeze: `none`, or `feature_extractor` to freeze the convolutions.
        trained_layers: Number of the top layers that learn, with the modules after them; None for
            all.

    Raises:
        ValueError: If a setting is not valid.
    """
    if freeze not in CHOICES:
        raise ValueError(
            f"`freeze` must be one of {list(CHOICES)}, but got {freeze!r}; for the lower layers,"
            " set `trained_layers`."
        )
    if trained_layers is not None and not 0 <= trained_layers <= len(layers):
        raise ValueError(
            f"`trained_layers` must lie in [0, {len(layers)}], the layers of the backbone, but got"
            f" {trained_layers}."
        )
    if freeze == "feature_extractor":
        for part in extractor:
            part.requires_grad_(False)
    if trained_layers is not None:
        backbone.requires_grad_(False)
        learning = list(layers)[len(layers) - trained_layers :]
        for part in [*learning, *(top if learning else ())]:
            part.requires_grad_(True)
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in backbone.parameters()]
    total, free = sum(size for size, _ in sizes), sum(size for size, learns in sizes if learns)
    logging.info(f"Backbone: {free:,} of {total:,} parameters learn")

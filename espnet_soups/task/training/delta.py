"""`delta`: one number for all objectives, to select checkpoints by when they disagree."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from espnet_soups.files import read_json_lines

if TYPE_CHECKING:
    from espnet_soups.network.msp_model import MSPModel


LEFT_OUT = "not_in_delta"  # key of soup.jsonl: objectives whose loss may be negative
COMPARED = {"valid_loss": dict[str, float | None], f"{LEFT_OUT}?": list[str]}  # what is read of it


def signed_losses(model: "MSPModel") -> list[str]:
    """Return the objectives whose loss may be negative, as in dB: they are not in `delta`."""
    heads: Any = model.heads
    return [one.name for one in model.objectives if heads[one.name].signed]


def relative_improvement(
    losses: Mapping[str, float],
    reference: Mapping[str, float],
    left_out: Collection[str] = (),
) -> float:
    """Return the mean over objectives of (reference - loss) / reference; larger is better.

    Objectives that either side lacks take no part.

    Args:
        losses: Validation loss of each objective.
        reference: The same of the reference.
        left_out: Objectives that take no part, since a part of their loss means nothing.

    Returns:
        The mean; NaN: no objective is on both sides.

    Source:
        Maninis, Radosavovic and Kokkinos, "Attentive single-tasking of multiple tasks"
        (CVPR 2019), eq. 4, of losses.

    >>> relative_improvement({"asr_fr": 1.0, "st_fr_en": 3.0}, {"asr_fr": 2.0, "st_fr_en": 4.0})
    0.375
    """
    gains = [
        (reference[name] - loss) / reference[name]
        for name, loss in losses.items()
        if name not in left_out
        if math.isfinite(loss) and math.isfinite(reference.get(name, math.nan))
        if reference[name] > 0
    ]
    return sum(gains) / len(gains) if gains else math.nan


def read_reference(path: Path) -> dict[str, float]:
    """Read the validation losses of another run, of its epoch with the lowest mean.

    Raises:
        OSError: If there is no such file.
        ValueError: If it holds no validation loss.
    """
    try:
        records = read_json_lines(path, "the training", COMPARED)
        epochs = [compared_losses(record) for record in records]
    except ValueError as error:
        raise ValueError(
            f"`delta_reference` {path} is no soup.jsonl of a run ({error})."
        ) from error
    known = [epoch for epoch in epochs if epoch]
    if not known:
        raise ValueError(
            f"`delta_reference` {path} holds no validation loss: train that run first."
        )
    return min(known, key=lambda epoch: sum(epoch.values()) / len(epoch))


def compared_losses(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the validation losses of a line of `soup.jsonl` that `delta` compares, those known."""
    return {
        name: float(loss)
        for name, loss in record["valid_loss"].items()
        if loss is not None and name not in (record.get(LEFT_OUT) or ())
    }


def first_epoch_losses(reporter_state: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the validation losses of the first epoch in a checkpoint; None: there are none."""
    from espnet2.train.reporter import Reporter  # here, since the search of weights needs none

    reporter = Reporter()
    reporter.load_state_dict(dict(reporter_state))
    if 1 not in reporter.stats or "valid" not in reporter.stats[1]:
        return None
    values = reporter.stats[1]["valid"]
    return {
        key[len("loss/") :]: float(value) for key, value in values.items() if key[:5] == "loss/"
    }

"""Compute `delta`: one number for all objectives, to select checkpoints when they disagree."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from espnet_soups.files import read_json_lines

if TYPE_CHECKING:
    from espnet_soups.network.msp_model import MSPModel


LEFT_OUT = "not_in_delta"  # key of soup.jsonl: objectives whose loss may be negative
COMPARED = {"valid_loss": dict[str, float | None], f"{LEFT_OUT}?": list[str]}  # keys that are read


def signed_losses(model: "MSPModel") -> list[str]:
    """Return the objectives whose loss may be negative, as in dB; `delta` leaves them out.

    Args:
        model: The model.
    """
    heads: Any = model.heads
    return [one.name for one in model.objectives if heads[one.name].signed]


def relative_improvement(
    losses: Mapping[str, float],
    reference: Mapping[str, float],
    left_out: Collection[str] = (),
) -> float:
    """Return the mean over objectives of (reference - loss) / reference; larger is better.

    Objectives that either side lacks are left out.

    Args:
        losses: Validation loss of each objective.
        reference: Validation loss of each objective in the reference.
        left_out: Objectives to leave out, since a relative change of their loss has no meaning.

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
    """Read the validation losses of another run, from its epoch with the lowest mean.

    Args:
        path: Its `soup.jsonl`.

    Returns:
        Objective to loss.

    Raises:
        OSError: If there is no such file.
        ValueError: If it holds no validation loss.
    """
    try:
        records = read_json_lines(path, "the training", COMPARED)
        epochs = [compared_losses(record) for record in records]
    except ValueError as error:
        raise ValueError(
            f"`delta_reference` {path} is not the soup.jsonl of a run ({error})."
        ) from error
    known = [epoch for epoch in epochs if epoch]
    if not known:
        raise ValueError(
            f"`delta_reference` {path} holds no validation loss: train that run first."
        )
    return min(known, key=lambda epoch: sum(epoch.values()) / len(epoch))


def compared_losses(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the known validation losses that `delta` compares.

    Args:
        record: A line of `soup.jsonl`.
    """
    return {
        name: float(loss)
        for name, loss in record["valid_loss"].items()
        if loss is not None and name not in (record.get(LEFT_OUT) or ())
    }


def first_epoch_losses(reporter_state: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the validation losses of the first epoch in a checkpoint; None: there are none.

    Args:
        reporter_state: The state of ESPnet's reporter in the checkpoint.
    """
    from espnet2.train.reporter import Reporter  # here: the search of weights needs no ESPnet

    reporter = Reporter()
    reporter.load_state_dict(dict(reporter_state))
    if 1 not in reporter.stats or "valid" not in reporter.stats[1]:
        return None
    values = reporter.stats[1]["valid"]
    return {
        key[len("loss/") :]: float(value) for key, value in values.items() if key[:5] == "loss/"
    }

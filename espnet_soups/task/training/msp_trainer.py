"""Train with a soup: tell it when an epoch begins; the steps stay ESPnet's own."""

import logging
import math
from typing import Any

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.soup.soup import Soup
from espnet_soups.task.training.epoch_record import describe_gradients, describe_levels
from espnet_soups.task.training.joint_trainer import JointTrainer


class MSPTrainer(JointTrainer):
    """Trainer that opens and closes the epochs of a soup (`trainer: msp`).

    The soup itself lives in the model and moves in a hook of the optimiser, so that gradient
    accumulation, clipping, mixed precision, DDP, skipped steps and resuming are ESPnet's.
    """

    @classmethod
    def check_states(cls, states: dict[str, Any]) -> None:
        """Leave the check to the soup, which compares its levels when the optimiser is loaded.

        Args:
            states: Not used.
        """

    @classmethod
    def open_epoch(cls, network: MSPModel, reporter: Any, options: Any, batches: int) -> None:
        """Set the penalties of the epoch and log the levels with their weights.

        Args:
            network: The model.
            reporter: The statistics of the epoch.
            options: ESPnet's options of the trainer.
            batches: Number of mini-batches of the epoch.
        """
        soup, epoch = _soup_of(network), reporter.get_epoch()
        steps = batches // options.accum_grad
        soup.open_epoch(epoch, options.max_epoch, options.accum_grad, steps)
        for level in describe_levels(soup):
            logging.info(_level_line(level))

    @classmethod
    def close_epoch(cls, network: MSPModel, reporter: Any) -> None:
        """Report the mean cosines and norms of the gradients, also for TensorBoard.

        Args:
            network: The model.
            reporter: The statistics of the epoch.
        """
        soup = _soup_of(network)
        layers = soup.layers
        if layers.full_depth_steps:
            logging.info(
                f"Measured at full depth, to select layers: {layers.full_depth_steps} of"
                f" {layers.steps} steps ({layers.full_depth_steps / layers.steps:.1%})"
            )
        _warn_of_rests(soup)
        known = _named_gradients(soup)
        for name, aligned in unsupervised_cosines(network).items():
            if math.isfinite(aligned):
                known[f"cosine/{name}~supervised"] = aligned
                logging.info(
                    f"cosine of the gradient of {name} with those of the supervised objectives:"
                    f" mean {aligned:.3f}, below 0 it pulls another way"
                )
        if known:
            reporter.register(known)
            reporter.next()

    @classmethod
    def describe(cls, network: MSPModel) -> dict[str, Any]:
        """Return levels, weights and gradients for the record.

        Args:
            network: The model.
        """
        soup = _soup_of(network)
        selection = soup.layers.describe()
        record: dict[str, Any] = {"selection": selection} if selection else {}
        cosines = {f"{name}_cosine": v for name, v in unsupervised_cosines(network).items()}
        return record | {"levels": describe_levels(soup)} | cosines | describe_gradients(soup)


def unsupervised_cosines(network: MSPModel) -> dict[str, float]:
    """Return the mean cosine of each unsupervised objective with the supervised ones.

    The paper makes them a constraint for this reason: objectives that pull another way would do
    harm as equals.

    Args:
        network: The model.

    Returns:
        Objective to the mean over the supervised ones, each from all measured steps; NaN: not
        measured.
    """
    others = [row for row, objective in enumerate(network.objectives) if objective.supervised]
    if len(others) == len(network.objectives):
        return {}
    cosines = _soup_of(network).means.gradients.cosines()
    return {
        objective.name: float(cosines[row][others].nanmean()) if others else math.nan
        for row, objective in enumerate(network.objectives)
        if not objective.supervised
    }


def _soup_of(network: MSPModel) -> Soup:
    if network.soup is None:
        raise ValueError("`trainer: msp` needs a model with a soup; MSPTask builds one.")
    return network.soup


def _level_line(level: dict[str, Any]) -> str:
    members = ", ".join(
        f"{name} {weight:.3f}"
        for name, weight in zip(level["objectives"], level["weights"], strict=True)
    )
    place = "top" if level["level"] == 1 else f"penalty {level['penalty']:.3g}"
    return f"level {level['level']} ({place}): {members}; by {level['combiner']}"


def _warn_of_rests(soup: Soup) -> None:
    """Warn of objectives that no step measured, so that their weights rested all epoch."""
    if not soup.means.gradients.measured:
        return
    counts = soup.means.gradients.steps().diagonal().tolist()
    resting = [name for name, count in zip(soup.names, counts, strict=True) if count == 0]
    if resting:
        raw = " and they are stepped on raw" if soup.config.gradient_norm == "rows" else ""
        logging.warning(
            f"No measured step had labels of {', '.join(resting)} in both of its halves: their"
            f" weights rested{raw}. Raise `batch_bins`, or look at the labels of these objectives."
        )


def _named_gradients(soup: Soup) -> dict[str, float]:
    """Return cosines, norms, shares of signal and of harm, and distances, as far as measured."""
    means, size = soup.means.gradients, len(soup.names)
    cosine = means.cosines().tolist()
    values = {
        f"cosine/{soup.names[i]}~{soup.names[j]}": cosine[i][j]
        for i in range(size)
        for j in range(i + 1, size)
    }
    for kind, numbers in (
        ("gradient_norm", means.norms()),
        ("signal_share", means.signal_shares()),
        ("raised", means.raised()),
    ):
        values |= {f"{kind}/{n}": v for n, v in zip(soup.names, numbers.tolist(), strict=True)}
    values["raised/any"] = means.raised_any()
    for level, members in enumerate(soup.hierarchy.levels):
        if len(members) > 1 and soup.weigher.combiners[level].moves:
            values[f"distance/level{level + 1}"] = float(soup.means.distances[level])
    return {name: value for name, value in values.items() if math.isfinite(value)}

"""Collect and restore, bit for bit, all state that changes while an epoch is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from espnet2.train.reporter import Average, SubReporter, WeightedAverage

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.task.training.midepoch.random_state import random_state, set_random_state


@dataclass(frozen=True)
class EpochParts:
    """All parts that hold state while an epoch is trained.

    Attributes:
        network: The model, without its distributed wrapper.
        optimizers: ESPnet's optimisers; the state of the first includes that of the soup.
        schedulers: A scheduler or None for each of them.
        scaler: The scaler of the loss, or None.
        reporter: The statistics of the epoch.
    """

    network: MSPModel
    optimizers: Sequence[torch.optim.Optimizer]
    schedulers: Sequence[Any]
    scaler: Any
    reporter: SubReporter

    def trained(self) -> dict[str, Any]:
        """Return the state that a checkpoint of a whole epoch has, too, larger than the model."""
        return {
            "model": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedulers": [None if s is None else s.state_dict() for s in self.schedulers],
            "scaler": None if self.scaler is None else self.scaler.state_dict(),
        }

    def seen(self) -> dict[str, Any]:
        """Return the statistics of the epoch, the same on all ranks, which must all call this."""
        soup, device = self.network.soup, next(self.network.parameters()).device
        return {
            "reporter": reporter_state(self.reporter),
            "guard": self.network.guard.epoch_state(device),
            "soup": None if soup is None else soup.epoch_state(),
        }

    def own(self) -> dict[str, Any]:
        """Return the state that differs between ranks."""
        cuda = next(self.network.parameters()).is_cuda
        return {"tally": self.network.tally.epoch_state(), "random": random_state(cuda)}

    def restore(self, states: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        """Restore everything but the random states, in an epoch that has just been opened.

        Args:
            states: The results of `trained` and `seen`.
            own: The result of `own` on this rank.
        """
        self.network.load_state_dict(states["model"])
        for optimizer, state in zip(self.optimizers, states["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        for scheduler, state in zip(self.schedulers, states["schedulers"], strict=True):
            if scheduler is not None:
                scheduler.load_state_dict(state)
        if self.scaler is not None and states["scaler"] is not None:
            self.scaler.load_state_dict(states["scaler"])
        restore_reporter(self.reporter, states["reporter"])
        self.network.guard.restore_epoch(states["guard"])
        self.network.tally.restore_epoch(own["tally"])
        if self.network.soup is not None:
            self.network.soup.restore_epoch(states["soup"])

    @staticmethod
    def restore_random(own: Mapping[str, Any]) -> None:
        """Restore the random states, once only training draws from them.

        Args:
            own: The result of `own` on this rank.
        """
        set_random_state(own["random"])


def reporter_state(reporter: SubReporter) -> dict[str, Any]:
    """Return the statistics of all steps of an epoch without objects of ESPnet's.

    Args:
        reporter: The reporter, between two steps.
    """
    stats = {}
    for key, values in reporter.stats.items():
        weighted = isinstance(values[0], WeightedAverage)
        stats[key] = {
            "values": _numbers([value.value for value in values]),
            "weights": _numbers([value.weight for value in values]) if weighted else None,
        }
    return {
        "stats": stats,
        "count": reporter.count,
        "total_count": reporter.total_count,
        "seconds": perf_counter() - reporter.start_time,
    }


def restore_reporter(reporter: SubReporter, state: Mapping[str, Any]) -> None:
    """Restore a state into a new reporter.

    Args:
        reporter: The reporter; changed in place.
        state: The result of `reporter_state`.
    """
    reporter.count, reporter.total_count = state["count"], state["total_count"]
    reporter.start_time -= state["seconds"]
    for key, kept in state["stats"].items():
        values, weights = kept["values"].tolist(), kept["weights"]
        reporter.stats[key] = (
            [Average(value) for value in values]
            if weights is None
            else [WeightedAverage(v, w) for v, w in zip(values, weights.tolist(), strict=True)]
        )


def _numbers(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)

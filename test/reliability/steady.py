"""Memory, threads and file handles over many steps of the toy model."""

import gc
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

SETTINGS: Mapping[str, Mapping[str, Any] | None] = {
    "joint": None,
    "vm": {"soup": "vm", "order": "SA", "combiner_conf": {"gamma": 0.3}},
    "vm, exact": {"soup": "vm", "order": "SA", "mode": "exact", "combiner_conf": {"gamma": 0.3}},
}
STEPS_OF_AN_EPOCH = 25
BATCHES = 50
MOST_GROWTH = 30_000  # kB; allocators keep some, and a leak of 100 kB a step shows in 300 steps
MORE_TENSORS = 20  # steps of unlike labels hold unlike numbers


@dataclass(frozen=True)
class Held:
    """What a process holds: memory in kB, threads, open files, tensors that live."""

    memory: int
    threads: int
    handles: int
    tensors: int

    def is_steady_since(self, before: "Held") -> bool:
        """Return whether no more is held than before, but for `MOST_GROWTH` of memory."""
        return (
            self.memory - before.memory < MOST_GROWTH
            and self.threads <= before.threads
            and self.handles <= before.handles
            and self.tensors <= before.tensors + MORE_TENSORS
        )


def held() -> Held:
    """Return what this process holds now."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    rows = dict(line.split(":", 1) for line in status.splitlines())
    tensors = sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())
    handles = len(list(Path("/proc/self/fd").iterdir()))
    threads = max(int(rows["Threads"]), threading.active_count())
    return Held(int(rows["VmRSS"].split()[0]), threads, handles, tensors)


def train_long(setting: str, warm_up: int, steps: int) -> tuple[Held, Held]:
    """Train the toy model.

    Args:
        setting: A name of `SETTINGS`.
        warm_up: Steps before the first look, whole epochs; memory pools grow in them.
        steps: Steps between the two looks, whole epochs.

    Returns:
        What the process held before and after `steps`.
    """
    conf = SETTINGS[setting]
    model = make_toy_model("default" if conf is None else "msp", conf).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    if conf is not None:
        model.soup.bind(model, optimizer)
    model.guard.bind(optimizer)
    batches = [make_toy_batch(seed=seed, per_language=4) for seed in range(BATCHES)]
    before = None
    for step in range(warm_up + steps):
        if step == warm_up:
            before = held()
        if step % STEPS_OF_AN_EPOCH == 0:
            if conf is not None:
                model.soup.open_epoch(1 + step // STEPS_OF_AN_EPOCH, 1 + steps, 1)
            model.guard.open_epoch(1)
        model(**batches[step % BATCHES])[0].sum().backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)):
            optimizer.step()
        optimizer.zero_grad()
    assert before is not None
    return before, held()

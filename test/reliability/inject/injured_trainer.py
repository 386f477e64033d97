"""A trainer of which one rank comes to harm, `--trainer injured_trainer:InjuredTrainer`.

`RELIABILITY_RANK=RANK:EPOCH:BATCH:HOW:SECONDS`: so many seconds after this rank has taken this
mini-batch of this epoch. HOW: `kill` (SIGKILL), `stop` (SIGSTOP), `sleep` (an hour: it lives, but
hangs), `fail` (an error of its own).
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from espnet_soups.task.training.msp_trainer import MSPTrainer

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class InjuredTrainer(MSPTrainer):
    """A soup like any other until then."""

    @classmethod
    def look_ahead(cls, kwargs: dict[str, Any]) -> None:
        """Put the harm between the mini-batches and the training."""
        super().look_ahead(kwargs)
        epoch = kwargs["reporter"].get_epoch()
        rank, when, batch, how, seconds = os.environ.get("RELIABILITY_RANK", "-:0:0:-:0").split(":")
        if (os.environ["RANK"], epoch) == (rank, int(when)):
            kwargs["iterator"] = _Injured(kwargs["iterator"], int(batch), how, float(seconds))


class _Injured:
    def __init__(self, batches: Any, number: int, how: str, seconds: float) -> None:
        self.batches, self.number, self.how, self.seconds = batches, number, how, seconds

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        for number, batch in enumerate(self.batches, 1):
            if number == self.number:
                self._injure()
            yield batch

    def _injure(self) -> None:
        if self.how in SIGNALS:
            threading.Thread(target=self._signal).start()
            return
        time.sleep(self.seconds)
        if self.how == "sleep":
            time.sleep(3600)
        raise ValueError("the disk of this machine is broken.")

    def _signal(self) -> None:
        time.sleep(self.seconds)
        os.kill(os.getpid(), SIGNALS[self.how])

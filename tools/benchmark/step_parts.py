"""Time the parts of a training step, each alone, and the operators that it calls."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from tools.benchmark.measure import peak_memory_mib
from tools.benchmark.modes import GRAD_CLIP, StepMode

WARM_UP = 3
WAITING = "aten::_local_scalar_dense"  # a number for Python: a GPU finishes its work first


@dataclass(frozen=True)
class Operator:
    """Use of an operator of PyTorch in one step.

    Attributes:
        name: Its name, such as `aten::mm`.
        calls: Number of its calls.
        seconds: Its own wall-clock time, without that of operators that it calls.
        mib: Memory that it allocates, MiB.
    """

    name: str
    calls: float
    seconds: float
    mib: float


@dataclass(frozen=True)
class StepProfile:
    """Profile of a step.

    Attributes:
        parts: CPU seconds of each part, those of the whole `step` first.
        operators: The operators, the one with most time of its own first.
        calls: Calls of all operators in a step.
        waits: Number of these calls that hand a number to Python.
        peak_mib: Peak memory of this process, MiB.
    """

    parts: dict[str, float]
    operators: list[Operator]
    calls: float
    waits: float
    peak_mib: float


def profile_step(mode: StepMode, steps: int) -> StepProfile:
    """Profile the steps of a mode on the CPU.

    Args:
        mode: The mode.
        steps: Number of steps to profile, after some that are not counted.
    """
    whole = _seconds(mode.step, steps)
    peak = peak_memory_mib()
    operators = _operators(mode, steps)
    return StepProfile(
        parts={"step": whole, **_parts(mode, steps)},
        operators=operators,
        calls=sum(operator.calls for operator in operators),
        waits=sum(operator.calls for operator in operators if operator.name == WAITING),
        peak_mib=peak,
    )


def _parts(mode: StepMode, steps: int) -> dict[str, float]:
    """Return the CPU seconds of the parts of a step that measures nothing, each run alone."""
    model, batch = mode.model, mode.batches[0]
    speech, lengths = batch["speech"], batch["speech_lengths"]
    features = _seconds(lambda: model.features(speech, lengths), steps)
    forward = _seconds(lambda: model.encode(speech, lengths), steps)
    above = torch.randn_like(model.encode(speech, lengths)[0])
    encoder = _seconds(lambda: model.encode(speech, lengths)[0].backward(above), steps)
    soup, model.soup = model.soup, None
    with _Encoded(mode):
        heads = _seconds(lambda: model(**batch), steps)
        both = _seconds(lambda: model(**batch)[0].backward(), steps)
    model.soup = soup
    clip = _seconds(lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), GRAD_CLIP), steps)
    optimizer = _seconds(mode.optimizer.step, steps)
    return {
        "features": features,
        "encoder, forward": forward - features,
        "encoder, backward": encoder - forward,
        "heads and counts, forward": heads,
        "heads, backward": both - heads,
        "clipping": clip,
        "optimiser": optimizer,
    }


class _Encoded:
    """Context in which the encoder of a model is replaced by its earlier output.

    Args:
        mode: The mode with the model; utterances are encoded as it encodes them.
    """

    def __init__(self, mode: StepMode) -> None:
        self.model = mode.model
        self.known: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

    def __enter__(self) -> None:
        encode = self.model.encode

        def remembered(
            speech: Tensor, lengths: Tensor, augment: bool = True
        ) -> tuple[Tensor, Tensor]:
            key = (speech.data_ptr(), *speech.shape, *lengths.tolist())
            if key not in self.known:
                states, frames = encode(speech, lengths, augment)
                self.known[key] = states.detach(), frames
            states, frames = self.known[key]
            return states.clone().requires_grad_(), frames

        self.model.encode = remembered  # type: ignore[assignment,method-assign]

    def __exit__(self, *_: object) -> None:
        del self.model.encode


def _operators(mode: StepMode, steps: int) -> list[Operator]:
    """Return the operators that a step calls, averaged over some steps."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        for _ in range(steps):
            mode.step()
    found = [
        Operator(
            event.key,
            event.count / steps,
            event.self_cpu_time_total / steps / 1e6,
            max(event.self_cpu_memory_usage, 0) / steps / 2**20,
        )
        for event in profiler.key_averages()
        if "::" in event.key and not event.key.startswith("autograd::")
    ]
    return sorted(found, key=lambda operator: -operator.seconds)


def _seconds(run: Callable[[], object], times: int) -> float:
    """Return the median CPU seconds of some calls, after some that are not counted."""
    seconds = []
    for _ in range(WARM_UP + times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds[WARM_UP:])

"""Describe the machine that a plan is made for, and the assumptions about it."""

from collections.abc import Mapping
from dataclasses import dataclass

# Dense 16-bit peak of the tensor cores, TFLOP/s, and memory, GB, as the vendor states them.
GPUS: Mapping[str, tuple[float, float]] = {
    "V100": (125.0, 32.0),
    "A100": (312.0, 80.0),
    "H100": (989.0, 80.0),
}
# They compute in float16, whose loss scale measured gradients lack: the engine does not reuse them.
WITHOUT_BFLOAT16 = ("V100",)


@dataclass(frozen=True)
class Machine:
    """Machine, with assumptions about it.

    Attributes:
        gpus: GPUs of a training.
        peak_tflops: Peak of one GPU, TFLOP/s.
        memory_gb: Memory of one GPU, GB.
        utilisation: Share of the peak that training reaches.
        activation_bytes: Bytes of a kept number; 4 with mixed precision too, to be safe.
        context_gb: Memory of CUDA and its libraries, GB.
        slack: Factor on memory for fragmentation and short-lived tensors.
        reuses: Whether steps reuse measured gradients, which they do not in float16.
    """

    gpus: int
    peak_tflops: float
    memory_gb: float
    utilisation: float = 0.06
    activation_bytes: int = 4
    context_gb: float = 1.5
    slack: float = 1.2
    reuses: bool = True

    def __post_init__(self) -> None:
        """Refuse impossible numbers.

        Raises:
            ValueError: If a number is out of its range.
        """
        if not 0.0 < self.utilisation <= 1.0:
            raise ValueError(f"`--utilisation` lies in (0, 1], but got {self.utilisation}.")
        for name in ("gpus", "peak_tflops", "memory_gb", "activation_bytes"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`--{name}` must be above 0, but got {getattr(self, name)}.")

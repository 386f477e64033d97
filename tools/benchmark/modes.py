"""Define the training steps to compare, each on a model of its own with the same parameters."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.modules.batchnorm import _BatchNorm

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.language_codes import split_pairs
from espnet_soups.task.msp_task import MSPTask
from tools.benchmark.batches import draw_batches
from tools.benchmark.spec import BenchSpec

SPECIAL_TOKENS = ("<blank>", "<unk>", "<sos/eos>")
GRAD_CLIP = 5.0
BATCHES = 4  # number of different mini-batches, used in turn


class StepMode(ABC):
    """Way of making an update.

    Attributes:
        batches_per_update: Number of mini-batches that one update consumes.
        share_apart: Share of its steps that encode language by language, if the encoder allows it:
            those that take gradients of single objectives.

    Args:
        spec: Model and mini-batches.
        options: Options of `msp_train` that this way changes.
        device: Device of model and mini-batches: `cpu` or `cuda`.
    """

    batches_per_update: int = 1
    share_apart: float = 1.0

    def __init__(self, spec: BenchSpec, options: Mapping[str, Any], device: str = "cpu") -> None:
        torch.manual_seed(0)
        self.model, self.optimizer = build(spec, options)
        self.model.to(device)
        width = int(spec.model["input_size"])
        drawn = draw_batches(spec.batch, width)
        self.batches = [{key: value.to(device) for key, value in one.items()} for one in drawn]
        self.updates = 0

    def step(self) -> None:
        """Make one update: gradients, clipping, optimiser."""
        start = self.updates * self.batches_per_update
        chosen = range(start, start + self.batches_per_update)
        self.set_gradients([self.batches[index % len(self.batches)] for index in chosen])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRAD_CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.updates += 1

    @abstractmethod
    def set_gradients(self, batches: Sequence[dict[str, Tensor]]) -> None:
        """Fill `.grad` of every parameter.

        Args:
            batches: The mini-batches of the update, each a mapping of names to padded tensors.
        """

    @abstractmethod
    def measured_parameters(self) -> Sequence[Parameter]:
        """Return the parameters for which gradient rows are measured."""

    def rows_mib(self) -> float:
        """Return the memory of the gradient rows of two batches, 2 m n numbers, MiB."""
        numbers = sum(p.numel() * p.element_size() for p in self.measured_parameters())
        return 2 * len(self.model.objectives) * numbers / 2**20


class EspnetStep(StepMode):
    """Step of ESPnet's trainer: `joint` with static weights, or a soup."""

    def __init__(self, spec: BenchSpec, options: Mapping[str, Any], device: str = "cpu") -> None:
        super().__init__(spec, options, device)
        soup, encoding = self.model.soup, self.model.encoding
        if soup is not None:
            soup.open_epoch(1, 1, 1)
        if encoding == "auto" and soup is not None and soup.config.mode != "exact":
            self.share_apart = 1.0 / soup.config.refresh
        elif encoding == "pooled":
            self.share_apart = 0.0

    def set_gradients(self, batches: Sequence[dict[str, Tensor]]) -> None:
        """Run forward and backward once.

        Args:
            batches: The mini-batch of the update.
        """
        self.model(**batches[0])[0].backward()

    def measured_parameters(self) -> Sequence[Parameter]:
        """Return the parameters that the soup measures; empty without a soup."""
        return [] if self.model.soup is None else self.model.soup.layers.parameters


class JointStep(EspnetStep):
    """Step of joint training that is encoded like the measured steps of a soup."""

    def __init__(self, spec: BenchSpec, options: Mapping[str, Any], device: str = "cpu") -> None:
        super().__init__(spec, options, device)
        if self.model.encoding == "auto":
            pools = any(isinstance(module, _BatchNorm) for module in self.model.encoder.modules())
            self.model.encoding = "pooled" if pools else "per_language"


def build(spec: BenchSpec, options: Mapping[str, Any]) -> tuple[MSPModel, torch.optim.Optimizer]:
    """Build model and optimiser, as training would.

    Args:
        spec: Model and mini-batches.
        options: Further options of `msp_train`.

    Raises:
        ValueError: If an option is unknown or not valid.
    """
    args = MSPTask.get_parser().parse_args(["--output_dir", "benchmark"])
    shape = spec.batch
    tokens = {
        "asr_token_list": {name: make_tokens(shape.asr_vocabulary) for name in shape.asr_languages},
        "st_token_list": {
            target: make_tokens(shape.st_vocabulary)
            for _, target in split_pairs(shape.st_pairs, shape.asr_languages)
        },
        "st_pairs": list(shape.st_pairs),
        "normalize": None,
    }
    for name, value in {**tokens, **spec.model, **options}.items():
        if not hasattr(args, name):
            raise ValueError(f"`model` of the benchmark {spec.name} has {name!r}, no such option.")
        setattr(args, name, value)
    MSPTask.check_required_command_args(args)
    model = MSPTask.build_model(args).train()
    return model, MSPTask.build_optimizers(args, model)[0]


def make_tokens(size: int) -> list[str]:
    """Return a token list of a given size.

    Args:
        size: Number of tokens, including special tokens.
    """
    letters = [f"t{number}" for number in range(size - len(SPECIAL_TOKENS))]
    return [*SPECIAL_TOKENS[:2], *letters, SPECIAL_TOKENS[2]]

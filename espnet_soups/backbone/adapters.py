"""Low-rank adapters (LoRA) on linear layers of an encoder whose own weights rest."""

import difflib
import importlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from espnet_soups.backbone.cpu.linear import is_held_back, linear
from espnet_soups.settings import read_settings

ENCODER = "encoder"
# Projections of queries and values, as in the paper: ESPnet's names and those of transformers.
USUAL = ("linear_q", "linear_v", "q_proj", "v_proj")
# Modules that hand the weights of their linear layers to a function, which no adapter can see.
READ_WEIGHTS = ("WavLMAttention", "MultiheadAttention")
FACTORS = ("lora_A", "lora_B")  # loralib's names
CLOSEST = 3


@dataclass(frozen=True)
class LoraConfig:
    """Settings of `adapter_conf`, as those of ESPnet's `create_lora_adapter`.

    Attributes:
        rank: Rank of the product that is added to a weight.
        alpha: The product is multiplied by `alpha / rank`.
        dropout_rate: Dropout of what an adapter reads.
        target_modules: Ends of the names of linear layers of the encoder, such as `linear_q` or
            `encoders.3.attn.linear_q`; none for the projections of queries and values.
        bias_type: Always `none`: ESPnet has other values, but ignores them.

    Raises:
        ValueError: If a value is not valid.

    Source:
        Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022.
    """

    rank: int = 8
    alpha: int = 8
    dropout_rate: float = 0.0
    target_modules: Sequence[str] = ()
    bias_type: str = "none"

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("rank", "alpha"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more, but got {getattr(self, name)}.")
        if not 0 <= self.dropout_rate < 1:
            raise ValueError(
                f"`dropout_rate` must be 0 or more and below 1, but got {self.dropout_rate}."
            )
        if self.bias_type != "none":
            raise ValueError(
                f"`bias_type` must be `none`, but got {self.bias_type!r}, which ESPnet ignores."
            )


def read_adapter_conf(conf: Mapping[str, Any] | None) -> LoraConfig:
    """Read `adapter_conf`.

    Args:
        conf: Its content.

    Raises:
        ValueError: If a key or a value is not valid.
    """
    return read_settings("`adapter_conf`", LoraConfig, conf)


def add_adapters(model: Module, conf: Mapping[str, Any] | None) -> dict[str, Any]:
    """Add an adapter to linear layers of the encoder, and let all else in the encoder rest.

    The names of the layers' own weights stay. An adapter adds nothing at first. It is never merged
    into the weight while a model is trained or validated, as loralib does by default: the weights
    would drift, and a checkpoint would hold other weights inside an epoch than at its end.

    Args:
        model: A model with an `encoder`; changed in place.
        conf: Content of `adapter_conf`.

    Returns:
        `adapter_conf` with all values, and the full names of the layers as `target_modules`, so
        that ESPnet, which looks for ends of names in the whole model, finds these alone.

    Raises:
        ValueError: If a setting is not valid, or a target is no linear layer of the encoder.
    """
    config = read_adapter_conf(conf)
    targets = find_targets(model, config.target_modules)
    for name in targets:
        layer: Any = model.get_submodule(name)
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, _adapted(layer, config))
    train_adapters_alone(model)
    sizes = [(own.numel(), own.requires_grad) for own in model.get_submodule(ENCODER).parameters()]
    free = sum(size for size, learns in sizes if learns)
    logging.info(
        f"Adapters of rank {config.rank} on {len(targets)} layers: {free:,} of"
        f" {sum(size for size, _ in sizes):,} parameters of the encoder learn"
    )
    return {**asdict(config), "target_modules": targets}


def find_targets(model: Module, targets: Sequence[str]) -> list[str]:
    """Return the names of the linear layers of the encoder that get an adapter.

    Args:
        model: A model with an `encoder`.
        targets: Ends of their names; none for the projections of queries and values.

    Raises:
        ValueError: If a target is the end of no name, or no layer that can have an adapter.
    """
    inside = {name: layer for name, layer in model.named_modules() if _is_inside(name)}
    linear_layers = [name for name, layer in inside.items() if isinstance(layer, torch.nn.Linear)]
    ends = sorted({name.rpartition(".")[2] for name in linear_layers})
    chosen = list(targets) or [name for name in USUAL if name in ends]
    if not chosen:
        raise ValueError(
            f"`target_modules` of `adapter_conf` must name linear layers of the encoder, which has"
            f" none of the usual {list(USUAL)}: choose from {ends}."
        )
    found: list[str] = []
    for target in chosen:
        here = [name for name in inside if _ends_with(name, target)]
        if not here:
            close = difflib.get_close_matches(target, ends, n=CLOSEST, cutoff=0.5)
            hint = f"closest: {', '.join(close)}; " if close else ""
            raise ValueError(
                f"`target_modules` of `adapter_conf` names {target!r}, but no module of the encoder"
                f" has a name that ends so ({hint}its linear layers end in {', '.join(ends)})."
            )
        for name in here:
            _require_linear(target, name, model)
        found += here
    return [name for name in linear_layers if name in found]


def train_adapters_alone(model: Module) -> None:
    """Freeze all parameters of the encoder but those of adapters.

    Args:
        model: A model with an `encoder` that has adapters.
    """
    encoder = model.get_submodule(ENCODER)
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_(is_adapter(name))
    part: Any
    for part in encoder.modules():
        inside = has_adapters(name for name, _ in part.named_parameters())
        if hasattr(part, "_freeze_parameters") and not inside:  # convolutions of wav2vec 2.0
            part._freeze_parameters()  # they then keep no graph, either


def merge_adapters(model: Module) -> None:
    """Replace layers with an adapter by plain ones of the same function, for decoding and export.

    Args:
        model: The model; changed in place.
    """
    adapted = [(name, layer) for name, layer in model.named_modules() if is_adapted(layer)]
    for name, layer in adapted:
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, _merged(layer))


def is_adapter(name: str) -> bool:
    """Return True for the name of a parameter of an adapter.

    Args:
        name: Name of a parameter or tensor.
    """
    return name.rpartition(".")[2] in FACTORS


def is_adapted(layer: Any) -> bool:
    """Return True for a layer with an adapter.

    Args:
        layer: Any module.
    """
    return isinstance(layer, torch.nn.Linear) and hasattr(layer, FACTORS[0])


def without_adapters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that are not those of adapters.

    Args:
        tensors: Tensors by name.
    """
    return {name: tensor for name, tensor in tensors.items() if not is_adapter(name)}


def has_adapters(names: Iterable[str]) -> bool:
    """Return True if a name is that of an adapter.

    Args:
        names: Names of parameters or tensors.
    """
    return any(is_adapter(name) for name in names)


def _is_inside(name: str) -> bool:
    return name.startswith(f"{ENCODER}.")


def _ends_with(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _require_linear(target: str, name: str, model: Module) -> None:
    layer, parent = model.get_submodule(name), model.get_submodule(name.rpartition(".")[0])
    holder = type(parent).__name__
    if not isinstance(layer, torch.nn.Linear):
        raise ValueError(
            f"`target_modules` of `adapter_conf` names {target!r}, but {name} is a"
            f" {type(layer).__name__}: adapters are for linear layers."
        )
    if holder in READ_WEIGHTS:
        raise ValueError(
            f"`target_modules` of `adapter_conf` names {target!r}, but {holder} reads the weight of"
            f" {name} itself, so that an adapter would do nothing: name the linear layers of the"
            " feed-forward part, such as intermediate_dense."
        )


@cache
def _layer_class() -> Any:
    """Return loralib's linear layer, with the faster products of this machine."""
    try:
        base: Any = importlib.import_module("loralib").Linear
    except ImportError as error:
        raise ValueError(
            "Adapters need the package loralib, which is not installed: pip install"
            " 'espnet-soups[lora]'."
        ) from error

    class LoraLinear(base):  # type: ignore[misc, unused-ignore]
        def forward(self, values: Tensor) -> Tensor:
            """Return the product with the weight and that with the adapter, [..., E]."""
            if not is_held_back():
                return super().forward(values)  # type: ignore[no-any-return]
            adapted = self.lora_dropout(values) @ self.lora_A.T @ self.lora_B.T
            return linear(values, self.weight, self.bias) + adapted * self.scaling

    return LoraLinear


def _adapted(layer: torch.nn.Linear, config: LoraConfig) -> Module:
    kind = _layer_class()
    made = kind(
        layer.in_features,
        layer.out_features,
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout_rate,
        merge_weights=False,
        bias=layer.bias is not None,
    )
    made.weight, made.bias = layer.weight, layer.bias
    return made.to(layer.weight)  # type: ignore[no-any-return]


def _merged(layer: Any) -> torch.nn.Linear:
    plain = torch.nn.Linear(layer.in_features, layer.out_features, layer.bias is not None)
    with torch.no_grad():
        weight = layer.weight + layer.lora_B @ layer.lora_A * layer.scaling
    plain.weight, plain.bias = torch.nn.Parameter(weight), layer.bias
    return plain.train(layer.training)

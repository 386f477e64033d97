"""Which shared parameters the gradient rows are measured on, and how they are ordered in layers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch.nn import Module, Parameter

NUMBERED = re.compile(r"^(encoder(?:\.[A-Za-z_]\w*)*)\.(\d+)\.")


@dataclass(frozen=True)
class Columns:
    """Which columns of a row belong to a layer.

    Attributes:
        name: Name of the layer's module, e.g. `encoder.encoders.3`.
        parameters: Positions of its parameters in the list that rows are measured on.
        start: Its first column.
        stop: The column after its last one.
    """

    name: str
    parameters: tuple[int, ...]
    start: int
    stop: int


def shared_parameters(model: Module, shared: Sequence[str]) -> dict[str, Parameter]:
    """Gives the trainable parameters that objectives share, by name, in the order of the model.

    Args:
        model: The whole model.
        shared: Prefixes of the modules that objectives share, e.g. `["encoder"]`.

    Raises:
        ValueError: If none is trainable.
    """
    candidates = {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and any(name.startswith(f"{prefix}.") for prefix in shared)
    }
    if not candidates:
        raise ValueError(
            "No shared parameter is trainable, so there is no gradient to weigh: free some layer"
            " of the encoder (`freeze_param`) or use `combiner: static`."
        )
    return candidates


def select_parameters(
    model: Module, shared: Sequence[str], layers: str | Sequence[str]
) -> list[Parameter]:
    """Selects the parameters to measure on.

    Args:
        model: The whole model.
        shared: Prefixes of the modules that objectives share, e.g. `["encoder"]`.
        layers: `all`, or names of modules of the model, globs allowed, e.g.
            `["encoder.encoders.4", "encoder.encoders.5"]`.

    Returns:
        The trainable parameters, in the order of the model.

    Raises:
        ValueError: If a name matches no trainable shared parameter.
    """
    candidates = shared_parameters(model, shared)
    if layers == "all":
        return list(candidates.values())
    if isinstance(layers, str):
        raise ValueError(f"`layers` must be `all` or a list of module names, but got {layers!r}.")
    chosen: dict[str, Parameter] = {}
    for layer in layers:
        found = {
            name: parameter
            for name, parameter in candidates.items()
            if fnmatchcase(name, layer) or fnmatchcase(name, f"{layer}.*")
        }
        if not found:
            raise ValueError(
                f"`layers` names {layer!r}, which matches no trainable shared parameter; modules"
                f" that hold some: {_modules_of(candidates)}."
            )
        chosen.update(found)
    return [parameter for name, parameter in candidates.items() if name in chosen]


def encoder_layers(parameters: Mapping[str, Parameter]) -> list[Columns]:
    """Finds the layers of the encoder: the numbered modules that hold most of its parameters.

    Args:
        parameters: Shared parameters by name, in the order of a row.

    Returns:
        The layers, the lowest first.

    Raises:
        ValueError: If the encoder has fewer than two such layers.
    """
    stack = _stack_of(parameters)
    spans: dict[str, list[tuple[int, int, int]]] = {}
    start = 0
    for position, (name, parameter) in enumerate(parameters.items()):
        match = NUMBERED.match(name)
        if match and match[1] == stack:
            span = (position, start, start + parameter.numel())
            spans.setdefault(f"{match[1]}.{match[2]}", []).append(span)
        start += parameter.numel()
    if len(spans) < 2:
        raise ValueError(
            "`layers: conflicting` needs an encoder with two trainable layers or more, but found"
            f" {list(spans)}; use `layers: all`."
        )
    return [
        Columns(name, tuple(span[0] for span in parts), parts[0][1], parts[-1][2])
        for name, parts in spans.items()
    ]


def layer_parameters(parameters: Mapping[str, Parameter]) -> dict[str, set[int]]:
    """Gives the layers that `encoder_layers` finds, the lowest first, and their parameters' ids."""
    stack = _stack_of(parameters)
    members: dict[str, set[int]] = {}
    for name, parameter in parameters.items():
        match = NUMBERED.match(name)
        if match and match[1] == stack:
            members.setdefault(f"{match[1]}.{match[2]}", set()).add(id(parameter))
    return members


def _stack_of(parameters: Mapping[str, Parameter]) -> str | None:
    """Gives the module whose numbered children hold most parameters."""
    sizes: dict[str, int] = {}
    for name, parameter in parameters.items():
        match = NUMBERED.match(name)
        if match:
            sizes[match[1]] = sizes.get(match[1], 0) + parameter.numel()
    return max(sizes, key=lambda name: sizes[name], default=None)


def _modules_of(names: Sequence[str] | dict[str, Parameter]) -> list[str]:
    """Gives each name up to its first number, or else its first three parts, each once."""
    short = (re.match(r".*?\.\d+(?=\.)|(?:[^.]*\.?){3}", name) for name in names)
    return list(dict.fromkeys(match[0].rstrip(".") for match in short if match))

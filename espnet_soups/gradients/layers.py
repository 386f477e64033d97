"""Shared parameters on which gradient rows are measured, and the layers that hold them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch.nn import Module, Parameter

ENCODER = "encoder"
FACTORS = ("lora_A", "lora_B")  # loralib's names of the parameters of an adapter
NUMBERED = re.compile(r"^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.(\d+)\.")


@dataclass(frozen=True)
class Columns:
    """Columns of a row that belong to a layer.

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
    """Return the trainable parameters that objectives share, by name, in the order of the model.

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
    """Select the parameters to measure on.

    Args:
        model: The whole model.
        shared: Prefixes of the modules that objectives share, e.g. `["encoder"]`.
        layers: `all`, `adapters` for the low-rank factors of layers, or names of modules of the
            model, globs allowed, e.g. `["encoder.encoders.4", "encoder.encoders.5"]`.

    Returns:
        The trainable parameters, in the order of the model.

    Raises:
        ValueError: If a name matches no trainable shared parameter, or there are no adapters.
    """
    candidates = shared_parameters(model, shared)
    if layers == "adapters":
        return _adapters_of(candidates)
    if layers == "all":
        return list(candidates.values())
    if isinstance(layers, str):
        raise ValueError(
            f"`layers` must be `all`, `adapters` or a list of module names, but got {layers!r}."
        )
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


def _adapters_of(candidates: Mapping[str, Parameter]) -> list[Parameter]:
    found = [own for name, own in candidates.items() if name.rpartition(".")[2] in FACTORS]
    if not found:
        raise ValueError(
            "`layers: adapters` needs adapters, but the model has none: set `use_adapter: true`."
        )
    return found


def find_layers(
    parameters: Mapping[str, Parameter], stacks: Sequence[str] = (ENCODER,)
) -> list[Columns]:
    """Find the layers of modules: their numbered children that hold most of their parameters.

    Args:
        parameters: Shared parameters by name, in the order of a row.
        stacks: The modules, such as `encoder` or `shared_heads.text`.

    Returns:
        The layers, in the order of the row: those of the encoder first, the lowest first.

    Raises:
        ValueError: If a module has no such layer, or there are fewer than two in all.
    """
    spans: dict[str, list[tuple[int, int, int]]] = {}
    names = _layer_names(parameters, stacks)
    start = 0
    for position, (name, parameter) in enumerate(parameters.items()):
        if name in names:
            span = (position, start, start + parameter.numel())
            spans.setdefault(names[name], []).append(span)
        start += parameter.numel()
    for stack in stacks:
        if stack != ENCODER and not any(name.startswith(f"{stack}.") for name in spans):
            raise ValueError(
                f"`stacks` of `selection` names {stack!r}, which has no numbered layer that is"
                f" shared and trainable; there are layers in {_modules_of(list(parameters))}."
            )
    if len(spans) < 2:
        where = "an encoder" if tuple(stacks) == (ENCODER,) else " and ".join(stacks)
        raise ValueError(
            f"`layers: conflicting` needs {where} with two trainable layers or more, but found"
            f" {list(spans)}; use `layers: all`."
        )
    return [
        Columns(name, tuple(span[0] for span in parts), parts[0][1], parts[-1][2])
        for name, parts in spans.items()
    ]


def group_columns(parameters: Mapping[str, Parameter]) -> dict[str, list[tuple[int, int]]]:
    """Group the columns of a row by the module that holds them.

    Args:
        parameters: Shared parameters by name, in the order of a row.

    Returns:
        Name of the group to its spans of columns: a layer such as `encoder.encoders.3`, and by its
        own name whatever is in none.
    """
    groups: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for name, parameter in parameters.items():
        match = NUMBERED.match(name)
        holder = f"{match[1]}.{match[2]}" if match else name.rpartition(".")[0]
        spans = groups.setdefault(holder, [])
        stop = start + parameter.numel()
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((start, stop))
        start = stop
    return groups


def layer_parameters(parameters: Mapping[str, Parameter]) -> dict[str, set[int]]:
    """Return the layers of the encoder, the lowest first, and the ids of their parameters.

    Args:
        parameters: Shared parameters by name.
    """
    members: dict[str, set[int]] = {}
    for name, layer in _layer_names(parameters, (ENCODER,)).items():
        members.setdefault(layer, set()).add(id(parameters[name]))
    return members


def _layer_names(parameters: Mapping[str, Parameter], stacks: Sequence[str]) -> dict[str, str]:
    """Return the layer of each parameter that belongs to one, by name."""
    numbered = {
        name: (match[1], match[2]) for name in parameters if (match := NUMBERED.match(name))
    }
    chosen = {_stack_of(parameters, numbered, stack) for stack in stacks}
    return {
        name: f"{holder}.{number}"
        for name, (holder, number) in numbered.items()
        if holder in chosen
    }


def _stack_of(
    parameters: Mapping[str, Parameter], numbered: Mapping[str, tuple[str, str]], module: str
) -> str | None:
    """Return the part of a module whose numbered children hold most parameters, or None."""
    sizes: dict[str, int] = {}
    for name, (holder, _) in numbered.items():
        if f"{holder}.".startswith(f"{module}."):
            sizes[holder] = sizes.get(holder, 0) + parameters[name].numel()
    return max(sizes, key=lambda name: sizes[name], default=None)


def _modules_of(names: Sequence[str] | dict[str, Parameter]) -> list[str]:
    """Return each name up to its first number, or else its first three parts, each once."""
    short = (re.match(r".*?\.\d+(?=\.)|(?:[^.]*\.?){3}", name) for name in names)
    return list(dict.fromkeys(match[0].rstrip(".") for match in short if match))

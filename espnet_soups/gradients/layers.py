"""Which shared parameters the gradient rows are measured on."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch.nn import Module, Parameter


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


def _modules_of(names: Sequence[str] | dict[str, Parameter]) -> list[str]:
    """Gives the first three parts of each name, e.g. encoder.encoders.0, each once."""
    return list(dict.fromkeys(".".join(name.split(".")[:3]) for name in names))

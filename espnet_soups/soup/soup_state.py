"""What of a soup travels in the state of the optimiser, into `checkpoint.pth` and back."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from espnet_soups.gradients.signal import RunningSignal

if TYPE_CHECKING:
    from espnet_soups.soup.soup import Soup

KEY = "soup"


def save_state(soup: "Soup", state: dict[str, Any]) -> dict[str, Any]:
    """Add the state of a soup to that of the optimiser."""
    weights = soup.weights
    state[KEY] = {
        "levels": _levels(soup),
        "weights": weights.values.clone(),
        "scale": weights.scale.state(),
        "norms": soup.geometry.norms.state(),
        "units": _units(soup),
        "since": soup.since,
        "penalties": soup.clock.c.clone(),
        "penalty_steps": soup.clock.growing_steps.clone(),
        "combiners": weights.names,
        "combiner_states": [dict(own) for own in weights.states],
        "layers": soup.layers.state(),
    }
    return state


def load_state(soup: "Soup", state: Mapping[str, Any]) -> dict[str, Any]:
    """Set a soup to the state in a checkpoint, and return the rest for the optimiser.

    Raises:
        ValueError: If the checkpoint has no soup, one of other levels, or one of an earlier engine.
    """
    levels, saved = _levels(soup), state.get(KEY)
    if saved is None or saved["levels"] != levels:
        found = "no soup (another trainer)" if saved is None else f"levels {saved['levels']}"
        raise ValueError(
            f"checkpoint.pth cannot be resumed: it holds {found}, but this run has levels"
            f" {levels}. Use another `--output_dir`, or `--resume false`."
        )
    if "scale" not in saved:
        raise ValueError(
            "checkpoint.pth cannot be resumed: its weights come from the engine of an earlier"
            " release, which measured in another way. Use another `--output_dir`, or `--resume"
            " false`."
        )
    # ESPnet loads checkpoints onto the GPU; a soup remembers on the CPU.
    soup.weights.values = saved["weights"].to("cpu", copy=True)
    soup.weights.scale = RunningSignal.restored(saved["scale"])
    soup.geometry.norms = RunningSignal.restored(saved["norms"])
    if saved["units"] != _units(soup):
        logging.warning(
            f"Gradients were measured by {saved['units']} in the checkpoint, now by"
            f" {_units(soup)}: running means start anew."
        )
        soup.weights.restart_scale()
        soup.geometry.restart()
    soup.since = saved["since"]
    soup.clock.c = saved["penalties"].to("cpu", copy=True)
    soup.clock.growing_steps.copy_(saved["penalty_steps"])
    soup.layers.restore(saved["layers"])
    _load_combiners(soup, saved["combiners"], saved["combiner_states"])
    return {key: value for key, value in state.items() if key != KEY}


def _load_combiners(
    soup: "Soup", names: Sequence[str], states: Sequence[Mapping[str, Tensor]]
) -> None:
    restored = []
    for position, (now, name, state) in enumerate(
        zip(soup.weights.names, names, states, strict=True)
    ):
        if now == name:
            restored.append({key: value.to("cpu", copy=True) for key, value in state.items()})
        else:
            restored.append({})
            level = soup.hierarchy.levels[position]
            if (soup.weights.values[level] < 0).any():
                initial = soup.weights.combiners[position].initial(len(level))
                soup.weights.values[level] = initial.to(soup.weights.values)
            logging.warning(
                f"Level {position + 1} was weighed by {name} in the checkpoint, now by {now}: it"
                " goes on from the weights alone, or from its own first ones if some are negative."
            )
    soup.weights.states = tuple(restored)


def _units(soup: "Soup") -> dict[str, Any]:
    """Return the settings that decide what running means are means of."""
    config = soup.config
    layers = config.layers if isinstance(config.layers, str) else list(config.layers)
    return {"gradient_norm": config.gradient_norm, "metric": config.metric, "layers": layers}


def _levels(soup: "Soup") -> list[list[str]]:
    return [[soup.names[index] for index in level] for level in soup.hierarchy.levels]

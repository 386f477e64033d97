"""What of a soup travels in the state of the optimiser, into `checkpoint.pth` and back."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from espnet_soups.model.soup import Soup

KEY = "soup"


def save_state(soup: "Soup", state: dict[str, Any]) -> dict[str, Any]:
    """Adds the state of a soup to that of the optimiser."""
    state[KEY] = {
        "levels": _levels(soup),
        **{name: buffer.clone() for name, buffer in _buffers(soup).items()},
        "penalty_steps": soup.penalty_steps.clone(),
        "combiners": soup.combiners.names,
        "combiner_states": [dict(state) for state in soup.combiners.states],
        "layers": soup.layers.state(),
    }
    return state


def load_state(soup: "Soup", state: Mapping[str, Any]) -> dict[str, Any]:
    """Sets a soup to the state in a checkpoint, and gives the rest to the optimiser.

    Raises:
        ValueError: If the checkpoint has no soup, or one of other levels.
    """
    levels, saved = _levels(soup), state.get(KEY)
    if saved is None or saved["levels"] != levels:
        found = "no soup (another trainer)" if saved is None else f"levels {saved['levels']}"
        raise ValueError(
            f"checkpoint.pth cannot be resumed: it holds {found}, but this run has levels"
            f" {levels}. Use another `--output_dir`, or `--resume false`."
        )
    for name, buffer in _buffers(soup).items():
        buffer.copy_(saved[name])
    if "penalty_steps" in saved:  # not in checkpoints of version 0.1
        soup.penalty_steps.copy_(saved["penalty_steps"])
        soup.layers.restore(saved["layers"])
        _load_combiners(soup, saved["combiners"], saved["combiner_states"])
    return {key: value for key, value in state.items() if key != KEY}


def _load_combiners(soup: "Soup", names: list[str], states: list[Mapping[str, Any]]) -> None:
    for position, (now, name, state) in enumerate(
        zip(soup.combiners.names, names, states, strict=True)
    ):
        if now == name:
            # ESPnet loads checkpoints onto the GPU; combiners remember on the CPU.
            own = {key: value.to("cpu", copy=True) for key, value in state.items()}
            soup.combiners.states[position] = own
        else:
            logging.warning(
                f"Level {position + 1} was weighed by {name} in the checkpoint, now by {now}: it"
                " goes on from the weights alone."
            )


def _buffers(soup: "Soup") -> dict[str, Tensor]:
    norms = soup.norms
    return {"weights": soup.weights, "norms": norms.values, "norm_steps": norms.steps}


def _levels(soup: "Soup") -> list[list[str]]:
    return [[soup.names[index] for index in level] for level in soup.hierarchy.levels]

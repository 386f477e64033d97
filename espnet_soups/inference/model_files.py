"""Where the files that a `config.yaml` names lie: beside the model first, and never another's."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from espnet2.layers.global_mvn import GlobalMVN
from torch import Tensor

from espnet_soups.task.training.model_file import DAMAGE

LEVELS = 5  # folders above an experiment in which its recipe is looked for
Fits = Callable[[Path], bool]


def locate(file: str, exp_dir: Path, fits: Fits | None = None) -> Path:
    """Return a file that was named from the recipe's folder, from wherever we are.

    Recipes name their files alike. So the model's own folder comes first, then the folders above
    it (also those above a link), one of which is its recipe, then the working directory, from which
    a recipe names what lies outside; and a file is looked into where that shows whose it is.

    Args:
        file: As the configuration names it.
        exp_dir: The folder that holds the configuration.
        fits: Whether a file is the model's own; None: any is taken.

    Raises:
        FileNotFoundError: If it is nowhere, or every file that is found is another model's.
    """
    above = [*exp_dir.absolute().parents[:LEVELS], *exp_dir.resolve().parents[:LEVELS]]
    own = [exp_dir / file, exp_dir / Path(file).name]
    places = [*own, *(folder / file for folder in above), Path(file)]
    found = list(dict.fromkeys(place.resolve() for place in places if place.is_file()))
    for path in found:
        if fits is None or fits(path):
            return path
    config = exp_dir / "config.yaml"
    if found:
        others = ", ".join(map(str, found))
        raise FileNotFoundError(
            f"{config} names {file}, but what is found under that name does not belong to this"
            f" model: {others}; put its own {Path(file).name} into {exp_dir}."
        )
    raise FileNotFoundError(
        f"{config} names {file}, which is neither in the working directory nor"
        f" beside the model: put it into {exp_dir}."
    )


def statistics_fit(tensors: Mapping[str, Tensor]) -> Fits:
    """Return what tells whether a file holds the statistics that a model was trained with.

    Args:
        tensors: Those of the model file, which has the statistics among them.
    """

    def fit(path: Path) -> bool:
        try:
            read = GlobalMVN(path).state_dict()
        except (OSError, KeyError, IndexError, *DAMAGE):
            return False
        return all(
            value.shape == own.shape and torch.allclose(value, own.to(value), equal_nan=True)
            for name, value in read.items()
            if (own := tensors.get(f"normalize.{name}")) is not None
        )

    return fit

"""Find the files that a `config.yaml` names: beside the model first, and never another model's."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from espnet2.layers.global_mvn import GlobalMVN
from torch import Tensor

from espnet_soups.task.training.model_file import DAMAGE

LEVELS = 5  # folders above an experiment that may be its recipe
Fits = Callable[[Path], bool]


def locate(file: str, exp_dir: Path, fits: Fits | None = None) -> Path:
    """Return the path of a file that was named relative to the recipe, from any working directory.

    Recipes use the same names. So the model's own folder comes first, then the folders above it
    (also those above a link), one of which is its recipe, then the working directory, from which a
    recipe names files outside. If the content of a file shows whose it is, `fits` checks it.

    Args:
        file: The name in the configuration.
        exp_dir: The folder that holds the configuration.
        fits: Function that returns whether a file belongs to the model; None: any is accepted.

    Raises:
        FileNotFoundError: If there is no such file, or every file found is another model's.
    """
    above = [*exp_dir.absolute().parents[:LEVELS], *exp_dir.resolve().parents[:LEVELS]]
    own = [exp_dir / file, exp_dir / nested_name(file), exp_dir / Path(file).name]
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


def nested_name(file: str) -> Path:
    """Return the last three parts of a name; models of subwords differ in their folders alone.

    Args:
        file: The name in a configuration.

    >>> nested_name("../data/fr_token_list/bpe_unigram500/bpe.model").as_posix()
    'fr_token_list/bpe_unigram500/bpe.model'
    """
    path = Path(file)
    return Path(*[part for part in path.parts if part not in ("..", path.anchor)][-3:])


def statistics_fit(tensors: Mapping[str, Tensor]) -> Fits:
    """Return a function that checks whether a file holds the statistics a model was trained with.

    Args:
        tensors: The tensors of the model file, including the statistics.
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

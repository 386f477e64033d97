"""Find the experiment folder of a model, however the user names it."""

import os
from pathlib import Path

from espnet_soups.inference.bundle import TABLE, open_bundle
from espnet_soups.inference.hub_model import NAME, fetch_bundle

VARIABLE = "ESPNET_SOUPS_MODEL"
HERE = Path("exp")  # folder of the experiments of a recipe


def find_model(named: str | None) -> Path:
    """Return the experiment folder of the model that a command should use.

    Args:
        named: A name for `find_experiment`; None: the variable `ESPNET_SOUPS_MODEL`, or else the
            only trained model below `exp` of the working directory.

    Raises:
        OSError: If there is none.
        ValueError: If there are several.
    """
    named = named or os.environ.get(VARIABLE)
    if named:
        return find_experiment(named)
    way_out = f"name a model by `--model`, or in the variable {VARIABLE}."
    trained = [
        path.parent
        for path in sorted(HERE.glob("msp_*/config.yaml"))
        if list(path.parent.glob("valid.*.pth"))
    ]
    if not trained:
        raise FileNotFoundError(f"No trained model was found below {HERE.absolute()}: {way_out}")
    if len(trained) > 1:
        raise ValueError(
            f"{HERE.absolute()} holds several models ({', '.join(path.name for path in trained)}):"
            f" {way_out}"
        )
    return trained[0]


def find_experiment(named: str | Path) -> Path:
    """Return the experiment folder of a model.

    Args:
        named: A folder with the `config.yaml` of a training, a bundle (a zip file, or a folder with
            `bundle.json`), or a name on the Hugging Face hub, `organisation/model`.

    Raises:
        OSError: If there is none.
        ValueError: If a bundle is damaged or of a newer format, or the hub does not have it.
    """
    path = Path(named)
    if (path / TABLE).is_file() or path.is_file():
        return open_bundle(path)
    if path.is_dir():
        return path
    if NAME.fullmatch(str(named)) and not str(named).startswith(("exp/", ".")):
        return open_bundle(fetch_bundle(str(named)))
    raise FileNotFoundError(
        f"There is no model {path}: name a folder such as exp/msp_<tag>, a bundle (model.zip), or a"
        " model on the Hugging Face hub (organisation/model)."
    )

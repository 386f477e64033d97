"""Read the `config.yaml` of a trained model, and find the files that it names."""

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from espnet_soups.backbone.settings import without_hub
from espnet_soups.files import read_yaml, require_shape
from espnet_soups.inference.model_files import Fits, locate, statistics_fit
from espnet_soups.objectives.own_kind import own_kinds, refuse_foreign
from espnet_soups.objectives.registry import kinds_of
from espnet_soups.settings import refuse_mistyped
from espnet_soups.task.own_options import add_own_options

STATISTICS = "stats_file"  # key of the statistics of features in `normalize_conf`
# Options of ESPnet that define a model.
SHAPE = {
    **{"encoder": str, "encoder_conf?": dict, "frontend?": str, "frontend_conf?": dict},
    **{"normalize?": str, "normalize_conf?": {"stats_file?": str}, "preencoder?": str},
}


def config_path(exp_dir: Path) -> Path:
    """Return the configuration of an experiment.

    Args:
        exp_dir: The folder that training wrote.

    Raises:
        FileNotFoundError: If there is no configuration.
    """
    path = exp_dir / "config.yaml"
    if not path.is_file():
        raise FileNotFoundError(
            f"{exp_dir} has no config.yaml: give the folder that training wrote, such as"
            " exp/msp_<tag>."
        )
    return path


def read_config(
    exp_dir: Path, allowed: Collection[str] = (), found: dict[str, Path] | None = None
) -> argparse.Namespace:
    """Return the options of training that decoding needs.

    Options of ours that are newer than the file get their defaults. Files are found by `locate`.
    The soup is left out, since only training uses it.

    Args:
        exp_dir: The folder that training wrote.
        allowed: Kinds of a user's own, `module:Class`, that may be imported.
        found: Mapping to fill with the path of each file that the configuration names; None: not
            needed.

    Raises:
        FileNotFoundError: If there is no configuration, or a file that it names cannot be found.
        ValueError: If it is not the configuration of a multi-objective model, or names a class that
            may not be imported.
    """
    path = config_path(exp_dir)
    options = read_yaml(path, "the configuration of a training")
    refuse_foreign(own_kinds(options), allowed, path)
    parser = argparse.ArgumentParser()
    add_own_options(parser)
    refuse_mistyped(str(path), parser, options)
    if not _declares(options, path):
        raise ValueError(
            f"{path} declares no objective: it is not the configuration of a multi-objective model."
        )
    require_shape(options, SHAPE, str(path), "the training (stage 9)")
    args = argparse.Namespace(**(vars(parser.parse_args([])) | options))
    args.trainer, args.init = "default", None
    without_hub(args)

    def find(file: str, fits: Fits | None = None) -> str:
        path = locate(file, exp_dir, fits)
        if found is not None:
            found[file] = path
        return str(path)

    normalize = dict(getattr(args, "normalize_conf", None) or {})
    if STATISTICS in normalize:
        normalize[STATISTICS] = find(normalize[STATISTICS])
    args.normalize_conf = normalize
    for kind in kinds_of(options):
        kind.locate(args, find)
    return args


def check_statistics(
    args: argparse.Namespace, exp_dir: Path, tensors: Mapping[str, Tensor]
) -> None:
    """Search again for the statistics of features if those that were found are another model's.

    Args:
        args: The result of `read_config`; changed in place.
        exp_dir: The folder that training wrote.
        tensors: The tensors of the model file.

    Raises:
        FileNotFoundError: If all that are found are another model's.
    """
    found, fits = args.normalize_conf.get(STATISTICS), statistics_fit(tensors)
    if found is not None and not fits(Path(found)):
        options = read_yaml(config_path(exp_dir), "the configuration of a training")
        named = options["normalize_conf"][STATISTICS]
        args.normalize_conf[STATISTICS] = str(locate(named, exp_dir, fits))


def _declares(options: Mapping[str, Any], path: Path) -> bool:
    try:
        return any(kind.declared(options) for kind in kinds_of(options))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error

"""Turn a training configuration of ESPnet 3 into the options of our task, with the same checks."""

import argparse
from typing import Any

from espnet3.utils.task_utils import get_task_class
from omegaconf import DictConfig, OmegaConf

# Keys of `trainer:`, Lightning's, whose values stand in `model:`, as they do in egs2.
FROM_MODEL = {
    "max_epochs": "max_epoch",
    "accumulate_grad_batches": "accum_grad",
    "gradient_clip_val": "grad_clip",
}
# Keys of ESPnet 3 that would have no effect, and the key of `model:` in their place.
INSTEAD = {
    "optimizer": "optim",
    "optimizers": "optim",
    "scheduler": "scheduler",
    "schedulers": "scheduler",
    "best_model_criterion": "best_model_criterion",
    "seed": "seed",
    "init": "init",
}
# What ESPnet 2's trainer or `main_worker` does, and this entry does not.
EGS2_ONLY = (
    "use_adapter",
    "init_param",
    "patience",
    "use_amp",
    "grad_noise",
    "grad_clip_type",
    "train_dtype",
    "scores_conf",
    "val_scheduler_criterion",
)


def options_of(config: DictConfig) -> argparse.Namespace:
    """Return the options of a run, checked as those of egs2 are.

    Args:
        config: The training configuration of ESPnet 3; `model` holds options of egs2's training.

    Raises:
        ValueError: If a key is unknown, would have no effect, or is not valid.
    """
    for key, instead in INSTEAD.items():
        if config.get(key) is not None:
            raise ValueError(f"`{key}` has no effect here: set `model.{instead}`, as in egs2.")
    for key, instead in FROM_MODEL.items():
        if key in config.trainer:
            raise ValueError(f"`trainer.{key}` has no effect here: set `model.{instead}`.")
    if config.get("num_device", 1) != 1 or config.get("num_nodes", 1) != 1:
        raise ValueError(
            "`num_device` and `num_nodes` must be 1: ESPnet 3 does not weigh the ranks by their"
            " utterances, as ESPnet 2 does. Train on several GPUs with egs2."
        )
    if str(config.trainer.get("precision", "32")).startswith("16"):
        raise ValueError("`trainer.precision` must be 32 or bf16-mixed; float16 works with egs2.")
    parser = get_task_class(config.task).get_parser()
    given: dict[str, Any] = OmegaConf.to_container(config.model, resolve=True)
    unknown = sorted(given.keys() - vars(parser.parse_args([])).keys())
    if unknown:
        raise ValueError(f"`model` has unknown keys: {', '.join(unknown)}.")
    for key in EGS2_ONLY:
        if key in given and given[key] != parser.get_default(key):
            raise ValueError(f"`model.{key}: {given[key]}` works with egs2 alone: leave it out.")
    parser.set_defaults(**given, output_dir=str(config.exp_dir))
    options = parser.parse_args([])
    get_task_class(config.task).check_required_command_args(options)
    if options.trainer not in ("default", "msp"):
        raise ValueError(f"`model.trainer` must be default or msp, but got {options.trainer!r}.")
    return options


def lightning_settings(config: DictConfig, options: argparse.Namespace) -> DictConfig:
    """Return `trainer` of a configuration, with the values that `model` holds.

    Args:
        config: The training configuration of ESPnet 3.
        options: The options of the run.
    """
    settings = {key: getattr(options, name) for key, name in FROM_MODEL.items()}
    return OmegaConf.merge(config.trainer, settings)

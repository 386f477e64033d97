"""Turn a training configuration of ESPnet 3 into the options of our task, with the same checks."""

import argparse
from typing import Any

from espnet2.schedulers.abs_scheduler import AbsValEpochStepScheduler
from espnet2.tasks.abs_task import scheduler_classes
from espnet3.utils.task_utils import get_task_class
from omegaconf import DictConfig, OmegaConf

# Keys that would have no effect, and the key of `model:` that is used in their place.
INSTEAD = {
    "optimizer": "optim",
    "optimizers": "optim",
    "scheduler": "scheduler",
    "schedulers": "scheduler",
    "best_model_criterion": "best_model_criterion",
    "seed": "seed",
    "trainer.max_epochs": "max_epoch",
    "trainer.accumulate_grad_batches": "accum_grad",
    "trainer.gradient_clip_val": "grad_clip",
    "trainer.init": "init",
}
# Options of ESPnet 2's own trainer and of its `main_worker`, which are not used here.
EGS2_ONLY = (
    "output_dir",
    "ngpu",
    "use_adapter",
    "init_param",
    "patience",
    "use_amp",
    "use_wandb",
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
        if OmegaConf.select(config, key) is not None:
            raise ValueError(f"`{key}` has no effect here: set `model.{instead}`, as in egs2.")
    if config.num_device != 1 or config.num_nodes != 1:
        raise ValueError(
            f"`num_device` and `num_nodes` must be 1, but got {config.num_device} and"
            f" {config.num_nodes}: ESPnet 3 does not weigh ranks by their utterances, as ESPnet 2"
            " does. Train on several GPUs with egs2."
        )
    precision = str(config.trainer.get("precision", 32))
    if precision not in ("32", "32-true"):
        raise ValueError(f"`trainer.precision` must be 32, but got {precision}: use egs2.")
    task = get_task_class(config.task)
    parser = task.get_parser()
    given: Any = OmegaConf.to_container(config.model, resolve=True)
    unknown = sorted(given.keys() - vars(parser.parse_args([])).keys())
    if unknown:
        raise ValueError(f"`model` has unknown keys: {', '.join(unknown)}.")
    for key in EGS2_ONLY:
        if key in given and given[key] != parser.get_default(key):
            raise ValueError(f"`model.{key}` works with egs2 alone, but got {given[key]!r}.")
    parser.set_defaults(**given | {"output_dir": str(config.exp_dir)})
    options = parser.parse_args([])
    task.check_required_command_args(options)
    if options.trainer not in ("default", "msp"):
        raise ValueError(f"`model.trainer` must be default or msp, but got {options.trainer!r}.")
    known = scheduler_classes.get(options.scheduler)
    resumes = config.fit.get("ckpt_path") is not None
    if resumes and known is not None and issubclass(known, AbsValEpochStepScheduler):
        raise ValueError(
            f"`fit.ckpt_path` does not work with `model.scheduler: {options.scheduler}`: Lightning"
            " saves before such a scheduler steps, and would resume at another learning rate. Take"
            " one that follows steps, or resume with egs2."
        )
    return options


def trainer_settings(config: DictConfig, options: argparse.Namespace) -> Any:
    """Return Lightning's settings, with those that `model` holds.

    Args:
        config: The training configuration of ESPnet 3.
        options: The options of the run.
    """
    known = {"max_epochs": options.max_epoch, "accumulate_grad_batches": options.accum_grad}
    return OmegaConf.merge(config.trainer, known)

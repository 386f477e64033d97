"""The stages of ESPnet 3: training under Lightning; data, decoding and scores by egs2."""

import contextlib
import logging
import shlex
import subprocess
from pathlib import Path
from typing import ClassVar

import torch
from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from espnet2.utils.yaml_no_alias_safe_dump import yaml_no_alias_safe_dump
from espnet3.components.callbacks.default_callbacks import AverageCheckpointsCallback
from espnet3.components.trainers.trainer import ESPnet3LightningTrainer
from espnet3.contract.stages import StageSpec
from espnet3.systems.base.system import BaseSystem
from omegaconf import DictConfig, ListConfig

from espnet_soups.espnet3.lightning_module import MSPLightningModule
from espnet_soups.espnet3.options import options_of, trainer_settings
from espnet_soups.task.msp_task import MSPTask


class MSPSystem(BaseSystem):
    """System of a soup: `create_dataset`, `train`, `infer`, `measure`."""

    stages: ClassVar[tuple[StageSpec, ...]] = (
        StageSpec(name="create_dataset", config="training", log_dir="exp_dir"),
        StageSpec(name="train", config="training", log_dir="exp_dir"),
        StageSpec(name="infer", config="inference", log_dir="exp_dir"),
        StageSpec(name="measure", config="inference", log_dir="exp_dir"),
    )

    def create_dataset(self) -> None:
        """Make data, features, token lists and statistics: stages 1 to 6 of egs2."""
        _run_egs2(self.training_config, 1, 6)

    def train(self) -> None:
        """Train under Lightning; the folder then is one that egs2 decodes and scores.

        Raises:
            ValueError: If a setting is not valid.
        """
        config, folder = self.training_config, Path(self.training_config.exp_dir)
        _experiment(config)  # egs2 will look for it
        with contextlib.chdir(config.egs2.folder):  # the paths of `model` are those of egs2
            _train(config, folder)

    def infer(self) -> None:
        """Decode the test sets: stage 11 of egs2."""
        _run_egs2(self.inference_config, 11, 11, *_experiment(self.inference_config))

    def measure(self) -> None:
        """Score what was decoded: stage 12 of egs2."""
        _run_egs2(self.inference_config, 12, 12, *_experiment(self.inference_config))


def _train(config: DictConfig, folder: Path) -> None:
    options = options_of(config)
    set_all_random_seed(options.seed)
    # as ESPnet 2 does: the statistics of `normalize` are float64 until here
    model = MSPTask.build_model(options).to(dtype=torch.float32)
    module = MSPLightningModule(model, config, options)
    kept = options.keep_nbest_models
    best = kept if isinstance(kept, int) else max(kept)
    criteria = [[f"{phase}/{name}", best, how] for phase, name, how in options.best_model_criterion]
    trainer = ESPnet3LightningTrainer(
        model=module,
        exp_dir=str(folder),
        config=trainer_settings(config, options),
        best_model_criterion=ListConfig(criteria),
    )
    # ESPnet 3's own writer would put Lightning's `trainer` over ours
    with (folder / "config.yaml").open("w", encoding="utf-8") as file:
        yaml_no_alias_safe_dump(vars(options), file, indent=4, sort_keys=False)
    trainer.fit(**config.fit)
    for callback in trainer.trainer.callbacks:
        if isinstance(callback, AverageCheckpointsCallback):
            # it has averaged before Lightning saved the last epoch
            callback.on_validation_end(trainer.trainer, module)
            for saved in callback.best_ckpt_callbacks:
                name = saved.monitor.replace("/", ".")
                link = folder / f"{name}.ave.pth"  # the name that egs2 decodes with
                link.unlink(missing_ok=True)
                link.symlink_to(f"{name}.ave_{len(saved.best_k_models)}best.pth")


def _run_egs2(config: DictConfig, first: int, last: int, *words: str) -> None:
    """Run stages of the recipe of egs2, whose own message stands above ours if one fails."""
    words = ("./run.sh", "--stage", str(first), "--stop_stage", str(last), *words)
    words += tuple(shlex.split(config.egs2.options))
    logging.info(f"{config.egs2.folder}: {shlex.join(words)}")
    status = subprocess.run(words, cwd=config.egs2.folder, check=False).returncode
    if status != 0:  # ESPnet logs the traceback of any other error
        raise SystemExit(
            f"error: {shlex.join(words)} in {config.egs2.folder} ended with status {status};"
            " its own message stands above."
        )


def _experiment(config: DictConfig) -> tuple[str, ...]:
    """Return the options by which egs2 finds an experiment of ours."""
    folder = Path(config.exp_dir)
    if not folder.is_absolute() or not folder.name.startswith("msp_"):
        raise ValueError(
            f"`exp_dir` must be absolute and end in msp_<tag>, but got {folder}: set `recipe_dir:"
            " ${config_path:..}` and `exp_tag: msp_<tag>`."
        )
    return ("--expdir", str(folder.parent), "--msp_tag", folder.name.removeprefix("msp_"))

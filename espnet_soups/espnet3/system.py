"""The stages of ESPnet 3: training is ours, under Lightning; data, decoding and scores are egs2's."""

import logging
import shlex
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from espnet2.utils.yaml_no_alias_safe_dump import yaml_no_alias_safe_dump
from espnet3.components.trainers.trainer import ESPnet3LightningTrainer
from espnet3.contract.stages import StageSpec
from espnet3.systems.base.system import BaseSystem
from omegaconf import DictConfig, ListConfig, OmegaConf

from espnet_soups.espnet3.lightning_module import MSPLightningModule
from espnet_soups.espnet3.options import lightning_settings, options_of
from espnet_soups.task.msp_task import MSPTask


class MSPSystem(BaseSystem):
    """System of a soup: `create_dataset`, `train`, `infer`, `measure`."""

    stages: ClassVar[tuple[StageSpec, ...]] = (
        StageSpec(name="create_dataset", config="training", log_dir="exp_dir"),
        StageSpec(name="train", config="training", log_dir="exp_dir"),
        StageSpec(name="infer", config="inference", log_dir="exp_dir"),
        StageSpec(name="measure", config="inference", log_dir="exp_dir"),
    )

    def create_dataset(self, *args: Any, **kwargs: Any) -> None:
        """Make data, features, token lists and statistics: stages 1 to 6 of egs2."""
        self._reject_stage_args("create_dataset", args, kwargs)
        _run_egs2(self.training_config, 1, 6)

    def train(self, *args: Any, **kwargs: Any) -> None:
        """Train under Lightning; the folder then is one that egs2 decodes and scores.

        Raises:
            ValueError: If a setting is not valid.
        """
        self._reject_stage_args("train", args, kwargs)
        config = self.training_config
        options = options_of(config)
        set_all_random_seed(options.seed)
        model = MSPTask.build_model(options)
        module = MSPLightningModule(model, config, options)
        kept = options.keep_nbest_models
        best = kept if isinstance(kept, int) else max(kept)
        trainer = ESPnet3LightningTrainer(
            model=module,
            exp_dir=str(config.exp_dir),
            config=lightning_settings(config, options),
            best_model_criterion=ListConfig(
                [[f"{phase}/{name}", best, how] for phase, name, how in options.best_model_criterion]
            ),
        )
        # ESPnet 3's own would put Lightning's `trainer` over ours
        with (Path(config.exp_dir) / "config.yaml").open("w", encoding="utf-8") as file:
            yaml_no_alias_safe_dump(vars(options), file, indent=4, sort_keys=False)
        trainer.fit(**OmegaConf.to_container(config.get("fit") or OmegaConf.create({})))

    def infer(self, *args: Any, **kwargs: Any) -> None:
        """Decode the test sets: stage 11 of egs2."""
        self._reject_stage_args("infer", args, kwargs)
        _run_egs2(self.inference_config, 11, 11)

    def measure(self, *args: Any, **kwargs: Any) -> None:
        """Score what was decoded: stage 12 of egs2."""
        self._reject_stage_args("measure", args, kwargs)
        _run_egs2(self.inference_config, 12, 12)


def _run_egs2(config: DictConfig, first: int, last: int) -> None:
    """Run stages of the recipe of egs2."""
    words = ["./run.sh", "--stage", str(first), "--stop_stage", str(last)]
    words += shlex.split(config.egs2.options)
    logging.info(f"{config.egs2.folder}: {shlex.join(words)}")
    subprocess.run(words, cwd=config.egs2.folder, check=True)

"""Score after each epoch of a training, and show the results."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from espnet_soups.network.msp_model import MSPModel
from espnet_soups.ranks import rank_and_size
from espnet_soups.task.scores.config import read_scores_config
from espnet_soups.task.scores.examples import add_to_tensorboard, add_to_wandb, write_examples
from espnet_soups.task.scores.scorer import EpochScorer, EpochScores

NOTHING = EpochScores({}, {})


class ScoreWatch:
    """Scores of a training, epoch by epoch.

    Args:
        network: The model.
        settings: The options of `msp_train`, by name.
        output_dir: Folder of the run.

    Attributes:
        remarks: Warnings for the terminal: objectives that cannot be scored.
        writer: ESPnet's writer for TensorBoard; None: there is none.
        step: Number of mini-batches trained so far, the step of TensorBoard.

    Raises:
        OSError: If a file is missing, or cannot be written.
        ValueError: If a file is malformed, or a criterion names the score of an objective that
            cannot be scored.
    """

    def __init__(self, network: MSPModel, settings: Mapping[str, Any], output_dir: Path) -> None:
        self.config = read_scores_config(settings)
        self.scorer: EpochScorer | None = None
        self.remarks: list[str] = []
        self.writer: Any = None
        self.step = 0
        if self.config.utterances > 0:
            self.scorer = EpochScorer(network, settings, self.config, output_dir)
            self.remarks = self.scorer.find_unscored(settings)

    def score(self, epoch: int, options: Any) -> EpochScores:
        """Score the model of now if the epoch is due, and show texts; else return no scores.

        Args:
            epoch: Number of the epoch, from 1.
            options: ESPnet's options of the trainer.

        Raises:
            OSError: If a file is missing, or cannot be written.
            ValueError: If speech cannot be read or decoded.
        """
        if self.scorer is None or not self.config.is_due(epoch, options.max_epoch):
            return NOTHING
        scores = self.scorer.score()
        if rank_and_size()[0] == 0:
            means = ", ".join(f"{name} {item['mean']:.2f}" for name, item in scores.record.items())
            logging.info(f"scores of epoch {epoch}: {means}; {scores.seconds:.1f} s")
            self._show(epoch, options, scores)
        return scores

    def _show(self, epoch: int, options: Any, scores: EpochScores) -> None:
        if not scores.examples or self.scorer is None:
            return
        write_examples(self.scorer.folder, epoch, scores.examples)
        if self.writer is not None:
            add_to_tensorboard(self.writer, self.step, scores.examples)
        if options.use_wandb:
            add_to_wandb(epoch, scores.examples)

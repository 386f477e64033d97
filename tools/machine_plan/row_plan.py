"""Estimate what a row of a table needs from its configurations, by `flops` and `memory`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from espnet_soups.tables.plan import Row
from tools.machine_plan import flops, memory
from tools.machine_plan.corpus_sizes import CorpusSize
from tools.machine_plan.machine import Machine
from tools.machine_plan.row_settings import crop_share, measuring_of, read_settings
from tools.machine_plan.shapes import CONFORMER, FRAME_NUMBERS, Audio, Measuring, ModelShape


@dataclass(frozen=True)
class RowPlan:
    """Needs of a row.

    Attributes:
        row: The row.
        pretraining: Name of the pre-training it starts from; empty: none.
        pretraining_hours: GPU hours of stage 7, which rows share.
        hours: GPU hours of stage 9.
        epoch_hours: GPU hours of one epoch of these.
        ratio: Cost of a step relative to joint training without self-supervision.
        memory_gb: Memory of each GPU, GB.
        disk_gb: Disk space of the experiment, GB.
        most_frames: Frames of a mini-batch that fit on one GPU.
        trainings: Number of trainings of the row: points of its search, else 1; hours and disk are
            of all.
    """

    row: Row
    pretraining: str
    pretraining_hours: float
    hours: float
    epoch_hours: float
    ratio: float
    memory_gb: float
    disk_gb: float
    most_frames: float
    trainings: int = 1

    def repeated(self, trainings: int) -> "RowPlan":
        """Return the plan of a search over several trainings.

        Args:
            trainings: Number of trainings.
        """
        hours, disk = trainings * self.hours, trainings * self.disk_gb
        return replace(self, trainings=trainings, hours=hours, disk_gb=disk)


def plan_row(
    row: Row,
    config: Mapping[str, Any],
    pretrain: Mapping[str, Any],
    shape: ModelShape,
    corpus: CorpusSize,
    machine: Machine,
    needs: str,
) -> RowPlan:
    """Plan a training of a row.

    Args:
        row: The row.
        config: Training configuration.
        pretrain: Configuration of pre-training; empty: the row has none.
        shape: The model.
        corpus: The corpora.
        machine: The machine.
        needs: Input of its combiner, from `combiner_needs`.
    """
    encoding = config.get("encoding", "auto")
    pooled = encoding == "pooled" or (encoding == "auto" and shape.kind == CONFORMER)  # BatchNorm
    share = crop_share(row.ssl, pretrain.get("ssl_conf") or {}, corpus.clip_seconds)
    joins = row.options.get("baseline") != "two_stage"
    audio = Audio(corpus.clip_seconds, corpus.translated_share, share if joins else 0.0)
    settings = read_settings(row, config)
    measuring = measuring_of(settings, shape.blocks, pooled, needs, machine.reuses)
    step = flops.training_flops(shape, audio, measuring)
    plain = Audio(corpus.clip_seconds, corpus.translated_share)
    seconds = 3600 * corpus.train_hours, 3600 * corpus.dev_hours
    epoch = seconds[0] * step + seconds[1] * flops.forward_flops(shape, audio)
    epoch_hours = flops.gpu_hours(epoch, machine.peak_tflops, machine.utilisation)
    before = _pretraining_hours(shape, corpus, machine, pretrain, share) if row.pretrains else 0.0
    memory_gb, most_frames = _memory(config, shape, audio, measuring, machine)
    return RowPlan(
        row=row,
        pretraining=row.ssl if row.pretrains else "",
        pretraining_hours=before,
        hours=epoch_hours * config["max_epoch"],
        epoch_hours=epoch_hours,
        ratio=step / flops.training_flops(shape, plain, Measuring()),
        memory_gb=memory_gb,
        disk_gb=memory.experiment_bytes(shape.parameters, config["keep_nbest_models"]) / 1e9,
        most_frames=most_frames,
    )


def _memory(
    config: Mapping[str, Any],
    shape: ModelShape,
    audio: Audio,
    measuring: Measuring,
    machine: Machine,
) -> tuple[float, float]:
    """Return the GB of each GPU, and the frames that would fit, also with accumulation."""
    fixed, most = (
        memory.fixed_bytes(shape, audio, measuring, machine.gpus, accumulates)
        for accumulates in (config["accum_grad"] > 1, True)
    )
    each = memory.frame_bytes(shape, audio, machine.activation_bytes, measuring)
    frames = config["batch_bins"] / FRAME_NUMBERS / machine.gpus
    room = (machine.memory_gb - machine.context_gb) * 1e9 / machine.slack - most
    used = machine.context_gb + machine.slack * (fixed + frames * each) / 1e9
    return used, room / each


def _pretraining_hours(
    shape: ModelShape,
    corpus: CorpusSize,
    machine: Machine,
    pretrain: Mapping[str, Any],
    share: float,
) -> float:
    encode = flops.encoder_flops(shape, corpus.clip_seconds)
    hours = 3.0 * corpus.train_hours + corpus.dev_hours
    epoch = 3600 * share * hours * encode  # backbones have no stage 7
    epochs = int(pretrain["max_epoch"])
    return flops.gpu_hours(epochs * epoch, machine.peak_tflops, machine.utilisation)

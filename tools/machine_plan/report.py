"""Render a plan as Markdown: hours, memory, mini-batches, disk, and assumptions."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet_soups.report.markdown import table as markdown_table
from espnet_soups.tables.plan import Table
from tools.machine_plan import memory
from tools.machine_plan.corpus_sizes import WAV_GB_PER_HOUR, CorpusSize
from tools.machine_plan.machine import Machine
from tools.machine_plan.planner import Plan
from tools.machine_plan.row_plan import RowPlan
from tools.machine_plan.shapes import FRAME_NUMBERS, FRAMES_PER_SECOND, ModelShape

HEAD = (
    "run",
    "step against joint",
    "pre-training, GPU h",
    "training, GPU h",
    "one epoch, GPU min",
    "memory per GPU, GB",
    "disk, GB",
)


@dataclass(frozen=True)
class Batch:
    """Mini-batch that fits.

    Attributes:
        bins: `batch_bins`, of all GPUs together.
        accum_grad: Mini-batches of an optimiser step.
    """

    bins: int
    accum_grad: int


def fit_batch(config: Mapping[str, Any], most_frames: float, gpus: int) -> Batch | None:
    """Return the largest mini-batch that fits, at the same audio per optimiser step.

    Args:
        config: Training configuration.
        most_frames: Frames that fit on one GPU.
        gpus: GPUs of a training.

    Returns:
        The mini-batch; None: not even a sixteenth of the configured one fits.
    """
    wanted = config["batch_bins"] * config["accum_grad"]
    most = most_frames * gpus * FRAME_NUMBERS
    if 16 * most < config["batch_bins"]:
        return None
    accum_grad = math.ceil(wanted / most)
    return Batch(bins=wanted // accum_grad, accum_grad=accum_grad)


def render_plan(plan: Plan, flac_ratio: float) -> str:
    """Return the whole plan.

    Args:
        plan: The plan.
        flac_ratio: Size of FLAC relative to WAV.
    """
    machine, corpus, shape = plan.machine, plan.corpus, plan.shape
    parts = [render_assumptions(machine, corpus, flac_ratio, shape)]
    parts += [render_rows(table, rows) for table, rows in plan.tables]
    parts.append(render_sum(plan.rows, machine))
    rate = shape.frames_per_second
    parts.append(render_batches(plan.config, plan.config_path, plan.rows, machine, rate))
    parts.append(render_disk(corpus, flac_ratio, raw=not shape.reads_features))
    return "\n\n".join(parts)


def render_assumptions(
    machine: Machine, corpus: CorpusSize, flac_ratio: float, shape: ModelShape
) -> str:
    """List all assumptions behind the numbers.

    Args:
        machine: The machine.
        corpus: The corpora.
        flac_ratio: Size of FLAC relative to WAV.
        shape: The model.
    """
    learning = "" if shape.reads_features else "learning "
    convolutions = (
        f", frozen convolutions of {shape.input_flops / 1e9:.1f} GFLOP a second, forward alone"
        if shape.input_flops
        else ""
    )
    lines = [
        f"GPU: {machine.peak_tflops:g} TFLOP/s at 16 bits (`use_amp: true`),"
        f" {machine.memory_gb:g} GB; {machine.gpus} a training",
        f"utilisation: {machine.utilisation:.1%} of that peak",
        f"audio: {corpus.train_hours:,.0f} h of training, {corpus.dev_hours:,.0f} h of validation;"
        f" utterances of {corpus.clip_seconds:.1f} s; {corpus.translated_share:.0%} is translated",
        f"FLOPs: 6 for each {learning}parameter of the encoder and frame,"
        f" {shape.frames_per_second} frames a second, attention besides{convolutions}",
        "measured steps walk the measured layers back once for each objective, "
        + (
            "the layers below once for all"
            if machine.reuses
            else "beside an ordinary backward pass (float16: measured gradients are not reused)"
        ),
        f"memory: {memory.STATE_BYTES} bytes a parameter"
        + (f" and {memory.BUCKET_BYTES} for the other GPUs" if machine.gpus > 1 else "")
        + f", {machine.activation_bytes} bytes a kept number, rows of two halves (with accumulation"
        f" twice); times {machine.slack:g} for fragmentation, {machine.context_gb:g} GB for CUDA",
        f"disk: FLAC is {flac_ratio:g} of WAV" + "; features are float32" * shape.reads_features,
    ]
    return "\n".join(f"- {line}" for line in lines)


def render_rows(table: Table, plans: Sequence[RowPlan]) -> str:
    """Return a table with a line for each row that can be run.

    Args:
        table: The table.
        plans: Plans of its rows.
    """
    rows = []
    for plan in plans:
        before = f"{plan.pretraining_hours:,.0f} ({plan.pretraining})" if plan.pretraining else "0"
        numbers = [f"{plan.ratio:.2f}", before, f"{plan.hours:,.0f}"]
        numbers += [f"{60 * plan.epoch_hours:,.1f}", f"{plan.memory_gb:.1f}", f"{plan.disk_gb:.1f}"]
        several = f" ({plan.trainings} trainings)" if plan.trainings > 1 else ""
        rows.append([plan.row.title + several, *numbers])
    parts = [f"## {table.title}", markdown_table(HEAD, rows, left=1)]
    left_out = [f"- {row.title}: not counted, {row.missing}." for row in table.rows if row.missing]
    return "\n\n".join([*parts, *(["\n".join(left_out)] if left_out else [])])


def render_sum(plans: Iterable[RowPlan], machine: Machine) -> str:
    """Add up runs; those that tables share count once, as pre-trainings do.

    Args:
        plans: Plans of the rows of all tables.
        machine: The machine.

    Returns:
        A sentence.
    """
    different = {plan.row.run: plan for plan in plans}
    trainings = sum(plan.trainings for plan in different.values())
    first = {plan.pretraining: plan.pretraining_hours for plan in different.values()}
    hours = sum(first.values()) + sum(plan.hours for plan in different.values())
    days = hours / machine.gpus / 24
    return (
        f"Sum of {trainings} different trainings: {hours:,.0f} GPU hours, {days:,.1f} days of"
        f" {machine.gpus} GPU{'s' * (machine.gpus > 1)} one after the other;"
        f" {sum(plan.disk_gb for plan in different.values()):,.0f} GB of model files."
    )


def render_batches(
    config: Mapping[str, Any],
    path: str,
    plans: Sequence[RowPlan],
    machine: Machine,
    frames_per_second: int = FRAMES_PER_SECOND,
) -> str:
    """Return which mini-batch fits the neediest row, and the command that writes it down.

    Args:
        config: Training configuration.
        path: Its path, relative to the recipe.
        plans: Plans of the rows of all tables.
        machine: The machine.
        frames_per_second: Frames that the encoder makes of a second of audio.
    """
    most = min(plan.most_frames for plan in plans)
    batch = fit_batch(config, most, machine.gpus)
    if batch is None:
        return "No mini-batch fits the neediest row: take fewer `layers`, or a larger GPU."
    seconds = batch.bins / FRAME_NUMBERS / frames_per_second
    exact = (config.get("trainer_conf") or {}).get("mode") == "exact" and batch.accum_grad > 1
    copy = f"conf/tuning/{Path(path).stem}_{machine.gpus}gpu.yaml"
    return (
        f"Largest mini-batch of the neediest row: {seconds:,.0f} s of audio on {machine.gpus}"
        f" GPU{'s' * (machine.gpus > 1)}, at the same audio per optimiser step"
        + " (`mode: exact` refuses accumulation, so the weights hold from the next step on)"
        * exact
        + ":\n\n"
        "```bash\n"
        f"sed 's/^batch_bins: .*/batch_bins: {batch.bins}/;"
        f" s/^accum_grad: .*/accum_grad: {batch.accum_grad}\\nuse_amp: true/"
        + "; s/^    mode: exact/    mode: pipelined/"
        * exact
        + "' \\\n"
        f"    {path} >{copy}\n"
        "```"
    )


def render_disk(corpus: CorpusSize, flac_ratio: float, raw: bool = False) -> str:
    """Return the disk space of corpora and features, or of audio if the model reads samples.

    Args:
        corpus: The corpora.
        flac_ratio: Size of FLAC relative to WAV.
        raw: Whether the model reads samples.
    """
    flac = corpus.hours * WAV_GB_PER_HOUR * flac_ratio
    parts = {
        "archives": corpus.archives_gb,
        "unpacked": corpus.unpacked_gb,
        "16 kHz FLAC": flac if corpus.converted else 0.0,
        "features": 0.0 if raw else memory.features_gb(corpus.hours),
        "FLAC that training reads": flac if raw else 0.0,
    }
    listed = ", ".join(f"{name} {size:,.0f}" for name, size in parts.items() if size)
    return f"Disk of the corpora, GB: {listed}; {sum(parts.values()):,.0f} in all."

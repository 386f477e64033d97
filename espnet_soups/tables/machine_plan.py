"""What the rows of a table need on large machines: reads the configurations, applies `budget`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from espnet_soups.tables import backbone_shapes, budget
from espnet_soups.tables.budget import Audio, Measuring, ModelShape
from espnet_soups.tables.corpus_sizes import CorpusSize
from espnet_soups.tables.plan import Row
from espnet_soups.tables.row_settings import crop_share, measuring_of, read_settings

# Dense 16-bit peak of the tensor cores, TFLOP/s, and memory, GB, as the vendor states them.
GPUS: Mapping[str, tuple[float, float]] = {
    "V100": (125.0, 32.0),
    "A100": (312.0, 80.0),
    "H100": (989.0, 80.0),
}
# They compute in float16, whose loss scale measured gradients lack: the engine does not reuse them.
WITHOUT_BFLOAT16 = ("V100",)


@dataclass(frozen=True)
class Machine:
    """The machine, and what is assumed of it.

    Attributes:
        gpus: GPUs of a training.
        peak_tflops: Peak of one, TFLOP/s.
        memory_gb: Memory of one.
        utilisation: Share of the peak that training reaches.
        activation_bytes: Bytes of a kept number; 4 with mixed precision too, to be safe.
        context_gb: What CUDA and its libraries take.
        slack: What fragmentation and short-lived tensors multiply memory with.
        reuses: Whether steps reuse measured gradients, which they do not in float16.
    """

    gpus: int
    peak_tflops: float
    memory_gb: float
    utilisation: float = 0.06
    activation_bytes: int = 4
    context_gb: float = 1.5
    slack: float = 1.2
    reuses: bool = True

    def __post_init__(self) -> None:
        """Refuse what no machine has.

        Raises:
            ValueError: If a number is out of its range.
        """
        if not 0.0 < self.utilisation <= 1.0:
            raise ValueError(f"`--utilisation` lies in (0, 1], but got {self.utilisation}.")
        for name in ("gpus", "peak_tflops", "memory_gb", "activation_bytes"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`--{name}` must be above 0, but got {getattr(self, name)}.")


@dataclass(frozen=True)
class RowPlan:
    """What a row needs.

    Attributes:
        row: The row.
        pretraining: Name of the pre-training it starts from; empty: none.
        pretraining_hours: GPU hours of stage 7, which rows share.
        hours: GPU hours of stage 9.
        epoch_hours: Of these, one epoch.
        ratio: Cost of a step against that of joint training without self-supervision.
        memory_gb: Memory of each GPU.
        disk_gb: Disk of the experiment.
        most_frames: Frames of a mini-batch that fit on one GPU.
        trainings: Trainings of the row: points of its search, else 1; hours and disk are of all.
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
        """Return the plan of a search over so many trainings."""
        hours, disk = trainings * self.hours, trainings * self.disk_gb
        return replace(self, trainings=trainings, hours=hours, disk_gb=disk)


def read_shape(
    config: Mapping[str, Any], counts: Mapping[str, int], corpus: CorpusSize
) -> ModelShape:
    """Return the shape of a configuration.

    Args:
        config: Of training.
        counts: Its parameters by part, as `count_parameters` gives them.
        corpus: Languages and vocabularies.

    Raises:
        ValueError: If the encoder is neither a Conformer nor a backbone that is known.
    """
    backbone = backbone_shapes.find_backbone(config)
    if backbone is None and config.get("encoder") != "conformer":
        raise ValueError(
            "The plan knows `encoder: conformer`, wav2vec2_hf and whisper_hf, but the configuration"
            f" has {config.get('encoder')!r}: its FLOPs and memory would be guesses."
        )
    encoder, decoder = config["encoder_conf"], config.get("st_decoder_conf") or {}
    heads = _read_heads(decoder, counts, corpus)
    if backbone is not None:
        return ModelShape(
            blocks=backbone.blocks,
            width=backbone.width,
            inner=backbone.inner,
            heads=backbone.heads,
            encoder=counts["encoder"],
            frames_per_second=backbone_shapes.FRAMES_PER_SECOND,
            conformer=False,
            input_flops=backbone.input_flops,
            **heads,
        )
    return ModelShape(
        blocks=encoder["num_blocks"],
        width=encoder["output_size"],
        inner=encoder["linear_units"],
        heads=encoder["attention_heads"],
        encoder=counts["encoder"],
        **heads,
    )


def _read_heads(
    decoder: Mapping[str, Any], counts: Mapping[str, int], corpus: CorpusSize
) -> dict[str, Any]:
    return {
        "asr": counts.get("asr heads", 0),
        "st": counts.get("st heads", 0),
        "decoder_blocks": decoder.get("num_blocks", 0),
        "decoder_inner": decoder.get("linear_units", 0),
        "languages": len(corpus.languages),
        "pairs": len(corpus.pairs),
        "asr_vocabulary": max(size.vocabulary for size in corpus.languages.values()),
        "st_vocabulary": corpus.target_vocabulary,
    }


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
        config: Configuration of training.
        pretrain: Configuration of pre-training; empty: the row has none.
        shape: Its shape.
        corpus: The corpora.
        machine: The machine.
        needs: What its combiner looks at.
    """
    ssl = row.options.get("ssl", "none")
    pooled = config.get("encoding") != "per_language"  # `auto` pools Conformers: BatchNorm
    share = crop_share(ssl, pretrain.get("ssl_conf") or {}, corpus.clip_seconds)
    joins = row.options.get("baseline") != "two_stage"
    audio = Audio(corpus.clip_seconds, corpus.translated_share, share if joins else 0.0)
    settings = read_settings(row, config)
    measuring = measuring_of(settings, shape.blocks, pooled, needs, machine.reuses)
    step = budget.training_flops(shape, audio, measuring)
    plain = Audio(corpus.clip_seconds, corpus.translated_share)
    epoch = 3600 * corpus.train_hours * step
    epoch += 3600 * corpus.dev_hours * budget.forward_flops(shape, audio)
    epoch_hours = budget.gpu_hours(epoch, machine.peak_tflops, machine.utilisation)
    pretrains = ssl != "none" and row.options.get("init_from_pretrained") != "false"
    pretrains = pretrains and row.options.get("baseline") != "joint"
    before = _pretraining_hours(shape, corpus, machine, pretrain, share) if pretrains else 0.0
    memory_gb, most_frames = _memory(config, shape, audio, measuring, machine)
    return RowPlan(
        row=row,
        pretraining=ssl if pretrains else "",
        pretraining_hours=before,
        hours=epoch_hours * config["max_epoch"],
        epoch_hours=epoch_hours,
        ratio=step / budget.training_flops(shape, plain, Measuring()),
        memory_gb=memory_gb,
        disk_gb=budget.experiment_bytes(shape.parameters, config["keep_nbest_models"]) / 1e9,
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
        budget.fixed_bytes(shape, audio, measuring, machine.gpus, accumulates)
        for accumulates in (config["accum_grad"] > 1, True)
    )
    each = budget.frame_bytes(shape, audio, machine.activation_bytes, measuring)
    frames = config["batch_bins"] / budget.FRAME_NUMBERS / machine.gpus
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
    encode = budget.encoder_flops(shape, corpus.clip_seconds)
    hours = 3.0 * corpus.train_hours + corpus.dev_hours
    epoch = 3600 * share * hours * encode  # backbones have no stage 7
    epochs = int(pretrain["max_epoch"])
    return budget.gpu_hours(epochs * epoch, machine.peak_tflops, machine.utilisation)

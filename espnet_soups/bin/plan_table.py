"""Says what the paper's tables need of large machines: GPU hours, memory, mini-batches, disk."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command

TRAIN_CONFIG = "conf/train_msp.yaml"
GPU_NAMES = ("V100", "A100", "H100")


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.plan_table",
        description=__doc__ + " Arithmetic, nothing measured: every assumption is an option.",
    )
    parser.add_argument("tables", nargs="+", type=Path, help="Tables of one recipe, YAML")
    parser.add_argument(
        "--train_config", help=f"Of every run (that of the tables, or else {TRAIN_CONFIG})"
    )
    parser.add_argument("--gpu", default="A100", choices=GPU_NAMES, help="Kind of GPU (A100)")
    parser.add_argument("--gpus", type=int, default=1, help="GPUs of a training (1)")
    parser.add_argument("--peak_tflops", type=float, help="Of another GPU, TFLOP/s at 16 bits")
    parser.add_argument("--memory_gb", type=float, help="Of another GPU, GB")
    parser.add_argument(
        "--utilisation", type=float, default=0.06, help="Share of the peak that is reached (0.06)"
    )
    parser.add_argument(
        "--activation_bytes", type=int, default=4, help="Bytes of a kept number (4)"
    )
    parser.add_argument("--context_gb", type=float, default=1.5, help="What CUDA takes (1.5)")
    parser.add_argument(
        "--slack", type=float, default=1.2, help="Memory times this for fragmentation (1.2)"
    )
    parser.add_argument(
        "--flac_ratio", type=float, default=0.5, help="Size of FLAC against WAV (0.5)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the plan; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.bin.count_parameters import count
    from espnet_soups.tables import plan_report
    from espnet_soups.tables.backbone_shapes import find_backbone, options_without_hub
    from espnet_soups.tables.machine_plan import GPUS, WITHOUT_BFLOAT16, Machine, read_shape
    from espnet_soups.tables.plan import load_table
    from espnet_soups.tables.planner import find_corpus, plan_rows, read_yaml

    recipe = options.tables[0].resolve().parents[1]
    for path in options.tables:
        if path.resolve().parents[1] != recipe:
            raise ValueError(f"{path} is not a table of {recipe}: plan one recipe at a time.")
    corpus = find_corpus(recipe)
    peak, memory = GPUS[options.gpu]
    machine = Machine(
        gpus=options.gpus,
        peak_tflops=peak if options.peak_tflops is None else options.peak_tflops,
        memory_gb=memory if options.memory_gb is None else options.memory_gb,
        utilisation=options.utilisation,
        activation_bytes=options.activation_bytes,
        context_gb=options.context_gb,
        slack=options.slack,
        reuses=options.gpu not in WITHOUT_BFLOAT16,
    )
    tables = [load_table(path) for path in options.tables]
    named = options.train_config or only_config([table.train_config for table in tables])
    config = read_yaml(recipe / named)
    vocabularies = {name: size.vocabulary for name, size in corpus.languages.items()}
    targets = {corpus.target: corpus.target_vocabulary} if corpus.target else {}
    backbone = find_backbone(config)
    frames, words = (320, []) if backbone is None else (None, options_without_hub(backbone))
    counts = count(recipe / named, vocabularies, targets, corpus.pairs, frames, words)
    shape = read_shape(config, counts, corpus)
    plans = [plan_rows(table, recipe, config, shape, corpus, machine) for table in tables]
    everything = [plan for own in plans for plan in own]
    parts = [plan_report.render_assumptions(machine, corpus, options.flac_ratio, shape)]
    parts += [plan_report.render_rows(*pair) for pair in zip(tables, plans, strict=True)]
    parts.append(plan_report.render_sum(everything, machine))
    rate = shape.frames_per_second
    parts.append(plan_report.render_batches(config, named, everything, machine, rate))
    parts.append(plan_report.render_disk(corpus, options.flac_ratio, backbone is not None))
    print("\n\n".join(parts))


def only_config(configs: Sequence[str]) -> str:
    """Gives the training configuration that tables share.

    Raises:
        ValueError: If they have several.
    """
    different = sorted({config or TRAIN_CONFIG for config in configs})
    if len(different) > 1:
        raise ValueError(
            f"These tables have the configurations {different}: plan those of one at a time, or"
            " name one with `--train_config`."
        )
    return different[0]


if __name__ == "__main__":
    run_command(main)

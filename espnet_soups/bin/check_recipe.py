"""Checks what later stages need, before the first one runs."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.check_recipe",
        description=__doc__,
        epilog="Words after `--` are further options of msp_train.",
    )
    parser.add_argument("--train_config", type=Path, required=True, help="Training, YAML")
    parser.add_argument("--inference_config", type=Path, required=True, help="Decoding, YAML")
    parser.add_argument("--asr_langs", default="", help="Languages that are recognised")
    parser.add_argument("--ngpu", type=int, default=0, help="GPUs of training (0)")
    parser.add_argument("--backend", default="local", choices=["local", "slurm", "ssh"])
    parser.add_argument("--expdir", type=Path, default=Path("exp"), help="Experiments (exp)")
    parser.add_argument("train_args", nargs="*", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Checks; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.task.checks.check_words import check_words

    check_words(options.train_config, options.asr_langs.split(), options.train_args)
    from espnet_soups.objectives.decoding.decode_config import load_decode_config
    from espnet_soups.task.checks.check_recipe import (
        build_trial_model,
        check_machine,
        describe_model,
    )

    decoding = load_decode_config(options.inference_config)
    check_machine(options.ngpu, options.backend, options.expdir)
    model = build_trial_model(options.train_config, options.asr_langs.split(), options.train_args)
    recognises = bool(options.asr_langs)
    if recognises and decoding.asr_method == "hybrid" and not model.has_asr_decoder:
        raise ValueError(
            f"{options.inference_config} says `asr_method: hybrid`, but {options.train_config} has"
            " no ASR decoder (`asr_ctc_weight: 1.0`): decode with ctc_greedy or ctc_prefix."
        )
    print(describe_model(model))


if __name__ == "__main__":
    run_command(main)

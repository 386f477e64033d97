"""Check everything that later stages need, before the first one runs."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from espnet_soups.bin.run_parser import EPILOG, RunParser


def get_parser() -> RunParser:
    """Return the options."""
    parser = RunParser(
        "check_recipe", __doc__, f"{EPILOG} Words after `--` are options of msp_train."
    )
    parser.add_argument("--train_config", type=Path, required=True, help="Training, YAML")
    parser.add_argument("--inference_config", type=Path, required=True, help="Decoding, YAML")
    parser.add_argument("--ngpu", type=int, default=0, help="GPUs of training (0)")
    parser.add_argument("--backend", default="local", choices=["local", "slurm", "ssh"])
    parser.add_argument("--expdir", type=Path, default=Path("exp"), help="Experiments (exp)")
    parser.add_argument("train_args", nargs="*", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the recipe; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option or a configuration is not valid.
        OSError: If a file or a command is missing, or the disk is almost full.
    """
    options, given = get_parser().parse(arguments)
    from espnet_soups.objectives.metrics.score_config import ScoreConfig
    from espnet_soups.objectives.registry import KINDS, kind_of, kinds_of
    from espnet_soups.objectives.run import read_run
    from espnet_soups.task.checks.check_words import check_words

    run = {**given, "train_config": str(options.train_config)}
    found = read_run(run) if given else None
    declared = {} if found is None else found.stand_ins()
    kinds = KINDS if found is None else kinds_of(found.options)
    check_words(options.train_config, options.train_args, declared)
    scoring = ScoreConfig(bleu_tokenizer=given.get("bleu_tokenizer") or None)
    for objective in () if found is None else found.objectives:
        kind_of(objective).check_scoring(objective, scoring)
    from espnet_soups.objectives.decoding.decode_config import load_decode_config

    decoding = load_decode_config(options.inference_config, kinds)
    from espnet_soups.task.checks.check_recipe import (
        build_trial_model,
        check_decoding,
        check_machine,
        describe_model,
    )

    check_machine(options.ngpu, options.backend, options.expdir)
    trial = build_trial_model(options.train_config, options.train_args, declared)
    try:
        check_decoding(trial.model, decoding)
    except ValueError as error:
        raise ValueError(f"{options.inference_config}: {error}") from error
    print(describe_model(trial))
    if trial.warning is not None:
        print(f"warning: {trial.warning}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)

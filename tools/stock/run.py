"""Train stock ESPnet with as much audio as joint training, decode and score it."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command as run_main
from espnet_soups.bin.score import read_bool

EPILOG = """Stages 1 to 6 of the recipe must have run. For example, in the repository's root:
  python -m tools.stock.run --recipe egs2/asterisk/msp1 --arm monolingual --seed 1 \\
      --train_config conf/tuning/train_msp_e_branchformer_small.yaml --bleu_lowercase true --publish
What is equal to joint training and what is not: docs/studies.md. Run again, it leaves alone what is
finished, and resumes a training that was interrupted.
"""


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.stock.run",
        description="Trains stock ESPnet on the data of a recipe with as much audio as joint"
        " training sees, decodes a set with it, and scores it as stage 12 does.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--recipe", type=Path, default=Path(), help="Folder of the recipe (default: this one)")
    add(
        "--arm",
        choices=("monolingual", "one_decoder"),
        required=True,
        help="monolingual: asr_train for each language and st_train for each pair; one_decoder: one"
        " s2t_train with tokens of language and task",
    )
    add("--train_config", type=Path, required=True, help="Training configuration of the recipe")
    add("--seed", type=int, default=1, help="(default: 1)")
    add(
        "--audio",
        choices=("language", "model"),
        default="language",
        help="What sees as much audio of a language as joint training does: all models of the"
        " language together, so that trainings cost about the same (default), or each of them",
    )
    add(
        "--asr_weight",
        type=float,
        default=0.3,
        help="Share of CTC on transcripts in the loss of translation; 0: none (default: 0.3, as in"
        " ESPnet's recipes)",
    )
    add("--expdir", type=Path, default=Path("exp"), help="Experiments (default: exp)")
    add("--stats_dir", type=Path, help="Folder of stage 6 (default: the only one in --expdir)")
    add("--test_set", default="test", help="Set to decode (default: test)")
    add("--inference_config", type=Path, default=Path("conf/decode_msp.yaml"))
    add("--bleu_lowercase", type=read_bool, default=False, metavar="true|false")
    add("--bleu_tokenizer", help="See espnet_soups.bin.score")
    add("--publish", action="store_true", help="Add the scores to studies/stock/runs.jsonl")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, decode and score an arm; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid, or ESPnet fails.
        OSError: If a file is missing.
    """
    args = get_parser().parse_args(arguments)
    check_options(args)
    os.chdir(args.recipe)
    for path in (args.train_config, args.inference_config):
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist in {args.recipe}.")
    from tools.stock.prepared import read_prepared

    prepared = read_prepared(args.expdir, args.stats_dir)
    test_dir = prepared.set_dir(args.test_set)
    from tools.stock.experiment import run_arm
    from tools.stock.publish import publish, summarise

    record = run_arm(args, prepared, test_dir)
    print(summarise(record))
    if args.publish:
        print(publish(record, Path("studies/stock/runs.jsonl")))


def check_options(args: argparse.Namespace) -> None:
    """Refuse options before any work.

    Args:
        args: The options.

    Raises:
        ValueError: If one is not valid.
        FileNotFoundError: If there is no such recipe.
    """
    if not args.recipe.is_dir():
        raise FileNotFoundError(f"`--recipe`: there is no folder {args.recipe}.")
    if not 0.0 <= args.asr_weight < 1.0:
        raise ValueError(f"`--asr_weight` must be from 0 to below 1, but got {args.asr_weight}.")
    if args.seed < 0:
        raise ValueError(f"`--seed` must be 0 or more, but got {args.seed}.")


if __name__ == "__main__":
    run_main(main)

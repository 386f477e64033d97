"""Score a decoded set (stage 12)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command
from espnet_soups.bin.own_kinds import add_own_kinds


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("score"),
        description="Scores every objective of a decoded set: WER, CER and sentence errors by"
        " jiwer (a space counts as a character; languages that are written without spaces, such as"
        " zh_cn, ja and th, have no WER and a CER without spaces), BLEU and chrF by sacrebleu, each"
        " with a 95 % bootstrap interval over"
        " utterances or, where --reference_dir has utt2group, over groups of them, the same for"
        " all objectives. Writes scores.json and <objective>/alignment.txt into --decode_dir.",
    )
    parser.add_argument(
        "--reference_dir",
        type=Path,
        required=True,
        help="Folder with utt2lang, text, text.<target>, and perhaps utt2group",
    )
    parser.add_argument(
        "--decode_dir", type=Path, required=True, help="Folder with <objective>/text (stage 11)"
    )
    parser.add_argument(
        "--bleu_lowercase",
        type=read_bool,
        default=False,
        metavar="true|false",
        help="Whether BLEU ignores case (default: false)",
    )
    parser.add_argument(
        "--bleu_lc_rm",
        type=read_bool,
        default=False,
        metavar="true|false",
        help="Whether BLEU is also given in lower case without punctuation, as ESPnet's recipes"
        " do (default: false)",
    )
    parser.add_argument(
        "--bleu_tokenizer",
        help="sacrebleu's tokenizer for every target (default: by language: zh, ja-mecab,"
        " ko-mecab, char for other scripts without spaces, else 13a)",
    )
    parser.add_argument(
        "--train_dir", type=Path, help="Training set: warn if its utterances are scored"
    )
    add_own_kinds(parser, "the decoding")
    parser.add_argument("--resamples", type=int, default=1000, help="(default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="Seed of the bootstrap (default: 0)")
    return parser


def read_bool(word: str) -> bool:
    """Return the value of `true` or `false`, as ESPnet's scripts write them.

    Args:
        word: The word of the command line.

    Raises:
        argparse.ArgumentTypeError: If it is neither.
    """
    known = {"true": True, "false": False}
    if word.lower() not in known:
        raise argparse.ArgumentTypeError(f"must be true or false, but got {word!r}")
    return known[word.lower()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the set, and print a table; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.overlap import count_trained
    from espnet_soups.objectives.metrics.score_config import ScoreConfig
    from espnet_soups.scoring.score_set import score_set
    from espnet_soups.scoring.score_table import render_table

    config = ScoreConfig(
        bleu_lowercase=options.bleu_lowercase,
        bleu_tokenizer=options.bleu_tokenizer,
        bleu_lc_rm=options.bleu_lc_rm,
        resamples=options.resamples,
        seed=options.seed,
    )
    scores = score_set(options.reference_dir, options.decode_dir, config, options.own_kinds)
    print(render_table(scores))
    if options.train_dir is not None:
        trained = count_trained(options.train_dir, options.reference_dir)
        if trained:
            print(
                f"warning: {trained} utterances of {options.reference_dir} are in the training set"
                f" {options.train_dir}: these scores flatter the model",
                file=sys.stderr,
            )


if __name__ == "__main__":
    run_command(main)

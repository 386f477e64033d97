"""Makes the token list of one language from a training set (stage 5)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Gives the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.make_token_list", description=__doc__
    )
    parser.add_argument("--source", type=Path, required=True, help="Folder of the training set")
    parser.add_argument("--label", default="text", help="Labels: text, or text.<target> (text)")
    parser.add_argument("--language", help="Spoken language; none: all")
    parser.add_argument("--token_type", default="char", choices=["char", "bpe"], help="(char)")
    parser.add_argument("--bpemode", default="unigram", choices=["unigram", "bpe", "char"])
    parser.add_argument("--nbpe", type=int, default=500, help="Pieces (500)")
    parser.add_argument("--target", type=Path, required=True, help="Folder of tokens.txt")
    parser.add_argument(
        "--check", type=Path, nargs="*", default=[], help="Sets whose labels it must spell, too"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the list; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.token_list import (
        char_tokens,
        read_labels_of,
        token_cutter,
        train_sentencepiece,
        write_token_list,
    )
    from espnet_soups.data.unknown_tokens import count_unknown, judge_unknown

    texts = list(read_labels_of(options.source, options.label, options.language).values())
    if options.token_type == "char":
        tokens = char_tokens(texts)
    else:
        tokens = train_sentencepiece(texts, options.target, options.nbpe, options.bpemode)
    to_tokens, known = token_cutter(options.token_type, options.target), set(tokens)
    path = options.target / "tokens.txt"
    for folder in (options.source, *options.check):
        labels = read_labels_of(folder, options.label, options.language)
        name = f"{folder / options.label}{f' ({options.language})' if options.language else ''}"
        warning = judge_unknown(count_unknown(labels, to_tokens, known), name, str(path))
        if warning is not None:
            print(f"warning: {warning}", file=sys.stderr)
    write_token_list(options.target, tokens)
    print(f"{path}: {len(tokens)} tokens from {len(texts)} labels")


if __name__ == "__main__":
    run_command(main)

"""Makes the token list of one language from a training set (stage 5)."""

import argparse
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
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the list; see `get_parser`."""
    options = get_parser().parse_args(arguments)
    from espnet_soups.data.data_dir import NO_LABEL, check_same_keys
    from espnet_soups.data.table import read_table
    from espnet_soups.data.token_list import char_tokens, train_sentencepiece, write_token_list

    labels_path, languages_path = options.source / options.label, options.source / "utt2lang"
    labels, spoken = read_table(labels_path), read_table(languages_path)
    check_same_keys(labels_path, labels, languages_path, spoken)
    texts = [
        text
        for key, text in labels.items()
        if text != NO_LABEL and options.language in (None, spoken[key])
    ]
    if not texts:
        raise ValueError(
            f"{labels_path} has no label in language {options.language!r}; {languages_path} has"
            f" {sorted(set(spoken.values()))}."
        )
    if options.token_type == "char":
        tokens = char_tokens(texts)
    else:
        tokens = train_sentencepiece(texts, options.target, options.nbpe, options.bpemode)
    write_token_list(options.target, tokens)
    print(f"{options.target}/tokens.txt: {len(tokens)} tokens from {len(texts)} labels")


if __name__ == "__main__":
    run_command(main)

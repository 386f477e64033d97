"""Change the data of a recipe for a study: hide labels, or plant a language that conflicts."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.vary_data",
        description=__doc__ + " docs/studies.md says why.",
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="Folder of data dirs (data)"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--hide",
        nargs="+",
        metavar="LANGUAGE=SHARE",
        help="Shares of the training utterances that keep their labels, such as en=0.4 ru=0.1",
    )
    what.add_argument(
        "--plant",
        nargs=2,
        metavar=("LANGUAGE", "NEW"),
        help="Keep this language alone, with a copy NEW of the same audio and permuted letters",
    )
    parser.add_argument("--train_set", default="train", help="Set whose labels are hidden (train)")
    parser.add_argument(
        "--sets", nargs="+", default=["train", "dev", "test"],
        help="Sets in which the language is planted (train dev test)",
    )  # fmt: skip
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the data dirs; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If a share is malformed, or does not fit the data.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.study.variants import hide_labels, plant_language

    if options.hide is not None:
        folder = options.data / options.train_set
        left = hide_labels(folder, dict(_read_share(word) for word in options.hide))
        listed = ", ".join(f"{language} {number}" for language, number in left.items())
        print(f"{folder}: utterances that keep their labels: {listed or 'none'}")
        return
    source, planted = options.plant
    for name in options.sets:
        number = plant_language(options.data / name, source, planted)
        print(f"{options.data / name}: {number} utterances of {source}, the same of {planted}")


def _read_share(word: str) -> tuple[str, float]:
    language, sign, share = word.partition("=")
    try:
        if not (language and sign):
            raise ValueError
        return language, float(share)
    except ValueError as error:
        raise ValueError(
            f"`--hide` takes words such as en=0.4, a language and a share, but got {word!r}."
        ) from error


if __name__ == "__main__":
    run_command(main)

"""Download the Asterisk prompts and write their data dirs (stage 1 of egs2/asterisk)."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command, set_up_logging


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.prepare_asterisk", description=__doc__
    )
    parser.add_argument(
        "--downloads", type=Path, default=Path("downloads"), help="Folder of the prompts"
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="Parent of the data dirs")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the corpus; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    set_up_logging()
    from espnet_soups.data.corpora.asterisk import LANGUAGES, prepare_asterisk
    from espnet_soups.data.corpora.asterisk_download import download_prompts

    download_prompts(options.downloads, LANGUAGES)
    counts, removals = prepare_asterisk(options.downloads, options.data)
    print("utterances   " + "".join(f"{language:>6}" for language in LANGUAGES))
    for name in ("train", "dev", "test"):
        row = "".join(f"{counts[f'{name} {language}']:>6}" for language in LANGUAGES)
        print(f"  {name:<11}{row}")
    print(f"left out     {len(removals)} (listed in {options.data}/removed.tsv)")
    for reason, number in Counter(removal.reason for removal in removals).most_common():
        print(f"  {number:>4}  {reason}")


if __name__ == "__main__":
    run_command(main)

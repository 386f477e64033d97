"""Fetch the speech that Debian ships and write its data dirs (stage 1 of egs2/debian_speech)."""

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import run_command, set_up_logging

if TYPE_CHECKING:
    from espnet_soups.data.corpora.parallel_speech import Speech


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.prepare_debian_speech", description=__doc__
    )
    parser.add_argument(
        "--downloads", type=Path, default=Path("downloads"), help="Where Debian's packages go"
    )
    parser.add_argument(
        "--asterisk",
        type=Path,
        default=Path("downloads"),
        help="Where the Asterisk prompts are, or go, as egs2/asterisk has them",
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="Where data dirs go")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the corpus; see `get_parser`.

    Args:
        arguments: The words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    set_up_logging()
    from espnet_soups.data.corpora.asterisk import LANGUAGES
    from espnet_soups.data.corpora.asterisk_download import download_prompts
    from espnet_soups.data.corpora.debian_speech import prepare_debian_speech

    download_prompts(options.asterisk, LANGUAGES)
    sets, left_out = prepare_debian_speech(options.asterisk, options.downloads, options.data)
    for line in table_of(sets, LANGUAGES):
        print(line)
    print(f"left out: {len(left_out)} (listed in {options.data}/removed.tsv)")
    for reason, number in Counter(removal.reason for removal in left_out).most_common():
        print(f"  {number:>4}  {reason}")


def table_of(sets: "Mapping[str, Sequence[Speech]]", languages: Sequence[str]) -> list[str]:
    """Return the lines of a table: utterances and minutes of each set and language.

    Args:
        sets: Name of a set to its recordings.
        languages: The columns, in order.
    """
    import soundfile

    lines = ["utterances, minutes" + "".join(f"{language:>14}" for language in languages)]
    for name in sorted(sets):
        found: defaultdict[str, list[float]] = defaultdict(list)
        for speech in sets[name]:
            found[speech.language].append(soundfile.info(str(speech.audio)).duration / 60)
        cells = (f"{len(found[lang])}, {sum(found[lang]):.1f}" for lang in languages)
        lines.append(f"  {name:<17}" + "".join(f"{cell:>14}" for cell in cells))
    return lines


if __name__ == "__main__":
    run_command(main)

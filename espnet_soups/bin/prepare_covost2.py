"""Write the data dirs of CoVoST 2 from Common Voice 4 (stage 1 of egs2/covost2)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command, set_up_logging


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.prepare_covost2",
        description=__doc__,
        epilog="When run again after an interruption, it converts only the remaining clips.",
    )
    parser.add_argument("--common_voice", type=Path, required=True, help="Common Voice")
    parser.add_argument(
        "--covost2",
        type=Path,
        default=Path("downloads"),
        help="CoVoST's tables (fetched if absent)",
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="Parent of data dirs")
    parser.add_argument(
        "--audio", type=Path, default=Path("data/audio"), help="Folder of FLAC files (data/audio)"
    )
    parser.add_argument("--asr_langs", default="en fr de es ca", help="Languages to recognise")
    parser.add_argument(
        "--st_pairs",
        default="fr_en de_en es_en ca_en",
        help="Pairs to translate, 'en_de' and the like included",
    )
    parser.add_argument(
        "--src_case", default="lc.rm", choices=["tc", "lc", "lc.rm"], help="Transcripts (lc.rm)"
    )
    parser.add_argument(
        "--tgt_case", default="tc", choices=["tc", "lc", "lc.rm"], help="Translations (tc)"
    )
    parser.add_argument("--nj", type=int, default=0, help="Processes; 0: one per core (0)")
    for name in ("train", "dev", "test"):
        parser.add_argument(
            f"--{name}_limit", type=int, default=0, help="Utterances of a language; 0: all (0)"
        )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the corpus; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    set_up_logging()
    from espnet_soups.data.corpora.covost2 import SPLITS, CovostConfig, prepare_covost2
    from espnet_soups.free_cores import count_cores

    config = CovostConfig(
        common_voice=options.common_voice,
        tables=options.covost2,
        data=options.data,
        audio=options.audio,
        asr_languages=options.asr_langs.split(),
        st_pairs=options.st_pairs.split(),
        source_case=options.src_case,
        target_case=options.tgt_case,
        jobs=options.nj or count_cores(),
        limits={name: getattr(options, f"{name}_limit") for name in SPLITS},
    )
    report = prepare_covost2(config)
    print("utterances   " + "".join(f"{language:>9}" for language in config.languages))
    for name in SPLITS:
        row = "".join(f"{report.counts[name, language]:>9,}" for language in config.languages)
        print(f"  {name:<11}{row}")
    for title, counts in (("missing", report.missing), ("corrupt", report.corrupt)):
        row = "".join(f"{counts[language]:>9,}" for language in config.languages)
        print(f"  {title:<11}{row}")
    print(f"missing and corrupt clips are left out and listed in {options.data}/corrupt.tsv")
    for note in report.notes:
        print(f"note: {note}")


if __name__ == "__main__":
    run_command(main)

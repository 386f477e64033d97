"""Write a data dir from manifests of lhotse (cuts, recordings with supervisions, or Shar).

Audio is not copied: `wav.scp` names recordings, parts of them, and files inside Shar's tar files.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.import_lhotse", description=__doc__
    )
    parser.add_argument("--target", type=Path, required=True, help="The new data dir")
    group = parser.add_argument_group("manifests, one of")
    group.add_argument("--cuts", type=Path, nargs="+", default=[], help="Such as cuts.jsonl.gz")
    group.add_argument("--shar", type=Path, nargs="+", default=[], help="Shar folders")
    group.add_argument("--recordings", type=Path, help="With --supervisions")
    group.add_argument("--supervisions", type=Path, help="With --recordings")
    parser.add_argument(
        "--audio_root", type=Path, default=Path(), help="Where relative paths of audio begin (.)"
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        default=[],
        metavar="NAME[=OURS]",
        help="Languages of the manifest and what the recipe calls them, such as `en German=de`; not"
        " given: all, as they are",
    )
    parser.add_argument("--language", default="", help="Language of utterances that name none")
    parser.add_argument(
        "--tables",
        nargs="+",
        default=[],
        metavar="TABLE=FIELD",
        help="Further tables from fields of `custom`, or from `gender`: translations `text.en=en`,"
        " labels `utt2emotion=emotion`",
    )
    parser.add_argument(
        "--unlabeled",
        default="false",
        choices=["true", "false"],
        help="Take each cut as audio without labels (false)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data dir; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option or a manifest is not valid.
        OSError: If a manifest or audio is missing.
    """
    options = get_parser().parse_args(arguments)
    named = [bool(options.cuts), bool(options.shar), bool(options.recordings)]
    if sum(named) != 1 or (options.recordings is None) != (options.supervisions is None):
        raise ValueError("Expected one of --cuts, --shar, or --recordings with --supervisions.")
    unlabeled = options.unlabeled == "true"
    if unlabeled and options.recordings is not None:
        raise ValueError("--unlabeled true needs --cuts or --shar.")
    from espnet_soups.data.check_audio import check_audio
    from espnet_soups.data.data_dir import write_data_dir
    from espnet_soups.data.lhotse_labels import LabelFields, make_data_dir
    from espnet_soups.data.lhotse_manifests import merge, read_cuts, read_recordings, read_shar

    root = options.audio_root
    fields = LabelFields(
        {name: ours or name for name, _, ours in (w.partition("=") for w in options.languages)},
        options.language,
        _pairs(options.tables),
    )
    if options.recordings is not None:
        sources = [read_recordings(options.recordings, options.supervisions, root)]
    else:
        sources = [read_cuts(path, root, not unlabeled) for path in options.cuts]
        sources += [read_shar(path, not unlabeled) for path in options.shar]
    data = make_data_dir(options.target, merge(sources), fields)
    check_audio(data)
    write_data_dir(data)
    languages = sorted(set(data.languages.values()))
    tables = ", ".join(sorted(data.labels)) or "no labels"
    print(f"{options.target}: {len(data.audio):,} utterances of {', '.join(languages)}; {tables}")


def _pairs(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    wrong = [name for name, _, field in pairs if not field]
    if wrong:
        raise ValueError(f"`--tables` must look like text.en=translation, but got {wrong[0]!r}.")
    return {name: field for name, _, field in pairs}


if __name__ == "__main__":
    run_command(main)

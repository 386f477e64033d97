"""Pack a trained model with a card into one file that others can use."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command
from espnet_soups.bin.own_kinds import add_own_kinds

CORPORA = Path("conf", "corpora.yaml")  # in the folder of a recipe: above exp, or where one works


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("pack"),
        description="Packs a trained model into a zip file: what decoding needs, the report, and a"
        " card (README.md) with languages, data and licences, scores with intervals, the soup, the"
        " command, versions and limits. `--model` of other commands and"
        " Speech2Text.from_pretrained take the file.",
    )
    add = parser.add_argument
    add("exp_dir", type=Path, help="Folder that training wrote, such as exp/msp_<tag>")
    add("--output", type=Path, help="The file (default: model.zip in that folder)")
    add(
        "--corpora",
        type=Path,
        help="YAML: `corpora: [{name: …, licence: …, url: …}]` and `licence:` of the model"
        " (default: conf/corpora.yaml of the recipe)",
    )
    add("--licence", help="Licence of the model, such as cc-by-4.0 (default: that of --corpora)")
    add("--model_file", help="File of the folder (default: valid.acc.ave.pth ...)")
    add_own_kinds(parser, "the model")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Pack the model; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option or the model is not valid.
        OSError: If a file is missing or cannot be written.
    """
    options = get_parser().parse_args(arguments)
    if options.output is not None and options.output.suffix != ".zip":
        raise ValueError(f"`--output` must end in .zip, but got {options.output}.")
    if options.corpora is not None and not options.corpora.is_file():
        raise FileNotFoundError(f"{options.corpora} does not exist; name a file by `--corpora`.")
    from espnet_soups.sharing.pack import licence_of, pack_model, read_corpora

    places = [folder / CORPORA for folder in options.exp_dir.absolute().parents[1:2]] + [CORPORA]
    table = options.corpora or next((path for path in places if path.is_file()), places[0])
    known = table.is_file()
    corpora = read_corpora(table) if known else []
    licence = options.licence or (licence_of(table) if known else "")
    output = options.output or options.exp_dir / "model.zip"
    packed = pack_model(
        options.exp_dir, output, corpora, licence, options.model_file, options.own_kinds
    )
    if not corpora:
        print(f"warning: the card names no data: write {table}, or name a file by `--corpora`")
    size = packed.path.stat().st_size / 1e6
    print(f"wrote {packed.path} ({len(packed.files)} files, {size:.1f} MB)")


if __name__ == "__main__":
    run_command(main)

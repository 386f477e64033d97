"""Convert a Whisper model of CTranslate2 into a folder of Hugging Face transformers."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("convert_whisper"),
        description="Writes a Whisper model of CTranslate2 (faster-whisper) as a folder that"
        " transformers, `encoder: whisper_hf` and `st_decoder: whisper_hf` load by its path. Needs"
        " neither CTranslate2 nor a network.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--model",
        type=Path,
        required=True,
        help="Folder with model.bin (float16 or float32), config.json and tokenizer.json",
    )
    add("--output_dir", type=Path, required=True, help="Folder to write to")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Convert a model; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If the model is no Whisper, or cannot be trained.
        OSError: If a file is missing or cannot be written.
    """
    args = get_parser().parse_args(arguments)
    from espnet_soups.backbone.convert_whisper import convert_whisper

    print(f"{args.model} -> {convert_whisper(args.model, args.output_dir)}")


if __name__ == "__main__":
    run_command(main)

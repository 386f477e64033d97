"""Transcribe a set by a published Whisper as it is, to compare fine-tuning with."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("whisper_zero_shot"),
        description="Transcribes a set of a recipe by a published Whisper that was not trained"
        " further, with its own tokens. Writes DIR/asr_<language>/text, which"
        " espnet_soups.bin.score scores.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--model", required=True, help="Name on the Hugging Face hub, or a folder")
    add(
        "--data_dir",
        type=Path,
        required=True,
        help="Folder with wav.scp (16 kHz, such as dump/raw_16000hz/only_en/test of stage 4) and"
        " utt2lang",
    )
    add("--decode_dir", type=Path, required=True, metavar="DIR", help="Folder to write to")
    add(
        "--window",
        default="full",
        choices=("full", "speech"),
        help="full: speech and silence up to 30 s, as Whisper was trained; speech: the speech"
        " alone, as `encoder: whisper_hf` sees it (default: full)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Transcribe the set; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If the model or a file is not valid.
        OSError: If a file is missing.
    """
    args = get_parser().parse_args(arguments)
    for name in ("wav.scp", "utt2lang"):
        if not (args.data_dir / name).is_file():
            raise FileNotFoundError(
                f"{args.data_dir} has no {name}: run stages 1 to 4 with `--feats_type raw --fs"
                " 16000 --resample true`."
            )
    from espnet_soups.inference.whisper_zero_shot import WhisperTranscriber, transcribe_set

    transcriber = WhisperTranscriber(args.model, args.window)
    texts = transcribe_set(transcriber, args.data_dir, args.decode_dir, "asr_{}".format)
    for key, text in texts:
        print(key, text, flush=True)


if __name__ == "__main__":
    run_command(main)

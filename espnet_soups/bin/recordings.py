"""Process recordings for `transcribe` and `translate`: shared options, and the loop over all."""

import argparse
import contextlib
import io
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.own_kinds import add_own_kinds
from espnet_soups.data.recordings import STDIN
from espnet_soups.inference.transcript_files import FORMATS, render

if TYPE_CHECKING:
    from espnet_soups.inference.speech2text import Speech2Text
    from espnet_soups.inference.transcriber import Transcriber, Transcript


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that both commands have.

    Args:
        parser: The parser of the command.
    """
    add = parser.add_argument
    add(
        "recordings",
        nargs="+",
        help="Files of any rate and number of channels, folders of them, or - for a file on"
        " standard input, such as `ffmpeg … -f wav - | … -`",
    )
    add(
        "--model",
        help="A folder such as exp/msp_<tag>, a bundle (model.zip), or a name on the Hugging Face"
        " hub (default: $ESPNET_SOUPS_MODEL, or the only one below exp)",
    )
    add("--format", choices=list(FORMATS), default="text", help="srt: subtitles (default: text)")
    add("--output_dir", type=Path, help="Write a file for each recording there")
    add_model_options(parser)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of using a model to a command.

    Args:
        parser: The parser of the command.
    """
    add = parser.add_argument
    add(
        "--longest",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="Longer recordings are cut at silences (default: 20)",
    )
    add("--config", type=Path, help="YAML file of decode options: msp_inference --help")
    add("--device", default="cpu", help="cpu (default), cuda, cuda:0, ...")
    add_own_kinds(parser, "the model")


def transcribe_all(options: argparse.Namespace, language: str, target: str | None) -> None:
    """Transcribe or translate all recordings that were named.

    Args:
        options: The options of `add_options`.
        language: The spoken language; empty: the model identifies it.
        target: The language of translations, which may be empty; None: transcripts are wanted.

    Raises:
        OSError: If a file that is named is missing, or a result cannot be written.
        ValueError: If an option is not valid, or a recording cannot be read or understood. The
            other recordings are still done.
    """
    from espnet_soups.data.recordings import find_recordings, read_recording

    recordings = find_recordings(options.recordings)
    if options.format == "srt" and options.output_dir is None and len(recordings) > 1:
        raise ValueError(
            f"{len(recordings)} recordings do not fit into one file of subtitles: name a folder by"
            " `--output_dir`."
        )
    transcriber = _load(options, language, target)
    failed: list[str] = []
    for called, place in recordings.items():
        try:
            piped = place == STDIN
            samples, rate = read_recording(place, sys.stdin.buffer if piped else None)
            transcript = transcriber(samples, rate, "Standard input" if piped else place)
        except (ValueError, OSError) as error:  # such as a link in a folder that leads nowhere
            if len(recordings) == 1:
                raise
            print(f"error: {error}", file=sys.stderr)
            failed.append(place)
            continue
        _write(options, called, place, transcript, recordings)
    if failed:
        raise ValueError(f"{len(failed)} of {len(recordings)} recordings failed, see above.")


def load_speech2text(options: argparse.Namespace) -> "Speech2Text":
    """Load the model that a command names.

    Args:
        options: `model`, and those of `add_model_options`.

    Raises:
        OSError: If there is none.
        ValueError: If it or the decode options are not valid.
    """
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    from espnet_soups.inference.model_source import find_model

    folder = find_model(options.model)
    with contextlib.redirect_stderr(io.StringIO()):  # of optional packages of ESPnet
        from espnet_soups.inference.speech2text import Speech2Text
    from espnet_soups.files import read_yaml

    given = {} if options.config is None else read_yaml(options.config, "the decode options")
    return Speech2Text.from_pretrained(
        folder, device=options.device, own_kinds=options.own_kinds, **given
    )


def _load(options: argparse.Namespace, language: str, target: str | None) -> "Transcriber":
    speech2text = load_speech2text(options)
    from espnet_soups.inference.transcriber import Transcriber

    translates = target is not None
    return Transcriber(speech2text, language, translates, target or "", options.longest)


def _write(
    options: argparse.Namespace,
    called: str,
    place: str,
    transcript: "Transcript",
    recordings: Mapping[str, str],
) -> None:
    from espnet_soups.files import write_text

    if transcript.identified:
        print(f"{place}: language {transcript.language}", file=sys.stderr)
    text = render(transcript, place, options.format)
    if options.output_dir is not None:
        path = options.output_dir / f"{called}{FORMATS[options.format]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        print(f"wrote {path}", file=sys.stderr)
    elif options.format == "text" and len(recordings) > 1:
        print(f"{place}: {transcript.text}", flush=True)
    else:
        print(text, end="", flush=True)

"""Decode a set, or a job's part of it, in batches of similar length."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.files import read_table
from espnet_soups.inference.job_output import LENGTHENED, Speed
from espnet_soups.inference.speech2text import Speech2Text
from espnet_soups.network.decoders import EncodedSpeech, cut_batches
from espnet_soups.objectives.decoding.result import Hypothesis

WINDOW = 512  # utterances to read, encode and sort by length at a time
SEARCHED = 4  # a search takes less memory than the encoder, and gains more from larger batches

Decoded = dict[str, dict[str, tuple[Hypothesis, ...]]]
Prepared = dict[str, torch.Tensor]


def select_utterances(
    speech2text: Speech2Text, source: SpeechSource, utt2lang: Path, key_file: Path | None
) -> dict[str, list[str]]:
    """Group the utterances to decode by language.

    Args:
        speech2text: The model.
        source: The speech.
        utt2lang: Language of each utterance.
        key_file: File whose first column lists the utterances of this job; None: all of `source`.

    Returns:
        Language to utterance ids, in the order of the files. Utterances of languages that the
        chosen objectives do not cover are left out, and counted in the log.

    Raises:
        ValueError: If an utterance has no speech, no language, or one that the model lacks.
    """
    keys = list(source.places if key_file is None else read_table(key_file, allow_empty=True))
    spoken = read_table(utt2lang)
    for path, known in ((source.path, source.places), (utt2lang, spoken)):
        missing = [key for key in keys if key not in known]
        if missing:
            raise ValueError(
                f"{path} lacks {len(missing)} of {len(keys)} utterances"
                f" of {key_file or source.path}: {missing[:3]}."
            )
    languages = speech2text.model.languages
    chosen = speech2text.languages
    grouped: dict[str, list[str]] = {language: [] for language in chosen}
    for key in keys:
        if spoken[key] not in languages:
            raise ValueError(
                f"{utt2lang}: {key} has language {spoken[key]!r}, but the model has {languages}."
            )
        if spoken[key] in grouped:
            grouped[spoken[key]].append(key)
    left_out = len(keys) - sum(map(len, grouped.values()))
    logging.info(f"{len(keys) - left_out} utterances of {chosen} to decode, {left_out} left out")
    return grouped


def decode_set(
    speech2text: Speech2Text, source: SpeechSource, grouped: Mapping[str, Sequence[str]]
) -> tuple[Decoded, Speed]:
    """Decode every objective of every utterance.

    Utterances of all languages are encoded together, once for all their objectives, and searched
    together by objective.

    Args:
        speech2text: The model.
        source: The speech.
        grouped: Language to utterance ids.

    Returns:
        (objective to utterance id to hypotheses, the speed).

    Raises:
        OSError: If speech is missing.
        ValueError: If speech cannot be read or decoded; the message names the utterance.
    """
    found: Decoded = {name: {} for name in speech2text.decoders}
    decoders = speech2text.search
    keys = {key: language for language, own in grouped.items() for key in own}
    lengthened: list[str] = []
    seconds, start = 0.0, time.perf_counter()
    for window in _windows(list(keys)):
        prepared = _read(speech2text, source, window)
        seconds += sum(map(len, prepared.values()))
        encoded: dict[str, EncodedSpeech] = {}
        for batch in cut_batches(_shapes(prepared), speech2text.config):
            with _naming(batch):
                rows = decoders.encode_each([prepared[key] for key in batch])
            encoded |= zip(batch, rows, strict=True)
            lengthened += [key for key, row in zip(batch, rows, strict=True) if row.lengthened]
            _log_progress(f"encoded {len(encoded)} of {len(window)} utterances", start)
        for name, decoded in found.items():
            chosen = {
                key: speech for key, speech in prepared.items()
                if name in speech2text.objectives_of(keys[key])
            }  # fmt: skip
            for batch in cut_batches(_shapes(chosen), speech2text.config, SEARCHED):
                with _naming(batch):
                    results = decoders.decode([encoded[key] for key in batch], name)
                decoded |= zip(batch, results, strict=True)
            _log_progress(f"decoded {name}: {len(decoded)} utterances", start)
    frame = _frame_seconds(speech2text)
    audio = None if frame is None else round(seconds * frame, 3)
    if lengthened:
        logging.warning(f"{LENGTHENED}: {len(lengthened)} ({', '.join(lengthened)})")
    took = round(time.perf_counter() - start, 3)
    return found, Speed(audio, took, len(keys), len(lengthened))


def _shapes(prepared: Prepared) -> dict[str, tuple[int, ...]]:
    return {key: tuple(speech.shape) for key, speech in prepared.items()}


def _windows(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(keys), WINDOW):
        yield keys[first : first + WINDOW]


def _read(speech2text: Speech2Text, source: SpeechSource, keys: Sequence[str]) -> Prepared:
    prepared = {}
    for key in keys:
        speech = source.read(key)
        try:
            prepared[key] = speech2text.prepare(speech, source.rate)
        except ValueError as error:
            raise ValueError(f"{source.path}: speech of {key}: {error}") from error
    return prepared


@contextmanager
def _naming(batch: Sequence[str]) -> Iterator[None]:
    """Name the utterances of a batch in the message of an error."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"Utterances {batch[-1]} and longer: {error}") from error


def _log_progress(what: str, start: float) -> None:
    logging.info(f"{what}, {time.perf_counter() - start:.1f} s")


def _frame_seconds(speech2text: Speech2Text) -> float | None:
    features = speech2text.features
    if features is None:
        return None
    return 1.0 / features.fs if speech2text.input_size is None else features.frame_seconds

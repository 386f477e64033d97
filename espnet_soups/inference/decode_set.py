"""Decode a set, or a job's part of it, in batches of similar length."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.files import read_table
from espnet_soups.inference.job_output import Speed
from espnet_soups.inference.speech2text import Speech2Text
from espnet_soups.network.decoders import cut_batches
from espnet_soups.objectives.decoding.result import Hypothesis

WINDOW = 512  # utterances to read and sort by length at a time

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
    total, done, seconds = sum(map(len, grouped.values())), 0, 0.0
    start = time.perf_counter()
    for language, keys in grouped.items():
        for first in range(0, len(keys), WINDOW):
            prepared = _read(speech2text, source, keys[first : first + WINDOW])
            for batch in cut_batches(_shapes(prepared), speech2text.config):
                results = _decode(speech2text, batch, prepared, language)
                for key, result in zip(batch, results, strict=True):
                    for name, hypotheses in result.items():
                        found[name][key] = hypotheses
                    seconds += len(prepared[key])
                done += len(batch)
                elapsed = time.perf_counter() - start
                logging.info(f"decoded {done}/{total} utterances ({language}), {elapsed:.1f} s")
    frame = _frame_seconds(speech2text)
    audio = None if frame is None else round(seconds * frame, 3)
    return found, Speed(audio, round(time.perf_counter() - start, 3), total)


def _shapes(prepared: Prepared) -> dict[str, tuple[int, ...]]:
    return {key: tuple(speech.shape) for key, speech in prepared.items()}


def _read(speech2text: Speech2Text, source: SpeechSource, keys: Sequence[str]) -> Prepared:
    prepared = {}
    for key in keys:
        speech = source.read(key)
        try:
            prepared[key] = speech2text.prepare(speech, source.rate)
        except ValueError as error:
            raise ValueError(f"{source.path}: speech of {key}: {error}") from error
    return prepared


def _decode(
    speech2text: Speech2Text, batch: Sequence[str], prepared: Prepared, language: str
) -> list[Mapping[str, tuple[Hypothesis, ...]]]:
    try:
        results = speech2text.decode_batch([prepared[key] for key in batch], language)
    except ValueError as error:
        raise ValueError(f"Utterances {batch[-1]} and longer: {error}") from error
    return [result.nbest for result in results]


def _frame_seconds(speech2text: Speech2Text) -> float | None:
    features = speech2text.features
    if features is None:
        return None
    return 1.0 / features.fs if speech2text.input_size is None else features.frame_seconds

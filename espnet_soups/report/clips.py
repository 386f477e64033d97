"""Recordings of the examples, small enough to be embedded in the page."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import soundfile

from espnet_soups.data.audio import rate_of, read_audio
from espnet_soups.data.segments import read_audio_table
from espnet_soups.report.results import Decoding

BUDGET = 2_500_000  # characters of all clips of a page
LONGEST = 15.0  # seconds
RATES = (8000, 16000)  # others become the last one; MP3, which every browser plays, lacks some
SMALL = 0.75  # MP3 compression, from 0 (best) to 1: 25 kbit/s at 8 kHz, 45 at 16


@dataclass(frozen=True)
class Clip:
    """Recording, or its beginning.

    Attributes:
        key: Utterance id.
        source: MP3 as a data URI.
        cut: Whether it ends before the utterance.
    """

    key: str
    source: str
    cut: bool


@dataclass(frozen=True)
class Clips:
    """Recordings of a page.

    Attributes:
        found: The clips by (label of the decoding, utterance id).
        lacking: Reasons why others are missing, one sentence each.
    """

    found: Mapping[tuple[str, str], Clip] = field(default_factory=dict)
    lacking: Sequence[str] = ()


def collect_clips(decodings: Sequence[Decoding]) -> Clips:
    """Read the recordings of the examples of decoded sets.

    The first examples of all objectives come first, so that a full page lacks the others.

    Args:
        decodings: Decodings; those whose record has `audio`, the `wav.scp` of their set, have
            recordings.

    Returns:
        The clips, and reasons why others are missing.
    """
    found: dict[tuple[str, str], Clip] = {}
    lacking, broken = [], []
    left, too_many = BUDGET, 0
    for item in decodings:
        try:
            paths = _audio_of(item)
        except (OSError, ValueError) as error:
            lacking.append(f"No recordings of {item.label}: {error}")
            continue
        for key in dict.fromkeys(_in_turn(item, paths)):
            try:
                clip = make_clip(key, Path(paths[key]))
            except (OSError, ValueError) as error:
                broken.append(str(error))
                continue
            if len(clip.source) > left:
                too_many += 1
                continue
            found[item.label, key] = clip
            left -= len(clip.source)
    if broken:
        lacking.append(f"{len(broken)} recordings cannot be heard here: {broken[0]}")
    if too_many:
        lacking.append(f"{too_many} more recordings are left out, to keep the page small.")
    return Clips(found, lacking)


def make_clip(key: str, path: Path) -> Clip:
    """Return the first seconds of a recording as MP3.

    Args:
        key: Utterance id.
        path: The audio file.

    Raises:
        ValueError: If it is not audio.
    """
    rate = _rate(path)
    samples = read_audio(path, rate, resample=True)
    encoded = io.BytesIO()
    soundfile.write(
        encoded,
        samples[: int(LONGEST * rate)],
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=SMALL,
    )
    data = base64.b64encode(encoded.getvalue()).decode("ascii")
    return Clip(key, f"data:audio/mpeg;base64,{data}", len(samples) > LONGEST * rate)


def keys_of(example: str, known: Mapping[str, object]) -> list[str]:
    r"""Return the utterances of an example: the ids at the beginning of its first line.

    Args:
        example: Text of the example.
        known: Mapping with the known ids as keys.

    >>> keys_of("a1 b2  score 0.3\nREF: a1", {"a1": "", "b2": ""})
    ['a1', 'b2']
    """
    words = example.partition("\n")[0].split()
    return list(takewhile(known.__contains__, words))


def _audio_of(item: Decoding) -> Mapping[str, str]:
    audio = item.record.get("audio")
    return {} if audio is None else read_audio_table(Path(audio))


def _in_turn(item: Decoding, paths: Mapping[str, str]) -> Iterator[str]:
    """Yield utterance ids: the first example of each rank of each objective, then the second."""
    ranked = [
        texts for own in item.scores["objectives"].values() for texts in own["examples"].values()
    ]
    for place in range(max(map(len, ranked), default=0)):
        for texts in ranked:
            yield from keys_of(texts[place], paths) if place < len(texts) else ()


def _rate(path: Path) -> int:
    try:
        own = rate_of(str(path))
    except (OSError, ValueError):
        return RATES[-1]  # `read_audio` reports the error
    return own if own in RATES else RATES[-1]

"""Name where the audio of an utterance lies: a file, or a part of one, such as `talk.flac#t=5,9.5`.

Parts are written like the media fragments of the W3C, with three settings of our own:

    talk.flac#t=5,9.5                       second 5 to 9.5; `#t=5`: second 5 to the end
    recording.000000.tar#bytes=512,90000    90,000 bytes from byte 512 on: a file inside a tar
    talk.flac#t=5,9.5&fs=16000&speed=0.9    resampled to 16 kHz, then played 0.9 times as fast
"""

import math
import re
from dataclasses import dataclass, replace

SETTING = r"(?:t|bytes|speed|fs)=[0-9.,]+"
PART = re.compile(rf"(?P<path>.+)#(?P<settings>{SETTING}(?:&{SETTING})*)")


@dataclass(frozen=True)
class Place:
    """Place of the audio of an utterance.

    Attributes:
        path: The file.
        span: First byte and number of bytes of the audio file inside it; None: all of it.
        seconds: Begin and end of the utterance, seconds, where an end of None is that of the audio;
            None: all of it.
        speed: Speed at which to play it.
        fs: Sampling rate to resample it to, Hz; None: its own.

    Raises:
        ValueError: If a number is not valid.
    """

    path: str
    span: tuple[int, int] | None = None
    seconds: tuple[float, float | None] | None = None
    speed: float = 1.0
    fs: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that name nothing."""
        begin, end = self.seconds or (0.0, None)
        if not 0 <= begin < (math.inf if end is None else end) or end == math.inf:
            raise ValueError(
                f"`t` must have a begin from 0 on, before its end, but got {begin},{end}"
            )
        if self.span is not None and self.span[1] < 1:
            raise ValueError("`bytes` must have a number of bytes above 0")
        if not 0.1 <= self.speed <= 10.0:
            raise ValueError(f"`speed` must lie in [0.1, 10], but got {self.speed}")
        if self.fs is not None and self.fs < 1:
            raise ValueError("`fs` must be above 0")

    def __str__(self) -> str:
        """Return the place as it is written in tables."""
        settings = []
        if self.span is not None:
            settings.append(f"bytes={self.span[0]},{self.span[1]}")
        if self.seconds is not None:
            settings.append("t=" + ",".join(_decimal(s) for s in self.seconds if s is not None))
        if self.fs is not None:
            settings.append(f"fs={self.fs}")
        if self.speed != 1.0:
            settings.append(f"speed={_decimal(self.speed)}")
        return f"{self.path}#{'&'.join(settings)}" if settings else self.path

    @property
    def recording(self) -> str:
        """The place of the whole recording, the same for all of its utterances."""
        return str(replace(self, seconds=None, speed=1.0, fs=None))


def read_place(text: str) -> Place:
    """Return the place that an entry of `wav.scp` names.

    Args:
        text: The entry. `#` is a letter of the path where none of the settings follows.

    Raises:
        ValueError: If a part is not valid; the message holds the entry.

    >>> read_place("a#1.wav").path
    'a#1.wav'
    >>> place = read_place("a.flac#t=0.5,2")
    >>> place.path, place.seconds
    ('a.flac', (0.5, 2.0))
    """
    found = PART.fullmatch(text) if "#" in text else None
    if found is None:
        return Place(text)
    settings = dict(item.split("=") for item in found["settings"].split("&"))
    try:
        place = Place(
            found["path"],
            span=_span(settings.pop("bytes", None)),
            seconds=_seconds(settings.pop("t", None)),
            speed=float(settings.pop("speed", 1.0)),
            fs=int(settings.pop("fs")) if "fs" in settings else None,
        )
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no part of a file: {error}; expected `#t=begin,end` in seconds,"
            " `#bytes=first,number`, `#fs=16000` or `#speed=0.9`, joined by `&`."
        ) from error
    return place


def _span(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, number = text.split(",")
    return int(first), int(number)


def _seconds(text: str | None) -> tuple[float, float | None] | None:
    if text is None:
        return None
    begin, _, end = text.partition(",")
    return float(begin), float(end) if end else None


def _decimal(number: float) -> str:
    """Return a number without an exponent, to the microsecond."""
    return f"{number:.6f}".rstrip("0").rstrip(".")

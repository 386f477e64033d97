"""Write transcripts as text, JSON or subtitles (SubRip)."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from espnet_soups.inference.transcriber import Transcript

FORMATS = {"text": ".txt", "json": ".json", "srt": ".srt"}


def render(transcript: "Transcript", place: str, format: str) -> str:
    """Return a transcript as text, JSON or subtitles.

    Args:
        transcript: The transcript.
        place: Path of the recording.
        format: `text`: one line per piece; `json`: one object in one line; `srt`: SubRip.
    """
    if format == "json":
        record = {"file": place, **asdict(transcript), "text": transcript.text}
        return json.dumps(record, ensure_ascii=False) + "\n"
    if format == "srt":
        spoken = [segment for segment in transcript.segments if segment.text]
        return "\n".join(
            f"{number}\n{clock(item.start)} --> {clock(item.end)}\n{item.text}\n"
            for number, item in enumerate(spoken, start=1)
        )
    return "".join(f"{segment.text}\n" for segment in transcript.segments)


def clock(seconds: float) -> str:
    """Return a time as SubRip writes it.

    Args:
        seconds: The time.

    >>> clock(3725.0405)
    '01:02:05,040'
    """
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"

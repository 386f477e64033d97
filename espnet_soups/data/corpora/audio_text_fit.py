"""Tell recordings whose text cannot be theirs, by their length."""

from pathlib import Path

import soundfile

# A speaker reads 4 to 25 letters a second; beyond this, audio and text do not belong together.
MOST_LETTERS_PER_SECOND = 30.0
MOST_SECONDS_BEYOND_TEXT = 4.0
FEWEST_LETTERS_PER_SECOND = 5.0


def misfit(audio: Path, text: str) -> str:
    """Return the reason why audio and text cannot belong together; empty: they can.

    Args:
        audio: The file.
        text: Its normalised text, spaces included.
    """
    try:
        info = soundfile.info(str(audio))
    except soundfile.LibsndfileError as error:
        return f"cannot be read: {error.error_string}"
    seconds = info.frames / info.samplerate
    if seconds == 0 or len(text) / seconds > MOST_LETTERS_PER_SECOND:
        return "too short for its text"
    if seconds > MOST_SECONDS_BEYOND_TEXT + len(text) / FEWEST_LETTERS_PER_SECOND:
        return "too long for its text"
    return ""

"""Read the speech to decode, features or audio files, by utterance id."""

from pathlib import Path

import numpy as np

from espnet_soups.data.ark import read_array, refuse_commands
from espnet_soups.data.audio import read_audio
from espnet_soups.files import read_table

KINDS = ("kaldi_ark", "sound", "recording")


class SpeechSource:
    """Source of speech by utterance id.

    Args:
        specification: `file,speech,kaldi_ark` (features), `file,speech,sound` (audio files) or
            `file,speech,recording` (parts of audio files).
        fs: Sampling rate of the model, for audio files; None: unknown.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the specification or the file is not valid.
    """

    def __init__(self, specification: str, fs: int | None) -> None:
        parts = specification.split(",")
        if len(parts) != 3 or parts[1] != "speech" or parts[2] not in KINDS:
            raise ValueError(
                "`--data_path_and_name_and_type` must look like `feats.scp,speech,kaldi_ark` or"
                f" `wav.scp,speech,sound`, but got {specification!r}."
            )
        self.path, self.kind = Path(parts[0]), parts[2]
        if self.kind != "kaldi_ark" and fs is None:
            raise ValueError(
                "The config.yaml does not say which sampling rate the model has (`feats_conf: fs`),"
                " so that audio files cannot be checked: give features instead."
            )
        self.fs = fs
        self.places = read_table(self.path)
        refuse_commands(self.path, self.places)

    @property
    def rate(self) -> int | None:
        """Sampling rate of the audio, Hz; None: the speech is features."""
        return None if self.kind == "kaldi_ark" else self.fs

    def read(self, key: str) -> np.ndarray:
        """Read one utterance: features, `(frames, width)`, or samples, `(samples,)`.

        Args:
            key: Utterance id.

        Raises:
            OSError: If its file is missing.
            ValueError: If it cannot be read; the message names the utterance.
        """
        place = self.places[key]
        try:
            if self.kind != "kaldi_ark":
                return read_audio(place, self.fs)  # type: ignore[arg-type]
            return read_array(place)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{self.path}: speech of {key} is missing: {place} does not exist."
            ) from error
        except (ValueError, EOFError, AssertionError, RuntimeError) as error:
            raise ValueError(
                f"{self.path}: speech of {key} cannot be read from {place}: {error}"
            ) from error

"""Transcription by a published Whisper as it is: what fine-tuning is to be compared with."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO
from unicodedata import category, normalize

import numpy as np
import torch
from num2words import num2words
from torch import Tensor

from espnet_soups.backbone.hub import import_transformers
from espnet_soups.backbone.waveform import WaveformFrontend
from espnet_soups.backbone.whisper import WhisperEncoder
from espnet_soups.backbone.whisper_mel import WhisperMelFrontend
from espnet_soups.data.audio import read_audio
from espnet_soups.data.data_dir import check_same_keys
from espnet_soups.data.segments import read_audio_table
from espnet_soups.files import read_table

WINDOWS = ("full", "speech")


class WhisperTranscriber:
    """Whisper's own decoder and tokens behind one of two encoders.

    Args:
        model: Name on the Hugging Face hub, or a folder.
        window: `full`: transformers' encoder on the speech and silence up to 30 s, as Whisper was
            trained. `speech`: `encoder: whisper_hf`, which sees the speech alone.

    Raises:
        ValueError: If the window is unknown, or the model cannot be loaded.
    """

    def __init__(self, model: str, window: str = WINDOWS[0]) -> None:
        if window not in WINDOWS:
            raise ValueError(f"`window` must be one of {list(WINDOWS)}, but got {window!r}.")
        library = import_transformers()
        library.utils.logging.disable_progress_bar()
        try:
            self.model = library.WhisperForConditionalGeneration.from_pretrained(
                model, dtype=torch.float32
            ).eval()
            self.tokenizer = library.AutoTokenizer.from_pretrained(model)
            self.extractor = library.WhisperFeatureExtractor.from_pretrained(model)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:160]
            raise ValueError(f"{model} is no Whisper model that can be loaded: {reason}") from error
        self.output = library.modeling_outputs.BaseModelOutput
        bins = self.model.config.num_mel_bins
        self.frontend = WhisperMelFrontend(n_mels=bins)
        self.encoder: Any = None
        if window == "speech":
            self.encoder = WhisperEncoder(bins, model).eval()

    @torch.no_grad()
    def __call__(self, samples: np.ndarray, language: str) -> str:
        """Return the text that Whisper writes, with its capitals and punctuation.

        Args:
            samples: Samples at 16 kHz, [S].
            language: Language of a multilingual model, such as `fr`; one for English ignores it.
        """
        many = bool(self.model.generation_config.is_multilingual)
        options = {"language": language, "task": "transcribe"} if many else {}
        ids = self.model.generate(**self._encode(samples), **options)[0]
        return str(self.tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _encode(self, samples: np.ndarray) -> dict[str, Any]:
        if self.encoder is None:
            rate = WaveformFrontend.rate
            found = self.extractor(samples, sampling_rate=rate, return_tensors="pt")
            return {"input_features": found.input_features}
        speech = torch.from_numpy(samples).unsqueeze(0)
        features, frames = self.frontend(speech, torch.tensor([len(samples)]))
        encoded: Tensor = self.encoder(features, frames)[0]
        return {"encoder_outputs": self.output(encoded)}


def transcribe_set(
    transcriber: WhisperTranscriber,
    data_dir: Path,
    decode_dir: Path,
    objective_of: Callable[[str], str],
) -> Iterator[tuple[str, str]]:
    """Transcribe a set of the recipe, and write it as stage 11 does, for stage 12 to score.

    Each text is written once it is there, so that whatever ends this takes no hours of work along.

    Args:
        transcriber: The model.
        data_dir: Folder with `wav.scp` of samples at 16 kHz, and `utt2lang`.
        decode_dir: Folder for `<objective>/text`, in the spelling of the recipe's texts.
        objective_of: Function that returns the name of the objective that transcribes a language.

    Yields:
        (id, the text as Whisper writes it) of each utterance, once it is done.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed, or a recording has another rate.
    """
    audio, languages = read_audio_table(data_dir / "wav.scp"), read_table(data_dir / "utt2lang")
    check_same_keys(data_dir / "wav.scp", audio, data_dir / "utt2lang", languages)
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for key, path in audio.items():
            language = languages[key]
            if language not in files:
                text = decode_dir / objective_of(language) / "text"
                text.parent.mkdir(parents=True, exist_ok=True)
                opened = text.open("w", encoding="utf-8", newline="\n", buffering=1)
                files[language] = stack.enter_context(opened)
            samples = read_audio(path, WaveformFrontend.rate)
            written = transcriber(samples.astype(np.float32), language)
            files[language].write(f"{key} {spell(written, language)}\n")
            yield key, written


def spell(text: str, language: str) -> str:
    """Return a text as the recipes spell: lower case, letters and apostrophes, numbers as words.

    Numbers stay digits where `num2words` has no words for them.

    Args:
        text: The text as Whisper writes it.
        language: Its language.

    >>> spell("Press 1, or 'star' -- it's OK.", "en")
    "press one or star it's ok"
    """
    words = re.sub(r"\d+", lambda match: f" {_spell_number(match[0], language)} ", text.casefold())
    letters = normalize("NFC", words).replace("’", "'")
    kept = "".join(c if _is_kept(c) else " " for c in letters)
    return " ".join(word for part in kept.split() if (word := part.strip("'")))


def _spell_number(digits: str, language: str) -> str:
    try:
        return str(num2words(int(digits), lang=language))
    except Exception:  # it fails in a dozen ways at languages and large numbers that it lacks
        return digits


def _is_kept(letter: str) -> bool:
    # marks are vowels and tones in Hindi, Tamil, Thai and many more
    return letter.isalpha() or letter.isdecimal() or letter == "'" or category(letter)[0] == "M"

"""What the page shows of a recording, and what it refuses in one sentence."""

import io

import numpy as np
import pytest
import soundfile

from espnet_soups import Speech2Text
from espnet_soups.demo.listener import Listener
from espnet_soups.testing.audible_model import (
    FS,
    LETTER_SECONDS,
    SILENCE_SECONDS,
    pause,
    say,
)
from espnet_soups.testing.toy_corpus import ToyExperiment


def wav(samples: np.ndarray, rate: int = FS, format: str = "WAV") -> bytes:
    """Return an audio file."""
    written = io.BytesIO()
    soundfile.write(written, samples, rate, format=format)
    return written.getvalue()


@pytest.fixture(scope="module")
def listener(audible: ToyExperiment) -> Listener:
    return Listener(Speech2Text.from_pretrained(audible.exp_dir), "tones", 2.0, 30.0)


def test_a_recording_gives_language_texts_and_words(listener: Listener):
    heard = listener(wav(say("hgfa", "fr", rate=44100), 44100, "FLAC"), "", "x.flac")
    assert (heard["language"], heard["identified"], heard["text"]) == ("fr", True, "hgfa")
    assert list(heard["translations"]) == ["en"]
    samples = say("hgfa", "fr", rate=44100)
    reference = listener.speech2text(samples, "fr", 44100)
    assert heard["translations"]["en"] == reference.translations["en"].text != ""
    (piece,) = heard["pieces"]
    assert [word["text"] for word in piece["words"]] == list("hgfa")
    assert piece["end"] == heard["seconds"] == pytest.approx(len(samples) / 44100, abs=1e-3)
    assert max(piece["peaks"]) == 1.0
    assert max(piece["peaks"][:2]) < 0.1  # the silence before the tones


def test_words_of_later_pieces_have_the_time_of_the_recording(listener: Listener):
    samples = np.concatenate([say("abcd", "en"), pause(3.0), say("hgfe", "en")])
    heard = listener(wav(samples), "en", "x.wav")
    assert heard["text"] == "abcd hgfe"
    assert not heard["identified"]
    assert heard["translations"] == {}
    second = heard["pieces"][1]
    begin = (len(say("abcd", "en")) + len(pause(3.0))) / FS + 0.1
    assert second["words"][0]["start"] == pytest.approx(begin, abs=0.1)
    assert second["start"] < begin < second["words"][-1]["end"] < second["end"]


def test_words_of_a_very_short_piece_lie_where_they_were_said(listener: Listener):
    first = np.concatenate([say("abcdabcd", "en"), pause(3.0)])
    heard = listener(wav(np.concatenate([first, say("hg", "en")])), "en", "x.wav")
    piece = heard["pieces"][1]
    assert piece["end"] - piece["start"] < 0.6  # it was given silence
    assert [word["text"] for word in piece["words"]] == ["h", "g"]
    for number, word in enumerate(piece["words"]):
        middle = len(first) / FS + SILENCE_SECONDS + (number + 0.5) * LETTER_SECONDS
        assert abs((word["start"] + word["end"]) / 2 - middle) < LETTER_SECONDS / 2
        assert word["end"] <= piece["end"]


@pytest.mark.parametrize(
    ("content", "language", "said"),
    [
        (b"This is no audio.\n", "fr", r"^x\.wav cannot be read: .*; choose a recording, such as"),
        (b"", "fr", r"^x\.wav cannot be read: .*; choose a recording"),
        (wav(np.zeros(FS)), "fr", r"^x\.wav is silent: its loudest sample lies at -200 dB"),
        (wav(say("ab", "fr")), "de", r"does not know the language 'de': it has en, fr\.$"),
        (wav(np.full(31 * FS, 0.1)), "fr", r"^x\.wav is 31 s long, .* 30 s at most: cut it"),
        (wav(np.full(20, 0.1)), "fr", r"^x\.wav: "),
        (wav(np.full((FS, 512), 0.1), 96000), "fr", r"^x\.wav has 512 channels of 96,000 Hz"),
    ],
)
def test_what_cannot_be_heard_is_refused(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, content: bytes, language: str, said: str
):
    if "channels" in said:
        monkeypatch.setattr(listener, "max_seconds", 10.0)
    with pytest.raises(ValueError, match=said) as caught:
        listener(content, language, "x.wav")
    assert "\n" not in str(caught.value)


def test_a_model_that_identifies_no_language_asks_for_one(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    assert listener.about() == {
        "name": "tones",
        "languages": ["en", "fr"],
        "identifies": True,
        "max_seconds": 30.0,
    }
    monkeypatch.setattr(Speech2Text, "identifier", None)
    assert listener.about()["identifies"] is False
    with pytest.raises(ValueError, match=r"choose the one that is spoken, en, fr\.$"):
        listener(wav(say("ab", "fr")), "", "x.wav")


def test_a_model_that_only_labels_has_no_page(audible: ToyExperiment):
    labels = Speech2Text.from_pretrained(audible.exp_dir, objectives=["cls_language"])
    with pytest.raises(ValueError, match=r"neither recognises nor .* objectives are cls_language"):
        Listener(labels, "tones", 20.0, 600.0)
    for limits, said in (((0.1, 9.0), "`--longest` must be 1"), ((9.0, 0.0), "`--max_seconds`")):
        with pytest.raises(ValueError, match=said):
            Listener(labels, "tones", *limits)

"""Recordings in the page: of the examples, few and short, or a word on why there are none."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_up_experiment import report

from espnet_soups.report import clips
from espnet_soups.report.clips import keys_of, make_clip

KEYS = ("asr_fr-1", "asr_it-1", "st_fr_en-1")


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """A wav.scp with a second of tone for each example."""
    lines = []
    for key in KEYS:
        tone = 0.3 * np.sin(0.2 * np.arange(8000))
        soundfile.write(tmp_path / f"{key}.wav", tone, 8000)
        lines.append(f"{key} {tmp_path / key}.wav\n")
    (tmp_path / "wav.scp").write_text("".join(lines))
    return tmp_path / "wav.scp"


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_each_example_can_be_heard_above_its_texts(make_experiment, one_picture, audio) -> None:
    folder = make_experiment()
    results = report(folder, "--audio", str(audio))
    assert results["audio"] == str(audio)
    pattern = r'<audio [^>]*src="data:audio/mpeg;base64,([^"]+)"></audio>\s*</div>\s*<pre>(\S+) '
    heard = {key: data for data, key in re.findall(pattern, page_of(folder))}
    assert list(heard) == list(KEYS)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(heard["asr_fr-1"])))
    assert rate == 8000
    assert len(samples) / rate == pytest.approx(1.0, abs=0.1)


def test_a_page_without_audio_holds_no_recording(make_experiment, one_picture) -> None:
    folder = make_experiment()
    assert "audio" not in report(folder)
    assert "<audio" not in page_of(folder)


def test_where_recordings_lie_is_not_published(
    make_experiment, one_picture, audio, tmp_path
) -> None:
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    report(make_experiment(), "--audio", str(audio), "--publish_dir", str(recipe))
    assert "audio" not in json.loads((recipe / "results.jsonl").read_text())


def test_recordings_that_are_gone_are_named_and_stop_no_report(
    make_experiment, one_picture, audio
) -> None:
    folder = make_experiment()
    (audio.parent / "asr_it-1.wav").unlink()
    report(folder, "--audio", str(audio))
    assert page_of(folder).count("<audio") == 2
    assert "1 recordings cannot be heard here: Audio file " in page_of(folder)
    audio.unlink()
    report(folder, "--audio", str(audio))
    assert "<audio" not in page_of(folder)
    assert "No recordings of beam5/test: " in page_of(folder)


def test_a_full_page_leaves_recordings_out_and_says_so(
    make_experiment, one_picture, audio, monkeypatch
) -> None:
    monkeypatch.setattr(clips, "BUDGET", 8000)
    folder = make_experiment()
    report(folder, "--audio", str(audio))
    assert page_of(folder).count("<audio") == 1
    assert "2 more recordings are left out" in page_of(folder)


def test_a_long_recording_is_heard_in_part_and_an_odd_rate_is_resampled(tmp_path) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros((20 * 44100, 2)), 44100)
    clip = make_clip("a", path)
    assert clip.cut
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(clip.source.partition(",")[2])))
    assert (rate, samples.ndim) == (16000, 1)
    assert len(samples) / rate == pytest.approx(15.0, abs=0.2)
    assert len(clip.source) < 125_000


def test_a_trial_has_two_recordings_and_words_behind_the_ids_none() -> None:
    known = dict.fromkeys(("a", "b", "score"), "")
    assert keys_of("a b  same score 0.3\na", known) == ["a", "b"]
    assert keys_of("glad, heard sad", known) == []

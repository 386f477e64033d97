"""`espnet-soups transcribe` and `translate`, as a user calls them."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet_soups import Speech2Text
from espnet_soups.bin.command import run_command
from espnet_soups.bin.main import main
from espnet_soups.testing.audible_model import FS, pause, say
from espnet_soups.testing.toy_corpus import ToyExperiment

Paths = dict[str, str]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Recordings of all sorts, by name."""
    root = tmp_path_factory.mktemp("recordings")
    english = say("abcde", "en")
    french = say("hgfa", "fr", rate=44100)
    long = [part for text in ("abcd", "hgfe", "cabd") for part in (say(text, "fr"), pause(1.0))]
    soundfile.write(root / "en.wav", english, FS)
    soundfile.write(root / "fr.flac", np.stack([french, french], axis=1), 44100)
    soundfile.write(root / "long.wav", np.concatenate(long), FS)
    soundfile.write(root / "silent.wav", np.zeros(FS), FS)
    (root / "words.wav").write_text("This is no audio.\n")
    return {path.name: str(path) for path in root.iterdir()}


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    """Run the command, and return what it writes to standard output and error."""
    capsys.readouterr()
    main(words)
    written = capsys.readouterr()
    return written.out, written.err


def fail(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the command, which must end with status 1, and return the last line of its error."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run_command(lambda _: main(words))
    assert caught.value.code == 1
    return capsys.readouterr().err.splitlines()[-1]


def test_a_recording_of_any_rate_and_channels_is_written_down(
    audible: ToyExperiment, recordings: Paths, capsys: pytest.CaptureFixture[str]
):
    model = ("--model", str(audible.exp_dir))
    out, _ = call(capsys, "transcribe", recordings["en.wav"], "--lang", "en", *model)
    assert out == "abcde\n"
    out, _ = call(capsys, "transcribe", recordings["fr.flac"], "--lang", "fr", *model)
    assert out == "hgfa\n"


def test_the_language_is_identified_where_none_is_named(
    audible: ToyExperiment, recordings: Paths, capsys: pytest.CaptureFixture[str]
):
    names = (recordings["en.wav"], recordings["fr.flac"])
    out, err = call(capsys, "transcribe", *names, "--model", str(audible.exp_dir))
    assert out == f"{names[0]}: abcde\n{names[1]}: hgfa\n"
    assert f"{names[0]}: language en\n{names[1]}: language fr\n" in err


def test_a_long_recording_is_cut_and_its_texts_are_timed(
    audible: ToyExperiment, recordings: Paths, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    words = ("transcribe", recordings["long.wav"], "--lang", "fr", "--longest", "2")
    words += ("--model", str(audible.exp_dir))
    out, _ = call(capsys, *words, "--format", "srt")
    found = re.findall(r"(\d+)\n00:00:0(\d),(\d{3}) --> 00:00:0(\d),(\d{3})\n(\w+)\n(?:\n|$)", out)
    assert [item[0] for item in found] == ["1", "2", "3"]
    assert [item[5] for item in found] == ["abcd", "hgfe", "cabd"]
    for number, item in enumerate(found):
        start = 0.1 + number * 1.52  # a pause of a second, silence of 0.1 s, four letters of 0.08 s
        assert start - 0.2 < float(f"{item[1]}.{item[2]}") <= start
        assert start + 0.32 <= float(f"{item[3]}.{item[4]}") < start + 0.55

    call(capsys, *words, "--format", "json", "--output_dir", str(tmp_path / "new"))
    record = json.loads((tmp_path / "new" / "long.json").read_text(encoding="utf-8"))
    assert record["text"] == "abcd hgfe cabd"
    assert (record["language"], record["identified"]) == ("fr", False)
    assert [piece["text"] for piece in record["segments"]] == ["abcd", "hgfe", "cabd"]
    assert all(piece["score"] < 0 for piece in record["segments"])


def test_a_pipe_is_read(
    audible: ToyExperiment,
    recordings: Paths,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    class Pipe:
        buffer = io.BytesIO(Path(recordings["fr.flac"]).read_bytes())

    monkeypatch.setattr(sys, "stdin", Pipe)
    monkeypatch.setenv("ESPNET_SOUPS_MODEL", str(audible.exp_dir))
    out, _ = call(capsys, "transcribe", "-", "--lang", "fr")
    assert out == "hgfa\n"


def test_a_translation_is_that_of_the_model(
    audible: ToyExperiment,
    recordings: Paths,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(audible.exp_dir.parents[1])  # exp holds one model
    words = ("translate", recordings["fr.flac"], "--from", "fr")
    out, _ = call(capsys, *words, "--to", "en")
    samples, rate = soundfile.read(recordings["fr.flac"], dtype="float32")
    reference = Speech2Text.from_pretrained(audible.exp_dir)(samples[:, 0], "fr", rate)
    assert out == reference.translations["en"].text + "\n"
    assert out != "\n"
    assert call(capsys, *words)[0] == out  # there is one target
    assert call(capsys, "translate", recordings["fr.flac"])[0] == out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "transcribe words.wav --lang fr",
            r"error: Audio file \S*words\.wav cannot be read: Format.*; name a recording",
        ),
        ("transcribe silent.wav --lang fr", r"error: \S*silent\.wav is silent: its loudest sample"),
        ("transcribe none.wav --lang fr", r"error: Audio file none\.wav does not exist\."),
        ("transcribe en.wav --lang de", r"error: .* does not know 'de': it recognises en, fr\."),
        (
            "transcribe en.wav --longest 0.1",
            r"error: `--longest` must be 1 second or more, but got",
        ),
        ("transcribe en.wav fr.flac --format srt", r"error: 2 recordings .* `--output_dir`\."),
        ("translate en.wav --from en", r"error: .* know 'en': it translates from fr\."),
        ("translate en.wav --from fr --to de", r"error: .* fr into en: not into 'de'\."),
        ("translate en.wav", r"error: \S*en\.wav: .* know 'en': it translates from fr\."),
        ("transcribe en.wav words.wav", r"error: 1 of 2 recordings failed, see above\."),
        ("transcribe en.wav --model nowhere", r"error: There is no model nowhere: name a folder"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    audible: ToyExperiment,
    recordings: Paths,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    said: str,
):
    monkeypatch.setenv("ESPNET_SOUPS_MODEL", str(audible.exp_dir))
    last = fail(capsys, *(recordings.get(word, word) for word in words.split()))
    assert re.match(said, last), last


def test_of_a_folder_what_fails_is_named_and_the_rest_is_done(
    audible: ToyExperiment, recordings: Paths, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    (tmp_path / "a.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "b.wav").symlink_to(recordings["words.wav"])
    (tmp_path / "c.wav").symlink_to(recordings["en.wav"])
    with pytest.raises(ValueError, match=r"2 of 3 recordings failed, see above"):
        main(["transcribe", str(tmp_path), "--lang", "en", "--model", str(audible.exp_dir)])
    out, err = capsys.readouterr()
    assert out == f"{tmp_path}/c.wav: abcde\n"
    assert f"error: Audio file {tmp_path}/a.wav does not exist." in err
    assert f"error: Audio file {tmp_path}/b.wav cannot be read" in err


def test_a_model_that_does_not_identify_languages_asks_for_one(
    audible: ToyExperiment,
    recordings: Paths,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(Speech2Text, "identifier", None)
    words = ("transcribe", recordings["en.wav"], "--model", str(audible.exp_dir))
    assert fail(capsys, *words) == (
        "error: This model does not identify languages: name the one that is spoken by `--lang`,"
        " one of en, fr."
    )


def test_no_model_and_several_are_refused_with_the_way_out(
    recordings: Paths,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    monkeypatch.chdir(tmp_path)
    words = ("transcribe", recordings["en.wav"], "--lang", "en")
    assert re.match(
        r"error: No trained model was found below .*: name a model", fail(capsys, *words)
    )
    for name in ("msp_a", "msp_b"):
        (tmp_path / "exp" / name).mkdir(parents=True)
        for file in ("config.yaml", "valid.acc.ave.pth"):
            (tmp_path / "exp" / name / file).touch()
    assert re.match(r"error: .* several models \(msp_a, msp_b\): name", fail(capsys, *words))

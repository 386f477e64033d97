"""A set is decoded by jobs as it is by one process, from features and from audio files."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError

from espnet_soups import Speech2Text
from espnet_soups.bin import export, join_outputs, msp_inference
from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.files import read_table
from espnet_soups.inference.decode_set import decode_set, select_utterances
from espnet_soups.network.decoders import Decoders, EncodedSpeech, cut_batches
from espnet_soups.objectives.decoding.decode_config import DecodeConfig
from espnet_soups.testing.toy_corpus import ToyExperiment
from espnet_soups.testing.toy_model import ENCODER_CONF, make_toy_arguments, make_toy_model


def options(experiment: ToyExperiment, output_dir: Path, **changes: str) -> list[str]:
    valid = experiment.corpus.root / "valid"
    values = {
        "exp_dir": str(experiment.exp_dir),
        "data_path_and_name_and_type": f"{valid}/feats.scp,speech,kaldi_ark",
        "utt2lang": f"{valid}/utt2lang",
        "output_dir": str(output_dir),
        **changes,
    }
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def write_waves(folder: Path, fs: int = 8000) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    waves = {f"fr-{n}": 0.1 * random.normal(size=3000 + 400 * n) for n in range(3)}
    for key, samples in waves.items():
        soundfile.write(folder / f"{key}.wav", samples, fs, subtype="FLOAT")
    (folder / "wav.scp").write_text("".join(f"{key} {folder}/{key}.wav\n" for key in waves))
    (folder / "utt2lang").write_text("".join(f"{key} fr\n" for key in waves))
    return waves


def test_two_jobs_joined_give_what_each_utterance_gives_alone(
    separate: ToyExperiment, tmp_path: Path
):
    config = tmp_path / "decode.yaml"
    config.write_text("asr_method: ctc_prefix\nbeam_size: 3\nnbest: 2\nbatch_size: 5\n")
    spoken = read_table(separate.corpus.root / "valid" / "utt2lang")
    for job in (1, 2):
        keys = tmp_path / f"keys.{job}.scp"
        keys.write_text("".join(f"{key} ignored\n" for key in list(spoken)[job - 1 :: 2]))
        folder = tmp_path / "logdir" / f"output.{job}"
        changes = {"config": str(config), "key_file": str(keys)}
        msp_inference.main(options(separate, folder, **changes))
        assert (folder / "st_fr_en" / "2best_recog" / "text").is_file()
    utt2lang = str(separate.corpus.root / "valid" / "utt2lang")
    join_outputs.main(["--decode_dir", str(tmp_path), "--jobs", "2", "--utt2lang", utt2lang])
    speech2text = Speech2Text.from_pretrained(
        separate.exp_dir, asr_method="ctc_prefix", beam_size=3
    )
    import kaldiio

    table = kaldiio.load_scp(str(separate.corpus.root / "valid" / "feats.scp"))
    texts = {
        name: read_table(tmp_path / name / "text", allow_empty=True)
        for name in speech2text.decoders
    }
    for key in list(spoken)[::4]:
        for name, found in speech2text(table[key], lang=spoken[key]).nbest.items():
            assert texts[name][key] == found[0].text
    assert set(texts["st_es_en"]) == {key for key in spoken if spoken[key] == "es"}
    speed = json.loads((tmp_path / "speed.json").read_text())
    frames = sum(len(table[key]) for key in spoken)
    assert speed["audio_seconds"] == pytest.approx(frames * 0.02)
    assert speed["utterances"] == len(spoken)
    assert speed["rtf"] == pytest.approx(speed["decode_seconds"] / speed["audio_seconds"])


def test_utterances_of_all_languages_are_encoded_together_and_once(
    separate: ToyExperiment, monkeypatch: pytest.MonkeyPatch
):
    speech2text = Speech2Text.from_pretrained(separate.exp_dir, batch_size=12)
    valid = separate.corpus.root / "valid"
    source = SpeechSource(f"{valid}/feats.scp,speech,kaldi_ark", None)
    known = {source.read(key).tobytes(): key for key in source.places}
    batches: list[list[str]] = []

    encode_each = Decoders.encode_each

    def remember(self: Decoders, prepared: list[torch.Tensor]) -> list[EncodedSpeech]:
        batches.append([known[speech.numpy().tobytes()] for speech in prepared])
        return encode_each(self, prepared)

    monkeypatch.setattr(Decoders, "encode_each", remember)
    grouped = select_utterances(speech2text, source, valid / "utt2lang", None)
    found, _ = decode_set(speech2text, source, grouped)
    assert sorted(key for batch in batches for key in batch) == sorted(source.places)
    assert [len(batch) for batch in batches] == [12, 12, 12]
    assert all(len({key[:2] for key in batch}) > 1 for batch in batches)
    assert len(found["asr_fr"]) == len(found["st_fr_en"]) == len(grouped["fr"])


def test_utterances_too_short_for_the_encoder_are_lengthened_counted_and_named(
    separate: ToyExperiment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    speech2text = Speech2Text.from_pretrained(separate.exp_dir, batch_size=1)
    valid = separate.corpus.root / "valid"
    source = SpeechSource(f"{valid}/feats.scp,speech,kaldi_ark", None)
    lengths = {key: len(source.read(key)) for key in source.places}
    limit = min(lengths.values()) + 1
    encode = speech2text.model.encode

    def refuse(speech: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if speech.size(1) < limit:
            raise TooShortUttError("too short", speech.size(1), limit)
        return encode(speech, lengths)

    monkeypatch.setattr(speech2text.model, "encode", refuse)
    grouped = select_utterances(speech2text, source, valid / "utt2lang", None)
    found, speed = decode_set(speech2text, source, grouped)
    short = [key for key in lengths if lengths[key] < limit]
    assert speed.lengthened == len(short) > 0
    assert set(short) < {key for own in found.values() for key in own}
    (said,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith(
        f"Utterances too short for the encoder, lengthened at their end: {len(short)} ("
    )
    assert all(key in said for key in short)


@pytest.mark.parametrize("raw", [False, True])
def test_what_no_encoder_takes_is_encoded_as_if_it_were_longer(raw: bool):
    options = {"encoder_conf": {**ENCODER_CONF, "input_layer": "conv2d"}}
    if raw:
        frontend = {"fs": 8000, "n_fft": 256, "win_length": 200, "hop_length": 80, "n_mels": 8}
        options |= {"input_size": None, "frontend": "default", "frontend_conf": frontend}
    model = make_toy_model(**options).float().eval()
    decoders = Decoders(model, make_toy_arguments(**options), DecodeConfig())
    sizes = (100, 8000) if raw else (3, 40)
    speech = [torch.randn(size) if raw else torch.randn(size, 8) for size in sizes]
    with pytest.raises((TooShortUttError, RuntimeError)):
        model.encode(speech[0][None], torch.tensor([sizes[0]]))
    short, long = decoders.encode_each(speech)
    assert (short.lengthened, long.lengthened) == (True, False)
    assert len(short.states) >= 1
    assert short.speech is speech[0]
    shorter = speech[0][: sizes[0] * 3 // 4]
    _, frames = decoders.encode(*decoders.pad([speech[0], shorter]))
    assert int(frames[0]) == len(short.states)  # whatever shares its batch
    for name in decoders.decoders:
        assert len(decoders.decode([short, long], name)) == 2


def test_audio_files_are_decoded_as_their_samples(separate: ToyExperiment, tmp_path: Path):
    waves = write_waves(tmp_path)
    changes = {
        "data_path_and_name_and_type": f"{tmp_path}/wav.scp,speech,sound",
        "utt2lang": f"{tmp_path}/utt2lang",
        "objectives": "asr_fr",
    }
    msp_inference.main(options(separate, tmp_path / "out", **changes))
    found = read_table(tmp_path / "out" / "asr_fr" / "1best_recog" / "token_int", allow_empty=True)
    speech2text = Speech2Text.from_pretrained(separate.exp_dir, objectives=["asr_fr"])
    for key, samples in waves.items():
        transcript = speech2text(samples.astype(np.float32), lang="fr").transcript
        assert transcript is not None
        assert found[key].split() == [str(index) for index in transcript.token_int]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"asr_fr", "objectives.json", "speed.json"}
    speed = json.loads((tmp_path / "out" / "speed.json").read_text())
    assert speed["audio_seconds"] == pytest.approx(sum(map(len, waves.values())) / 8000, abs=0.1)


def test_broken_audio_ends_in_one_sentence_and_leaves_nothing(
    separate: ToyExperiment, tmp_path: Path
):
    changes = {
        "data_path_and_name_and_type": f"{tmp_path}/wav.scp,speech,sound",
        "utt2lang": f"{tmp_path}/utt2lang",
    }
    words = options(separate, tmp_path / "out", **changes)
    write_waves(tmp_path, fs=16000)
    with pytest.raises(ValueError, match=r"fr-0.wav has 16000 Hz, but 8000 Hz are expected"):
        msp_inference.main(words)
    write_waves(tmp_path)
    soundfile.write(tmp_path / "fr-1.wav", np.zeros(0), 8000)
    with pytest.raises(ValueError, match=r"speech of fr-1 .*has no samples"):
        msp_inference.main(words)
    soundfile.write(tmp_path / "fr-1.wav", np.zeros(20), 8000)
    with pytest.raises(ValueError, match="speech of fr-1: A waveform of at least 200 samples"):
        msp_inference.main(words)
    (tmp_path / "fr-1.wav").unlink()
    with pytest.raises(FileNotFoundError, match="speech of fr-1 is missing"):
        msp_inference.main(words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("key_file", "fr-000\nfr-999\n", r"feats.scp lacks 1 of 2 utterances .*\['fr-999'\]"),
        ("utt2lang", "fr-000 fr\n", r"utt2lang lacks 35 of 36 utterances"),
        ("feats", "fr-000 {tmp}/feats.ark:7\n", "speech of fr-000 is missing"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(
    separate: ToyExperiment, tmp_path: Path, name: str, content: str, message: str
):
    path = tmp_path / name
    if name == "feats":
        path = tmp_path / "feats.scp"
        changes = {"data_path_and_name_and_type": f"{path},speech,kaldi_ark"}
    else:
        changes = {name: str(path)}
    path.write_text(content.replace("{tmp}", str(tmp_path)))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        msp_inference.main(options(separate, tmp_path / "out", **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data_path_and_name_and_type": "feats.scp,text,text"}, "must look like `feats.scp"),
        ({"objectives": "asr_de"}, r"'asr_de' matches no objective; there are \['asr_en'"),
        ({"ngpu": "2"}, "`--ngpu` must be 0 or 1"),
        ({"num_threads": "0"}, "`--num_threads` must be 1 or more"),
    ],
)
def test_options_that_are_not_valid_are_refused(
    separate: ToyExperiment, tmp_path: Path, changes: dict[str, str], message: str
):
    with pytest.raises(ValueError, match=message):
        msp_inference.main(options(separate, tmp_path / "out", **changes))


def test_a_language_that_the_model_does_not_know_is_refused(
    separate: ToyExperiment, tmp_path: Path
):
    spoken = read_table(separate.corpus.root / "valid" / "utt2lang")
    lines = [f"{key} {'de' if key == 'fr-003' else value}\n" for key, value in spoken.items()]
    (tmp_path / "utt2lang").write_text("".join(lines))
    changes = {"utt2lang": str(tmp_path / "utt2lang")}
    with pytest.raises(ValueError, match=r"fr-003 has language 'de', but the model has \['en'"):
        msp_inference.main(options(separate, tmp_path / "out", **changes))


def test_batches_keep_to_both_limits_and_hold_every_utterance_once():
    lengths = (3, 9, 4, 8, 1, 7, 7, 2)
    shapes = {f"u{n}": (length, 2) for n, length in enumerate(lengths)}
    batches = list(cut_batches(shapes, DecodeConfig(batch_size=3, batch_bins=30)))
    assert sorted(key for batch in batches for key in batch) == sorted(shapes)
    for batch in batches:
        sizes = [2 * shapes[key][0] for key in batch]
        assert len(batch) <= 3
        assert sizes == sorted(sizes, reverse=True)
        assert max(sizes) * len(batch) <= 30 or len(batch) == 1


@pytest.mark.parametrize("module", [msp_inference, join_outputs, export])
def test_help_needs_no_torch(module):
    code = (
        "import sys\n"
        f"from {module.__name__} import get_parser\n"
        "print(get_parser().format_help())\n"
        "sys.exit('torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith(f"usage: python -m {module.__name__}")


@pytest.mark.parametrize("kind", ["sound", "kaldi_ark"])
def test_no_command_of_a_table_is_run(tmp_path: Path, kind: str):
    (tmp_path / "x.scp").write_text(f"a touch {tmp_path / 'made'} |\n")
    with pytest.raises(ValueError, match=r"x\.scp: a is a pipe .*not run"):
        SpeechSource(f"{tmp_path}/x.scp,speech,{kind}", 8000)
    (tmp_path / "x.ark").write_bytes(b"PKL\x80\x04.")
    (tmp_path / "x.scp").write_text(f"a {tmp_path}/x.ark:0\n")
    source = SpeechSource(f"{tmp_path}/x.scp,speech,kaldi_ark", None)
    with pytest.raises(ValueError, match=r"x\.scp: speech of a cannot be read .*pickled object"):
        source.read("a")
    assert not (tmp_path / "made").exists()

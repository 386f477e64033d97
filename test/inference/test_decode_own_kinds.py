"""Users' own kinds are decoded, joined and refused by export like those that come along."""

from pathlib import Path

import kaldiio
import numpy as np
import pytest

from espnet_soups import Speech2Text
from espnet_soups.bin import join_outputs, msp_inference
from espnet_soups.files import read_table
from espnet_soups.inference.export import export_objective
from espnet_soups.objectives.objective_file import read_objectives
from espnet_soups.testing.toy_corpus import ToyExperiment


def features_of(experiment: ToyExperiment) -> dict[str, np.ndarray]:
    return dict(kaldiio.load_scp(str(experiment.corpus.root / "valid" / "feats.scp")))


def test_every_language_has_the_labels_and_vectors_of_objectives_that_span_all(
    moody: ToyExperiment,
):
    speech2text = Speech2Text.from_pretrained(moody.exp_dir, nbest=2)
    assert list(speech2text.decoders)[-2:] == ["mood", "voice"]
    for language in ("en", "fr", "es"):
        speech = features_of(moody)[f"{language}-000"]
        result = speech2text(speech, lang=language)
        assert set(result.labels) == {"mood"}
        assert result.labels["mood"] == result.nbest["mood"][0].text
        assert {found.text for found in result.nbest["mood"]} == {"calm", "wild"}
        [voice] = result.nbest["voice"]
        assert voice.array is not None
        assert voice.array.shape == (32,)
        assert result.transcript is not None
        assert "mood" not in result.translations
    alone = Speech2Text.from_pretrained(moody.exp_dir, objectives=["mood"])
    assert alone.languages == ["en", "fr", "es"]
    assert set(alone(speech, lang="fr").nbest) == {"mood"}


def test_options_of_an_own_kind_reach_its_decoder(moody: ToyExperiment):
    for bias, expected in ((99.0, "wild"), (-99.0, "calm")):
        speech2text = Speech2Text.from_pretrained(moody.exp_dir, mood_bias=bias)
        result = speech2text(features_of(moody)["fr-000"], lang="fr")
        assert result.labels == {"mood": expected}
    with pytest.raises(ValueError, match=r"no 'mood_bia' \(closest: 'mood_bias'\)"):
        Speech2Text.from_pretrained(moody.exp_dir, mood_bia=1.0)


def test_jobs_write_arrays_and_objectives_and_the_set_has_those_of_all_jobs(
    moody: ToyExperiment, tmp_path: Path
):
    valid = moody.corpus.root / "valid"
    spoken = read_table(valid / "utt2lang")
    for job in (1, 2):
        keys = tmp_path / f"keys.{job}.scp"
        keys.write_text("".join(f"{key} ignored\n" for key in list(spoken)[job - 1 :: 2]))
        words = ["--exp_dir", str(moody.exp_dir), "--utt2lang", str(valid / "utt2lang")]
        words += ["--data_path_and_name_and_type", f"{valid}/feats.scp,speech,kaldi_ark"]
        words += ["--key_file", str(keys), "--objectives", "mood", "voice", "asr_fr"]
        msp_inference.main([*words, "--output_dir", str(tmp_path / "logdir" / f"output.{job}")])
    utt2lang = str(valid / "utt2lang")
    join_outputs.main(["--decode_dir", str(tmp_path), "--jobs", "2", "--utt2lang", utt2lang])
    objectives = {found.name: found for found in read_objectives(tmp_path / "objectives.json")}
    assert list(objectives) == ["asr_fr", "mood", "voice"]
    assert objectives["mood"].kind == "kinds_to_decode:Mood"
    assert set(read_table(tmp_path / "mood" / "text").values()) <= {"calm", "wild"}
    assert not (tmp_path / "mood" / "array.scp").exists()
    voices = kaldiio.load_scp(str(tmp_path / "voice" / "array.scp"))
    assert list(voices) == sorted(spoken)
    speech2text = Speech2Text.from_pretrained(moody.exp_dir, objectives=["voice"])
    key = "es-003"
    [alone] = speech2text(features_of(moody)[key], lang="es").nbest["voice"]
    assert voices[key] == pytest.approx(alone.array, abs=1e-5)
    lines = read_table(tmp_path / "asr_fr" / "text", allow_empty=True)
    assert {key[:2] for key in lines} == {"fr"}


def test_a_kind_without_a_stock_model_is_not_exported(moody: ToyExperiment, tmp_path: Path):
    with pytest.raises(ValueError, match=r"mood cannot be exported: ESPnet has no model .*Mood"):
        export_objective(moody.exp_dir, "mood", tmp_path / "stock")
    with pytest.raises(ValueError, match=r"one of \['asr_en', .*'st_es_en'\], but got 'moods'"):
        export_objective(moody.exp_dir, "moods", tmp_path / "stock")
    assert not (tmp_path / "stock").exists()

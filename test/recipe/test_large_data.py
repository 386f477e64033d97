"""A recipe on manifests of lhotse, whose audio is read in place while it trains."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_recipe import CONFIG, FS, run

lhotse = pytest.importorskip("lhotse", reason="needs pip install 'espnet-soups[lhotse]'")

from espnet_soups.data.audio import read_audio  # noqa: E402
from espnet_soups.data.features import FeatureConfig, extract_features  # noqa: E402
from espnet_soups.files import read_table  # noqa: E402

IN_PLACE = ("--feats_type", "raw", "--dump_audio", "false", "--speed_perturb_factors=")
DATA = """#!/usr/bin/env bash
set -euo pipefail
for set in train dev test; do
    python -m espnet_soups.bin.import_lhotse --target "${datadir}/${set}" \
        --cuts "corpus/${set}.jsonl.gz" --languages en French=fr --tables text.en=english
done
"""
AUGMENTED = """
frontend: kaldi_fbank
frontend_conf: {num_mel_bins: 20, stack: 4}
noise_scp: corpus/noise.scp
noise_db_range: "10_20"
preprocessor_conf:
    data_aug_effects: [[1.0, speed_perturb, {factor: 0.9}], [1.0, speed_perturb, {factor: 1.1}]]
    data_aug_prob: 0.5
"""


def write_manifest(corpus: Path, name: str) -> None:
    """Join the audio of a set into one recording per language, and write a manifest of cuts."""
    tables = {file.name: read_table(file) for file in (corpus / name).iterdir()}
    recordings, supervisions = [], []
    for language, called in (("en", "en"), ("fr", "French")):
        keys = [key for key, spoken in tables["utt2lang"].items() if spoken == language]
        audio = [soundfile.read(tables["wav.scp"][key], dtype="int16")[0] for key in keys]
        path = corpus / f"{name}_{language}.flac"
        soundfile.write(path, np.concatenate(audio), FS)
        recordings.append(lhotse.Recording.from_file(path))
        start = 0
        for key, samples in zip(keys, audio, strict=True):
            translation = tables["text.en"][key]
            supervisions.append(
                lhotse.SupervisionSegment(
                    id=key,
                    recording_id=path.stem,
                    start=start / FS,
                    duration=len(samples) / FS,
                    text=tables["text"][key],
                    language=called,
                    speaker=tables["utt2spk"][key],
                    custom=None if translation == "<na>" else {"english": translation},
                )
            )
            start += len(samples)
    lhotse.CutSet.from_manifests(
        recordings=lhotse.RecordingSet.from_recordings(recordings),
        supervisions=lhotse.SupervisionSet.from_segments(supervisions),
    ).to_file(corpus / f"{name}.jsonl.gz")


def test_cuts_are_trained_on_and_decoded_where_they_lie(recipe: Path):
    corpus = recipe / "corpus"
    settings = FeatureConfig("fbank", FS, 20, 4)  # statistics are of audio without noise
    places = read_table(corpus / "train" / "wav.scp").values()
    expected = [extract_features(read_audio(place, FS), settings) for place in places]
    for name in ("train", "dev", "test"):
        write_manifest(corpus, name)
    generator = np.random.default_rng(0)
    soundfile.write(corpus / "noise.wav", generator.uniform(-0.1, 0.1, 20000), FS)
    (corpus / "noise.scp").write_text("corpus/noise.wav\n")
    (recipe / "local" / "data.sh").write_text(DATA)
    config = CONFIG.replace("batch_bins: 16000", "batch_seconds: 10") + AUGMENTED
    (recipe / "conf" / "train_msp.yaml").write_text(config)

    arguments = (*IN_PLACE, "--stop_stage", "12", "--train_args", "--max_epoch 1")
    result = run(recipe, *arguments, timeout=900)  # 75 s of a free core
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    (stats,) = recipe.glob("exp/msp_stats_raw*/train/feats_stats.npz")
    frames = np.concatenate(expected)
    assert np.load(stats)["count"] == len(frames)
    np.testing.assert_allclose(np.load(stats)["sum"], frames.sum(0), rtol=1e-4)
    assert not {".flac", ".ark"} & {file.suffix for file in recipe.glob("dump/**/*")}
    scores = next(recipe.glob("exp/msp_*raw*/decode*/test/scores.json"))
    assert '"asr_fr"' in scores.read_text()

    corpus.joinpath("test_fr.flac").unlink()
    (recipe / "data" / ".stage1.done").unlink()
    refused = run(recipe, *IN_PLACE, "--stop_stage", "1")
    assert refused.returncode != 0
    assert "4 of 8 audio files do not exist or are empty; the first is" in refused.stderr

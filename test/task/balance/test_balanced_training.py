"""Trainings with shares of languages and weights of corpora."""

import json
import logging

import pytest

from espnet_soups.bin.msp_train import main
from espnet_soups.files import read_table, write_table


def split_into_two_corpora(folder):
    """Leave one half of the French utterances recognition alone, the other translation alone."""
    texts, translations = (read_table(folder / name) for name in ("text", "text.en"))
    corpora = {}
    for number, key in enumerate(sorted(texts)):
        corpora[key] = "transcribed" if number % 2 else "translated"
        if key.startswith("fr"):
            (texts if number % 2 == 0 else translations)[key] = "<na>"
    write_table(folder / "text", texts)
    write_table(folder / "text.en", translations)
    write_table(folder / "utt2dataset", corpora)


@pytest.fixture(scope="module")
def runs(balanced_runs):
    split_into_two_corpora(balanced_runs.root / "train")
    return balanced_runs


def record_of(folder):
    return json.loads((folder / "soup.jsonl").read_text(encoding="utf-8").splitlines()[-1])


def test_corpora_of_one_task_each_train_together_and_the_record_tells_what_was_seen(runs, caplog):
    options = ("--language_shares", "{fr: 0.5}", "--dataset_weights", "{translated: 2}")
    with caplog.at_level(logging.INFO):
        folder = runs.train("balanced", *options, "--max_epoch", "1", "--batch_bins", "4000")
    record = record_of(folder)
    seen = record["seen"]
    assert seen["languages"]["fr"]["share"] == pytest.approx(0.5, abs=0.06)
    assert seen["languages"]["en"]["share"] == pytest.approx(0.25, abs=0.06)
    drawn = {name: found["drawn"] for name, found in seen["datasets"].items()}
    assert drawn["translated"] / drawn["transcribed"] == pytest.approx(2.0, rel=0.15)
    # French has a label of one task or of the other; Spanish has both
    french, labels = seen["languages"]["fr"]["drawn"], record["labels"]
    assert labels["asr_fr"] + labels["st_fr_en"] == french
    assert labels["st_fr_en"] / labels["asr_fr"] == pytest.approx(2.0, rel=0.2)
    assert labels["asr_es"] == labels["st_es_en"] == seen["languages"]["es"]["drawn"]
    assert "epoch 1 sees en" in caplog.text


@pytest.mark.parametrize("batch_type", ["length", "sorted", "unsorted", "folded"])
def test_every_batch_type_trains(runs, batch_type):
    options = ("--batch_type", batch_type, "--batch_size", "8", "--batch_bins", "300")
    options += ("--fold_length", "20") if batch_type == "folded" else ()
    folder = runs.train(batch_type, *options, "--max_epoch", "1")
    seen = record_of(folder)["seen"]["languages"]
    assert all(found["seen"] == found["utterances"] == 24 for found in seen.values())


def test_a_run_by_seconds_is_the_run_by_bins_that_they_amount_to(runs):
    feats = [f"{name}={value}" for name, value in (("type", "fbank"), ("fs", 8000))]
    feats += ["num_mel_bins=2", "stack=4"]
    options = [word for setting in feats for word in ("--feats_conf", setting)]
    options += ["--max_epoch", "1"]
    bins = record_of(runs.train("bins", *options, "--batch_bins", "1200"))
    at = runs.options.index("--batch_bins")
    words = [*runs.options[:at], *runs.options[at + 2 :], *options, "--batch_seconds", "6"]
    main([*words, "--output_dir", str(runs.root / "seconds")])  # 6 s of 25 frames of 8 numbers
    assert record_of(runs.root / "seconds")["loss"] == bins["loss"]

"""Classes and speakers are scored while training, too."""

import json

import numpy as np
import pytest
from trained_runs import load, records

from espnet_soups.data.ark import ArrayTable
from espnet_soups.files import read_table, write_table
from espnet_soups.objectives.metrics.measured import NothingToScoreError
from espnet_soups.objectives.registry import kind_of, parse_objective


@pytest.fixture(scope="module")
def kinds(runs):
    """A training of classes and speakers: three voices, two of them high."""
    words = []
    for name in ("train", "valid"):
        folder = runs.root / name
        keys = list(read_table(folder / "utt2lang"))
        speakers = {key: f"spk{int(key[-1]) % 3}" for key in keys}
        write_table(folder / "utt2spk", speakers)
        pitch = {key: "low" if who == "spk0" else "high" for key, who in speakers.items()}
        write_table(folder / "utt2pitch", pitch)
        for file, label in (("utt2spk", "spk"), ("utt2pitch", "cls_pitch")):
            words += [f"--{name}_data_path_and_name_and_type", f"{folder}/{file},{label},text"]
    objectives = {
        "cls_pitch": {"classes": {"high": 12, "low": 6}},
        "spk": {"classes": {"spk0": 6, "spk1": 6, "spk2": 6}, "embedding_size": 8},
    }
    for name, settings in objectives.items():
        words += ["--objectives", f"{name}={json.dumps(settings)}"]
    words += ["--scores_conf", "utterances=12", "--best_model_criterion", "valid,eer,min"]
    return runs.train("kinds", *words, "--max_epoch", "1")


def test_the_accuracy_is_the_share_of_right_classes(kinds):
    wanted = read_table(kinds / "scores" / "references" / "cls_pitch" / "utt2pitch")
    found = read_table(kinds / "scores" / "decoded" / "cls_pitch" / "text")
    right = np.mean([found[key] == label for key, label in wanted.items()])
    assert len(wanted) == 12
    scores = records(kinds)[0]["scores"]
    assert scores["accuracy"]["objectives"]["cls_pitch"] == pytest.approx(100 * right)


def test_the_equal_error_rate_is_where_both_errors_meet(kinds):
    """All pairs of a language are trials, and every threshold is tried."""
    folder = kinds / "scores"
    vectors = ArrayTable(folder / "decoded" / "spk" / "array.scp")
    trials = (folder / "references" / "spk" / "trials").read_text().split("\n")[:-1]
    cosines: dict[str, list[float]] = {"target": [], "nontarget": []}
    for line in trials:
        one, other, kind = line.split()
        assert one[:2] == other[:2], "of one language"
        first, second = (np.asarray(vectors[key], dtype=np.float64) for key in (one, other))
        scale = np.linalg.norm(first) * np.linalg.norm(second)
        cosines[kind].append(float(first @ second / scale))
    own, others = (np.array(cosines[kind]) for kind in ("target", "nontarget"))
    errors = [
        (np.mean(own < threshold), np.mean(others >= threshold))
        for threshold in np.concatenate([own, others, [2.0]])
    ]
    low = max(min(pair) for pair in errors)
    high = min(max(pair) for pair in errors)
    eer = load(kinds / "checkpoint.pth")["reporter"]["stats"][1]["valid"]["eer"]
    assert 100 * low - 1e-6 <= eer <= 100 * high + 1e-6
    assert (kinds / "valid.eer.best.pth").exists()


def test_one_speaker_alone_makes_no_trials(tmp_path):
    spk = parse_objective("spk")
    write_table(tmp_path / "utt2spk", {"a": "x", "b": "x"})
    write_table(tmp_path / "utt2lang", {"a": "en", "b": "en"})
    with pytest.raises(NothingToScoreError, match="two speakers"):
        kind_of(spk).prepare_scoring(spk, tmp_path, tmp_path)

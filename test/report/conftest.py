"""A finished experiment, small and made up, for the tests of the report."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from espnet_soups.bin.report import main

OBJECTIVES = ["asr_fr", "asr_it", "st_fr_en"]
Maker = Callable[..., Path]


def soup_records(objectives: list[str], epochs: int) -> list[dict]:
    """Return what the trainer would write: recognition over translation, where there are both."""
    tasks = ("asr", "st")
    levels = [[name for name in objectives if name.startswith(task)] for task in tasks]
    size = len(objectives)
    records = []
    for epoch in range(1, epochs + 1):
        cosine = np.full((size, size), -0.25) + 1.25 * np.eye(size)
        records.append(
            {
                "epoch": epoch,
                "seconds": 30.5,
                "valid_seconds": 2.0,
                "objectives": objectives,
                "loss": dict.fromkeys(objectives, 4.0 / epoch),
                "valid_loss": dict.fromkeys(objectives, 4.4 / epoch),
                "valid_accuracy": dict.fromkeys(objectives, epoch / epochs),
                "levels": [
                    {
                        "level": number,
                        "objectives": level,
                        "penalty": 1.0 if number == 1 else 0.02 * epoch,
                        "weights": [1.0 / len(level)] * len(level),
                    }
                    for number, level in enumerate((x for x in levels if x), start=1)
                ],
                "gradient_norm": dict.fromkeys(objectives, 2.0),
                "cosine": cosine.tolist(),
                "cosine_steps": np.full((size, size), 5).tolist(),
                "unalignable": {name: int(name == "asr_it") for name in objectives},
                "skipped_steps": 0,
            }
        )
    return records


def score_record(objectives: list[str]) -> dict:
    """Return a scores.json."""
    error = {"value": 20.0, "low": 15.0, "high": 25.25}
    counts = {"hits": 170, "substitutions": 20, "deletions": 10, "insertions": 10}
    rate = {**error, **counts, "reference_units": 200}
    bleu = {**error, "signature": "nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:2.6.0"}
    chrf = {**error, "signature": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0"}
    items = {}
    for name in objectives:
        own = (
            {"wer": rate, "cer": rate, "sentence_error": {**error, "wrong": 5}}
            if name.startswith("asr")
            else {"bleu": bleu, "chrf": chrf}
        )
        items[name] = {
            "task": name.partition("_")[0],
            "language": "fr",
            "target": None if name.startswith("asr") else "en",
            "utterances": 25,
            "without_reference": 2,
            "empty_hypotheses": 0,
            **own,
            "examples": {"worst": [f"{name}-1  <b>\nREF: a\nHYP: b"], "median": [], "best": []},
        }
    names = {name for item in items.values() for name in item}
    means = {
        name: {**error, "objectives": 1}
        for name in ("wer", "cer", "sentence_error", "bleu", "chrf")
        if name in names
    }
    return {"set": "test", "confidence": 0.95, "seed": 0, "objectives": items, "mean": means}


def build_experiment(folder: Path, objectives: list[str], epochs: int) -> None:
    """Write the files of a finished experiment."""
    decode = folder / "beam5" / "test"
    decode.mkdir(parents=True)
    lines = [json.dumps(record) + "\n" for record in soup_records(objectives, epochs)]
    (folder / "soup.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "config.yaml").write_text(
        "trainer: msp\ntrainer_conf: {soup: vm, order: SA}\n"
        "asr_token_list: {fr: [<blank>, a, <sos/eos>]}\n",
        encoding="utf-8",
    )
    (folder / "train.log").write_text(
        "# threads 2, GPUs as they are\n    Number of trainable parameters: 4.90 M (100.0%)\n",
        encoding="utf-8",
    )
    (decode / "scores.json").write_text(json.dumps(score_record(objectives)), encoding="utf-8")
    speed = {"audio_seconds": 100.0, "decode_seconds": 8.0, "utterances": 50, "rtf": 0.08}
    (decode / "speed.json").write_text(json.dumps(speed), encoding="utf-8")


@pytest.fixture
def make_experiment(tmp_path: Path) -> Maker:
    """Make an experiment under `tmp_path/exp`."""

    def make(name: str = "msp_vm", objectives: list[str] | None = None, epochs: int = 4) -> Path:
        folder = tmp_path / "exp" / name
        build_experiment(folder, OBJECTIVES if objectives is None else objectives, epochs)
        return folder

    return make


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment that was reported; for tests that only read."""
    folder = tmp_path_factory.mktemp("reported") / "exp" / "msp_vm"
    build_experiment(folder, OBJECTIVES, 4)
    words = ["--exp_dir", str(folder), "--inference_tag", "beam5", "--set", "test"]
    main([*words, "--command", "./run.sh --soup vm", "--expdir", str(folder.parent)])
    return folder

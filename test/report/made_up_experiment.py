"""The files of a finished experiment, small and made up, and its report."""

import json
from pathlib import Path

from made_up_records import soup_records

from espnet_soups.bin.report import main

OBJECTIVES = ["asr_fr", "asr_it", "st_fr_en"]


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


def build_experiment(folder: Path, objectives: list[str], epochs: int, drift: float = 0.02) -> None:
    """Write the files of a finished experiment; `drift` as `soup_records` takes it."""
    decode = folder / "beam5" / "test"
    decode.mkdir(parents=True)
    lines = [json.dumps(record) + "\n" for record in soup_records(objectives, epochs, drift)]
    (folder / "soup.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "config.yaml").write_text(
        "trainer: msp\ntrainer_conf: {soup: vm, order: SA}\nseed: 3\nconfig: conf/train_tiny.yaml\n"
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


def report(folder: Path, *more: str, tag: str = "beam5", name: str = "test") -> dict:
    """Report an experiment (stage 13) and return its results.json."""
    words = ["--exp_dir", str(folder), "--inference_tag", tag, "--set", name]
    main([*words, "--command", "./run.sh --soup vm", "--expdir", str(folder.parent), *more])
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def add_decoding(folder: Path, tag: str, name: str, value: float) -> None:
    """Add another decoded set, with another score."""
    decode = folder / tag / name
    decode.mkdir(parents=True)
    scores = json.loads((folder / "beam5/test/scores.json").read_text(encoding="utf-8"))
    scores["mean"]["wer"]["value"] = value
    (decode / "scores.json").write_text(json.dumps(scores | {"set": name}), encoding="utf-8")

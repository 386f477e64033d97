"""A study of two objectives, and a recipe whose run.sh leaves what a training would."""

import json
from pathlib import Path

import pytest
import yaml

STUDY = {
    "title": "A study",
    "question": "Which arm is better?",
    "seeds": [1, 2, 3, 4, 5, 6],
    "baseline": "joint",
    "shared": {"train_config": "conf/train.yaml"},
    "arms": {
        "joint": {"title": "joint", "options": {"soup": "joint", "combiner": "measure_only"}},
        "vs": {"title": "VS", "options": {"soup": "vs"}},
        "frozen": {"title": "VS, frozen", "options": {"soup": "vs"}, "weights_of": "vs"},
        "vm": {"title": "VM", "options": {"soup": "vm"}},
        "flat": {"title": "VM, flat", "options": {"soup": "vm"}, "penalties_of": "vm"},
    },
    "hypotheses": [
        {
            **{"name": "H1", "statement": "VS beats joint", "arm": "vs", "against": "joint"},
            "outcome": "mean_loss",
        }
    ],
}
# Takes --msp_tag; leaves losses by arm and seed, and fails where a file `fail` names the tag.
RUN = """#!/bin/bash
echo "$@" >>commands
while (($# > 0)); do
    case $1 in
    --msp_tag) tag=$2; shift ;;
    --stop_stage) exit 0 ;;
    esac
    shift
done
grep -qx "${tag}" fail 2>/dev/null && exit 3
sleep "$(cat seconds 2>/dev/null || echo 0)"
cp -r "made/${tag}" "exp/msp_${tag}"
"""


@pytest.fixture
def study_file(tmp_path):
    """Writes a study with some keys changed (None: left out)."""

    def write(**changes) -> Path:
        path = tmp_path / "trial.yaml"
        content = {key: value for key, value in {**STUDY, **changes}.items() if value is not None}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    return write


def write_run(folder: Path, losses: list[float], moved: float = 0.4, **config) -> None:
    """Write what a training leaves: two epochs, of which the last has the given losses."""
    (folder / "decode_msp_valid.acc.ave" / "test").mkdir(parents=True)
    weights = [0.5 + moved, 0.5 - moved]
    records = [
        {
            **{"epoch": epoch, "seconds": 60.0, "raised_any": 0.8},
            "valid_loss": dict(zip(["asr_fr", "st_fr_en"], values, strict=True)),
            "levels": [
                {
                    **{"objectives": ["asr_fr", "st_fr_en"], "mean_weights": weights},
                    **{"mean_penalty": 1.0, "moves": moved > 0, "mean_distance": moved},
                },
                {"objectives": [], "mean_weights": [], "mean_penalty": 0.5 * epoch},
            ],
        }
        for epoch, values in ((1, [9.0, 9.0]), (2, losses))
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "soup.jsonl").write_text(lines, encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump({"max_epoch": 2, **config}))
    metrics = [
        {"name": name, "title": name.upper(), "lower_is_better": lower, "headline": True}
        for name, lower in (("wer", True), ("bleu", False))
    ]
    means = {"wer": {"value": 10 * losses[0]}, "bleu": {"value": 3.0 + 10 * losses[0]}}
    text = json.dumps({"mean": means, "metrics": metrics})
    (folder / "decode_msp_valid.acc.ave" / "test" / "scores.json").write_text(text)


@pytest.fixture
def recipe(tmp_path):
    """A recipe with a run.sh; `made/` holds what its trainings will leave."""
    folder = tmp_path / "recipe"
    (folder / "exp").mkdir(parents=True)
    script = folder / "run.sh"
    script.write_text(RUN)
    script.chmod(0o755)
    return folder

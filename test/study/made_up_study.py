"""A study of two objectives, and what its trainings leave."""

import json
from pathlib import Path

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
echo $$ >>pids
sleep "$(cat seconds 2>/dev/null || echo 0)"
mkdir -p "exp/msp_${tag}"
cp -r "made/${tag}/." "exp/msp_${tag}"
"""


def write_run(
    folder: Path,
    losses: list[float | None],
    moved: float = 0.4,
    scored: list[float] | None = None,
    **config,
) -> None:
    """Write what a training leaves: two epochs, of which the last has the given losses.

    Scores follow from the losses, or from those of `scored` where a loss is not finite (None).
    """
    scored = scored or losses
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
    means = {"wer": {"value": 10 * scored[0]}, "bleu": {"value": 3.0 + 10 * scored[0]}}
    text = json.dumps({"mean": means, "metrics": metrics})
    (folder / "decode_msp_valid.acc.ave" / "test" / "scores.json").write_text(text)

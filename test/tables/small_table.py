"""A small table, for tests."""

from pathlib import Path

import yaml

SMALL = {
    "title": "Small",
    "shared": {"st_nbpe": 100},
    "columns": [
        {"title": "WER", "metric": "wer"},
        {"title": "WER fr", "metric": "wer", "objectives": ["asr_fr"], "sets": ["a", "b"]},
        {"title": "gender", "metric": "accuracy", "missing": "no gender objective"},
        {"title": "s", "metric": "seconds_per_epoch"},
    ],
    "rows": [
        {"title": "VS", "run": "vs", "options": {"soup": "vs"}, "paper": {"WER": 7.7}},
        {
            "title": "VM",
            "run": "vm",
            "options": {"soup": "vm", "order": "SA"},
            "train_args": {"trainer_conf": "refresh=8 layers=all"},
        },
        {"title": "later", "run": "later", "missing": "it is not written"},
    ],
    "notes": ["a note"],
}


def write(path: Path, **changes) -> Path:
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path

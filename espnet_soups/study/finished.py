"""Find the finished runs of a study, in their folders or in a file that git keeps."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json_lines, write_json_lines
from espnet_soups.study.record import EPOCH, RunRecord, Score, read_record
from espnet_soups.study.runs import StudyRun

PUBLISHED = "runs.jsonl"
SCORE = {"title": str, "value": float, "lower_is_better": bool}
LINE = {
    **{"run?": str, "settings": str, "values?": dict[str, Any]},
    **{"epochs?": [EPOCH], "scores?": {"*": SCORE}},
}


@dataclass(frozen=True)
class Finished:
    """Finished runs of a study.

    Attributes:
        expdir: Folder of the experiments.
        decoded: The decoded set, relative to an experiment.
        published: Records by tag of runs whose folders may be gone.
    """

    expdir: Path
    decoded: Path
    published: Mapping[str, RunRecord] = field(default_factory=dict)

    def find(self, run: StudyRun) -> RunRecord | None:
        """Return the record of a run, from its folder if it exists; None: the run is not finished.

        Args:
            run: The run.

        Raises:
            ValueError: If a file is malformed.
        """
        found = read_record(run.folder(self.expdir), self.decoded)
        return found or self.published.get(run.tag)


def read_published(path: Path) -> dict[str, RunRecord]:
    """Read the runs that `publish` wrote.

    Args:
        path: The file; if it does not exist, no run was published.

    Returns:
        Records by tag.

    Raises:
        ValueError: If the file is malformed, or a run names settings that are not in it.
    """
    if not path.is_file():
        return {}
    settings: dict[str, Mapping[str, Any]] = {}
    found = {}
    for line in read_json_lines(path, "run_study --publish", LINE):
        if "run" not in line:
            settings[line["settings"]] = line.get("values", {})
            continue
        if line["settings"] not in settings:
            raise ValueError(
                f"{path}: {line['run']} has the settings {line['settings']}, which no line above it"
                " holds. Restore the file, or remove it and run the study again."
            )
        scores = {name: Score(**score) for name, score in line.get("scores", {}).items()}
        found[line["run"]] = RunRecord(line.get("epochs", []), scores, settings[line["settings"]])
    return found


def publish(path: Path, records: Mapping[str, RunRecord]) -> None:
    """Write finished runs into one file; settings that runs share are written once.

    Args:
        path: The file.
        records: Records by tag.

    Raises:
        OSError: If it cannot be written.
    """
    lines: list[dict[str, Any]] = []
    known: set[str] = set()
    for tag, record in records.items():
        text = json.dumps(record.settings, sort_keys=True)
        name = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        if name not in known:
            known.add(name)
            lines.append({"settings": name, "values": record.settings})
        scores = {metric: asdict(score) for metric, score in record.scores.items()}
        lines.append({"run": tag, "settings": name, "epochs": record.epochs, "scores": scores})
    write_json_lines(path, lines)

"""Find the finished runs of a study, in their folders or in a file that git keeps."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json_lines, write_json_lines
from espnet_soups.study.definition import find_change, read_definition, write_definition
from espnet_soups.study.record import EPOCH, RunRecord, Score, read_record
from espnet_soups.study.runs import StudyRun

PUBLISHED = "runs.jsonl"
SCORE = {"title": str, "value": float, "lower_is_better": bool}
LINE = {
    **{"run?": str, "settings": str, "values?": dict[str, Any]},
    **{"epochs?": [EPOCH], "scores?": {"*": SCORE}, "definition?": dict[str, str]},
}


@dataclass(frozen=True)
class Finished:
    """Finished runs of a study.

    Attributes:
        expdir: Folder of the experiments.
        decoded: The decoded set, relative to an experiment.
        published: Records by tag of runs whose folders may be gone.
        more: Further options of run.sh for every run.
    """

    expdir: Path
    decoded: Path
    published: Mapping[str, RunRecord] = field(default_factory=dict)
    more: Sequence[str] = ()

    def find(self, run: StudyRun) -> RunRecord | None:
        """Return the record of a run, from its folder if it exists; None: the run is not finished.

        Args:
            run: The run.

        Raises:
            ValueError: If a file is malformed, or the run was trained, or was being trained when it
                was interrupted, with other options than the study has now.
        """
        folder = run.folder(self.expdir)
        found, place = read_record(folder, self.decoded), str(folder)
        if found is None and run.tag in self.published:
            found, place = self.published[run.tag], f"its line in {PUBLISHED}"
        before = read_definition(folder) if found is None else found.definition
        settings = {} if found is None else found.settings
        change = find_change(before, settings, run.definition(self.more))
        if change is not None:
            name, old, new = change
            had, has = (f"no `{name}`" if v is None else f"`{name}: {v}`" for v in (old, new))
            raise ValueError(
                f"{run.tag} was trained with {had}, but the study has {has} now: use another name"
                f" for the arm, or remove {place} to train it anew."
            )
        return found

    def begin(self, run: StudyRun) -> None:
        """Write into the folder of a run what it is trained with, before its training begins.

        Args:
            run: The run.
        """
        write_definition(run.folder(self.expdir), run.definition(self.more))


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
        found[line["run"]] = RunRecord(
            line.get("epochs", []), scores, settings[line["settings"]], line.get("definition")
        )
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
        line = {"run": tag, "settings": name, "epochs": record.epochs, "scores": scores}
        lines.append(line | ({"definition": record.definition} if record.definition else {}))
    write_json_lines(path, lines)

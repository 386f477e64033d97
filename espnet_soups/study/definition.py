"""Keep what a run is trained with beside its results, and find what a study has changed since."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json, write_json
from espnet_soups.tables.train_words import TRAIN, read_words

RECORD = "study.json"
# Options of run.sh that leave results as they are: stages, machine, folders, name, what is shown.
INDIFFERENT = {
    *("stage", "stop_stage", "skip_stages", "force"),
    *("ngpu", "nj", "inference_nj", "gpu_inference", "num_threads", "save_interval_minutes"),
    *("expdir", "dumpdir", "datadir", "msp_tag", "report_audio", "publish_results"),
}


def read_definition(folder: Path) -> dict[str, str] | None:
    """Read what a run was or is being trained with.

    Args:
        folder: Its experiment.

    Returns:
        Options by name, see `StudyRun.definition`; None: its training has not begun, or began
        before studies kept this record.

    Raises:
        ValueError: If the file is malformed.
    """
    path = folder / RECORD
    if not path.is_file() or not (folder / "config.yaml").is_file():
        return None
    return read_json(path, "run_study", dict[str, str])


def write_definition(folder: Path, definition: Mapping[str, str]) -> None:
    """Write what a run is trained with.

    Args:
        folder: Its experiment; it is made if missing.
        definition: Options by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RECORD, definition)


def find_change(
    before: Mapping[str, str] | None, settings: Mapping[str, Any], now: Mapping[str, str]
) -> tuple[str, object, object] | None:
    """Find an option that differs from what a run was trained with.

    Args:
        before: The definition of the run; None: it has none, and is known by its settings alone.
        settings: Its settings in config.yaml, as far as its record holds them.
        now: The definition that the study has now.

    Returns:
        (option, value of the run, value of now), a value of None for an option that is not there;
        None: nothing is known to differ.

    >>> find_change({"soup": "vs"}, {}, {"soup": "vs", "penalty": "0.1"})
    ('penalty', None, '0.1')
    >>> find_change(None, {"max_epoch": 2}, {"train_args": "--max_epoch 3 --seed 1"})
    ('max_epoch', 2, '3')
    """
    if before is not None:
        names = (name for name in sorted({*before, *now}) if before.get(name) != now.get(name))
        name = next(names, None)
        return None if name is None else (name, before.get(name), now.get(name))
    for name, word in read_words(now[TRAIN].split()).items():
        held = settings.get(name)
        if type(held) in (int, float) and _number(word) not in (None, held):
            return name, held, word
    return None


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None

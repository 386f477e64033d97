"""The file of a study, and a recipe whose run.sh leaves what a training would."""

from pathlib import Path

import pytest
import yaml
from made_up_study import RUN, STUDY


@pytest.fixture
def study_file(tmp_path):
    """Write a study with some keys changed (None: left out)."""

    def write(**changes) -> Path:
        path = tmp_path / "trial.yaml"
        content = {key: value for key, value in {**STUDY, **changes}.items() if value is not None}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture
def recipe(tmp_path):
    """A recipe with a run.sh; `made/` holds what its trainings will leave."""
    folder = tmp_path / "recipe"
    (folder / "exp").mkdir(parents=True)
    script = folder / "run.sh"
    script.write_text(RUN)
    script.chmod(0o755)
    return folder

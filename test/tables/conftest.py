"""A recipe that trains nothing."""

from pathlib import Path

import pytest


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "egs2" / "small" / "msp1"
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "train_msp.yaml").write_text("max_epoch: 1\n")
    (folder / "msp.sh").write_text('option soup "" "x"\noption order "" "x"\n')
    # stands for run.sh: notes its arguments, and leaves what stages 9 to 12 leave
    (folder / "run.sh").write_text(
        '#!/bin/bash\necho "$*" >>calls\n[[ ! -e fail_$4 ]] || exit "$(<"fail_$4")"\n'
        'mkdir -p "exp/msp_$4"\necho "max_epoch: 1" >"exp/msp_$4/config.yaml"\n'
    )
    (folder / "run.sh").chmod(0o755)
    return folder

"""Files that only scores are computed from lie beside the features, as they are in the data dir."""

import os
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1/scripts"


def test_a_copy_follows_its_source_and_keeps_its_time(bash, tmp_path):
    script = f". {SCRIPTS}/score_files.sh\ncopy_or_remove data/trials dump/trials"
    source, copy = tmp_path / "data" / "trials", tmp_path / "dump" / "trials"
    for folder in (source.parent, copy.parent):
        assert bash(script).returncode == 0  # where nothing has been made yet
        folder.mkdir()
    source.write_text("1 a b\n")
    assert bash(script).returncode == 0
    assert copy.read_text() == "1 a b\n"
    os.utime(copy, (0, 0))
    assert bash(script).returncode == 0
    assert copy.stat().st_mtime == 0
    source.unlink()
    assert bash(script).returncode == 0
    assert not copy.exists()

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


def test_a_copy_for_fewer_languages_leaves_out_lines_with_utterances_of_others(bash, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "dump").mkdir()
    (tmp_path / "data" / "trials").write_text("1 a b\n0 a c\na d target\nb a nontarget\n0 a none\n")
    (tmp_path / "whole").write_text("a en\nb en\nc fr\nd fr\n")
    (tmp_path / "kept").write_text("a en\nb en\n")
    script = f". {SCRIPTS}/score_files.sh\ncopy_or_remove data/trials dump/trials whole kept"
    result = bash(script)
    assert (result.returncode, result.stderr) == (0, "")
    assert "  trials: 3 of 5 lines; the others name utterances of languages" in result.stdout
    copy = tmp_path / "dump" / "trials"
    # a name that the set does not know at all stays: stage 12 says so
    assert copy.read_text() == "1 a b\nb a nontarget\n0 a none\n"
    os.utime(copy, (0, 0))
    assert bash(script).stdout == ""
    assert copy.stat().st_mtime == 0
    assert sorted(path.name for path in copy.parent.iterdir()) == ["trials"]

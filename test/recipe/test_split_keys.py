"""Utterances are shared among jobs, none of which goes without."""

from pathlib import Path

from tiny_recipe import TEMPLATE


def test_a_folder_of_jobs_is_emptied_but_for_jobs_that_may_still_be_in_a_queue(
    bash, tmp_path: Path
):
    for name in (".decode.all.slurm_job", ".decode.all.jobs.json", "decode.1.log", "output.1/text"):
        (tmp_path / "log" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / name).write_text("7\n")
    result = bash(f". {TEMPLATE}/scripts/split_keys.sh; clear_jobs log; clear_jobs new/log")
    assert result.returncode == 0, result.stderr
    assert [path.name for path in (tmp_path / "log").iterdir()] == [".decode.all.slurm_job"]
    assert list((tmp_path / "new" / "log").iterdir()) == []


def test_more_jobs_than_utterances_become_as_many_as_there_are(bash, tmp_path: Path):
    for name, lines in (("few", 3), ("many", 40)):
        rows = (f"{name}{number:02d} x\n" for number in range(lines))
        (tmp_path / name).write_text("".join(rows))
    script = f"""
        . {TEMPLATE}/scripts/split_keys.sh
        jobs_for 16 few; jobs_for 16 many; jobs_for 16 many few
        split_keys "$(jobs_for 16 few)" few keys
        split_keys 7 many more
    """
    result = bash(script)
    assert result.stdout.split() == ["3", "16", "3"], result.stderr
    assert sorted(path.name for path in tmp_path.glob("keys.*")) == [
        f"keys.{job}.scp" for job in (1, 2, 3)
    ]
    assert all(path.read_text().count("\n") == 1 for path in tmp_path.glob("keys.*"))
    parts = [path.read_text().splitlines() for path in tmp_path.glob("more.*")]
    assert sorted(map(len, parts)) == [5, 5, 6, 6, 6, 6, 6]
    shared = sorted(line for part in parts for line in part)
    assert shared == (tmp_path / "many").read_text().splitlines()

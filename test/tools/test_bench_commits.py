"""The benchmark of commits: clones take turns, each with its own code."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tools.benchmark import commits
from tools.benchmark.commits import main, take_turns

ROOT = Path(__file__).parents[2]
SPEC = '''"""A benchmark whose steps take {seconds} s by a clock of its own."""
import time
from dataclasses import dataclass

@dataclass
class Spec:
    batch: str = "all"

def read_spec(config):
    assert config == "asterisk"
    return Spec()

def with_objectives(batch, objectives):
    return objectives

def build_mode(mode, spec):
    assert (mode, spec.batch) == ("joint_pooled", 9)
    return Step()

class Step:
    seconds = 0.0

    def __init__(self):
        time.process_time = lambda: self.seconds

    def step(self):
        self.seconds += {seconds}
'''


def make_clone(folder: Path, seconds: float) -> Path:
    tools = folder / "tools" / "benchmark"
    tools.mkdir(parents=True)
    (folder / "tools" / "__init__.py").touch()
    (tools / "__init__.py").touch()
    (tools / "spec.py").write_text(SPEC.format(seconds=seconds))
    (tools / "catalogue.py").write_text("from tools.benchmark.spec import build_mode\n")
    return folder


def test_each_clone_makes_its_own_steps(tmp_path, capsys):
    quick, slow = make_clone(tmp_path / "quick", 0.25), make_clone(tmp_path / "slow", 0.5)
    main([str(quick), str(slow), "--objectives", "9", "--rounds", "2"])
    *table, last = capsys.readouterr().out.splitlines()
    record = json.loads(last)
    assert (record["mode"], record["objectives"]) == ("joint_pooled", 9)
    assert [(own["seconds"], own["ratio"]) for own in record["clones"]] == [(0.25, 1.0), (0.5, 2.0)]
    assert [line.split()[-1] for line in table[1:]] == [str(quick), str(slow)]


def test_they_take_turns_and_the_first_rounds_do_not_count(monkeypatch):
    asked = []

    def answer(process, _):
        asked.append(process)
        return float(len(asked))

    monkeypatch.setattr(commits, "ask", answer)
    assert take_turns(["a", "b"], 2) == [[5.0, 7.0], [6.0, 8.0]]
    assert asked == ["a", "b"] * 4


def test_a_commit_that_was_changed_is_marked(tmp_path):
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    environment = os.environ | who | {"GIT_COMMITTER_EMAIL": "a@b"}

    def git(*words):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, env=environment)

    git("init", "--quiet")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "--quiet", "--message", "a")
    git("tag", "v1")
    clean = commits.commit_of(tmp_path)
    assert len(clean) >= 7
    (tmp_path / "a").write_text("2")
    assert commits.commit_of(tmp_path) == f"{clean}+"
    assert commits.commit_of(tmp_path / "none") == "unknown"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([str(ROOT)], "2 clones or more.*got 1 and 5"),
        ([str(ROOT), str(ROOT), "--rounds", "0"], "got 2 and 0"),
        ([str(ROOT), "/none"], "/none is no clone"),
    ],
)
def test_what_cannot_be_compared_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        main(words)

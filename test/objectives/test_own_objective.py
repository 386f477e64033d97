"""docs/own_objective.md, followed to the letter through every stage."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "test" / "recipe"))

from tiny_recipe import CONFIG, run, write_recipe  # noqa: E402

PAGE = (ROOT / "docs" / "own_objective.md").read_text(encoding="utf-8")


def blocks() -> dict[str, str]:
    """Return the code of the page by the file that its first line names."""
    found = re.findall(r"```(?:python|yaml|bash)\n# (\S+?)(?:,[^\n]*)?\n(.*?)```", PAGE, re.DOTALL)
    return dict(found)


@pytest.fixture(scope="module")
def recipe():
    folder = ROOT / "egs2" / f"tmp_own_{os.getpid()}" / "msp1"
    write_recipe(folder)
    for name in ("train", "dev", "test"):
        keys = [
            line.split()[0]
            for line in (folder / "corpus" / name / "utt2lang").read_text().splitlines()
        ]
        ages = [f"{key} {30 if key.startswith('en') else 50}" for key in keys]
        ages[0] = f"{keys[0]} <na>" if name == "train" else ages[0]
        (folder / "corpus" / name / "utt2age").write_text("\n".join(ages) + "\n")
        moods = [f"{key} {'sad' if index % 2 else 'happy'}" for index, key in enumerate(keys)]
        moods = moods[1:] if name == "train" else moods  # a missing line is no label
        (folder / "corpus" / name / "utt2emotion").write_text("\n".join(moods) + "\n")
    code = blocks()
    assert set(code) == {
        "local/age.py",
        "local/age_head.py",
        "path.local.sh",
        "conf/train_age.yaml",
    }
    for file, text in code.items():
        below = CONFIG.replace("trainer_conf:", "ignored:") if file.endswith(".yaml") else ""
        below = re.sub(r"\nignored:.*", "", below)
        (folder / file).write_text(below + text)
    yield folder
    shutil.rmtree(folder.parent)


def test_the_example_of_the_page_runs_through_every_stage(recipe):
    both = "--trainer_conf levels=[[asr_*,st_*],[age,cls_emotion]]"
    options = ("--train_config", "conf/train_age.yaml", "--objectives", "cls_emotion")
    done = run(recipe, *options, "--train_args", both, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    scores_file = next(recipe.glob("exp/msp_train_age_*/decode_*/test/scores.json"))
    scores = json.loads(scores_file.read_text())["objectives"]
    assert 0.0 <= scores["age"]["mae"]["value"] < 60.0
    assert scores["cls_emotion"]["accuracy"]["labels"] == ["happy", "sad"]
    assert "MAE years" in done.stdout
    report = (scores_file.parents[2] / "RESULTS.md").read_text()
    assert "MAE" in report
    assert "macro-F1" in report


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("age:Age", "age:Agee"), "`kind: age:Agee` must be a class derived from"),
        (("age:Age", "aeg:Age"), "`kind: aeg:Age` cannot be imported (No module named 'aeg')"),
    ],
)
def test_a_class_that_is_none_is_refused_before_anything_is_computed(recipe, change, said):
    text = (recipe / "conf/train_age.yaml").read_text()
    (recipe / "conf/train_bad.yaml").write_text(text.replace(*change))
    done = run(recipe, "--train_config", "conf/train_bad.yaml", "--expdir", "exp_bad")
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr

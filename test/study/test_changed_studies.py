"""A study that was edited does not show runs that were trained before as if they were its own."""

import json
import shutil
from pathlib import Path

import pytest
from made_up_study import STUDY, write_run

from espnet_soups.bin.run_study import main
from espnet_soups.study.compare import read_records
from espnet_soups.study.definition import RECORD
from espnet_soups.study.finished import Finished, read_published
from espnet_soups.study.plan import load_study
from espnet_soups.study.runs import plan_study

DECODED = Path("decode_msp_valid.acc.ave/test")
RECIPE = Path(__file__).parents[2] / "egs2" / "asterisk" / "msp1"
PUBLISHED = sorted(
    path for path in RECIPE.glob("studies/*/runs.jsonl") if path.parent.name != "stock"
)


def arms(**changes):
    """Return the arms of the study with keys of some changed."""
    return {name: {**arm, **changes.get(name, {})} for name, arm in STUDY["arms"].items()}


@pytest.fixture
def trained(study_file, recipe, monkeypatch):
    """A study of two seeds, trained and published; called with changes, it runs again.

    It returns how many runs it has started.
    """
    monkeypatch.setattr("espnet_soups.study.execute.POLL_SECONDS", 0.02)

    def run(*more, seeds=(1, 2), **changes):
        path = study_file(seeds=list(seeds), **changes)
        for one in plan_study(load_study(path)):
            if not (recipe / "made" / one.tag).exists():
                write_run(recipe / "made" / one.tag, [2.0, 4.0])
        (recipe / "commands").unlink(missing_ok=True)
        main([str(path), "--recipe", str(recipe), "--publish", *more])
        commands = (recipe / "commands").read_text() if (recipe / "commands").exists() else ""
        return commands.count("--msp_tag")

    assert run() == 10
    return run


@pytest.mark.parametrize(
    ("changes", "before", "now", "tag"),
    [
        ({"arms": arms(vs={"options": {"soup": "vm"}})}, "`soup: vs`", "`soup: vm`", "vs"),
        (
            {"arms": arms(vs={"options": {"soup": "vs", "penalty": 0.1}})},
            *("no `penalty`", "`penalty: 0.1`", "vs"),
        ),
        (
            {"arms": arms(vs={"train_args": {"trainer_conf": "layers=all"}})},
            "`train_args: --seed 1`",
            *("`train_args: --trainer_conf layers=all --seed 1`", "vs"),
        ),
        (
            {"shared": {"train_config": "conf/other.yaml"}},
            "`train_config: conf/train.yaml`",
            *("`train_config: conf/other.yaml`", "joint"),
        ),
        (
            {"arms": arms(frozen={"weights_of": "vm"})},
            "`weights_of: vs: --soup=vs '--train_args=--seed 1' --train_config=conf/train.yaml`",
            *("`weights_of: vm: --soup=vm ", "frozen"),
        ),
    ],
)
@pytest.mark.parametrize("where", ["folder", "line"])
def test_a_finished_run_of_other_options_is_named_with_both_values(
    trained, recipe, where, changes, before, now, tag
):
    place = f"{recipe}/exp/msp_trial_{tag}_seed1"
    if where == "line":
        for folder in (recipe / "exp").glob("msp_*"):
            shutil.rmtree(folder)
        place = r"its line in runs\.jsonl"
    with pytest.raises(ValueError, match=f"remove {place} to train it anew") as error:
        trained(**changes)
    said = f"trial_{tag}_seed1 was trained with {before}, but the study has {now}"
    assert str(error.value).startswith(said)
    assert "use another name for the arm" in str(error.value)
    assert not (recipe / "commands").exists()


def test_a_run_that_was_interrupted_does_not_go_on_with_other_options(trained, recipe):
    (recipe / "studies" / "trial" / "runs.jsonl").unlink()
    folder = recipe / "exp" / "msp_trial_vm_seed2"
    shutil.rmtree(folder / DECODED.parent)
    changes = {"arms": arms(vm={"options": {"soup": "vc"}}, flat={"penalties_of": "vm"})}
    with pytest.raises(ValueError, match="trial_vm_seed1 was trained with `soup: vm`"):
        trained(**changes)
    shutil.rmtree(recipe / "exp" / "msp_trial_vm_seed1")
    with pytest.raises(ValueError, match="trial_flat_seed1 was trained with `penalties_of: vm: "):
        trained(**changes)
    shutil.rmtree(recipe / "exp" / "msp_trial_flat_seed1")
    with pytest.raises(ValueError, match="trial_vm_seed2 was trained with `soup: vm`"):
        trained(**changes)
    (folder / "config.yaml").unlink()  # no training had begun
    shutil.rmtree(recipe / "exp" / "msp_trial_flat_seed2")
    assert trained(**changes) == 4


def test_seeds_are_added_and_machines_and_titles_changed_at_will(trained, recipe):
    titles = {name: {"title": name} for name in STUDY["arms"]}
    shared = {**STUDY["shared"], "report_audio": "false"}
    more = ("--parallel", "2", "--", "--nj", "4", "--ngpu=1", "--datadir", "elsewhere")
    assert trained(*more, seeds=(1, 2, 3), arms=arms(**titles), shared=shared) == 5
    shutil.rmtree(recipe / "exp")
    (recipe / "exp").mkdir()
    assert trained(seeds=(1, 2, 3)) == 0


def test_options_behind_two_dashes_count_too(trained):
    with pytest.raises(ValueError, match=r"has `train_args: --max_epoch 3 --seed 1` now"):
        trained("--", "--train_args", "--max_epoch 3")
    with pytest.raises(ValueError, match=r"no `asr_nbpe`, but the study has `asr_nbpe: 9` now"):
        trained("--", "--asr_nbpe", "9")


def test_runs_without_a_record_of_their_options_count_unless_their_settings_differ(trained, recipe):
    for record in recipe.glob(f"exp/msp_*/{RECORD}"):
        record.unlink()
    file = recipe / "studies" / "trial" / "runs.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [{key: value for key, value in one.items() if key != "definition"} for one in lines]
    assert kept != lines
    file.write_text("".join(json.dumps(line) + "\n" for line in kept))
    shutil.rmtree(recipe / "exp" / "msp_trial_vs_seed1")
    train_config = STUDY["shared"]["train_config"]
    same = {"train_config": train_config, "train_args": "--max_epoch 2 --optim_conf lr=0.1"}
    assert trained(shared=same) == 0
    with pytest.raises(
        ValueError, match=r"joint_seed1 was trained with `max_epoch: 2`, but .* `max_epoch: 3`"
    ):
        trained(shared={"train_config": train_config, "train_args": "--max_epoch 3"})


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_runs_that_this_repository_publishes_count_as_finished(path, tmp_path):
    study = load_study(RECIPE / "conf" / "studies" / f"{path.parent.name}.yaml")
    records = read_records(study, Finished(tmp_path, DECODED, read_published(path)))
    lines = path.read_text().splitlines()
    assert len(records) == sum(line.startswith('{"run"') for line in lines) > 0

"""What becomes of hypotheses, on trainings whose difference is known."""

import math
import shutil
from pathlib import Path

import pytest
from made_up_study import STUDY, write_run

from espnet_soups.study.compare import paired, read_records, run_tests, void_arms
from espnet_soups.study.finished import Finished
from espnet_soups.study.plan import load_study
from espnet_soups.study.plot import plot_study
from espnet_soups.study.plot_front import plot_front
from espnet_soups.study.record import RunRecord, difference
from espnet_soups.study.render import render_study
from espnet_soups.study.runs import StudyRun

DECODED = Path("decode_msp_valid.acc.ave/test")


def trained(study, expdir, losses, **more):
    """Write runs: `losses(arm, seed)` are the last validation losses; None: the run is missing."""
    for arm in study.arms:
        for seed in study.seeds:
            values = losses(arm.name, seed)
            if values is not None:
                tag = StudyRun(study, "all", arm, seed).tag
                write_run(expdir / f"msp_{tag}", values, **more)
    return read_records(study, Finished(expdir, DECODED))


def better_by_a_tenth(arm, seed):
    factor = 0.9 if arm == "vs" else 1.0
    return [factor * (2.0 + 0.1 * seed), factor * 4.0]


def verdict(study, records):
    (test,) = run_tests(study, records)
    return test


def test_a_difference_in_every_seed_supports_and_its_opposite_contradicts(study_file, tmp_path):
    study = load_study(study_file())
    records = trained(study, tmp_path, better_by_a_tenth)
    test = verdict(study, records)
    assert test.verdict == "supported"
    assert test.p == pytest.approx(2 / 2**6)
    assert test.difference.values == pytest.approx([-10.0] * 6)
    swapped = {**STUDY["hypotheses"][0], "arm": "joint", "against": "vs"}
    other = load_study(study_file(hypotheses=[swapped]))
    assert verdict(other, records).verdict == "contradicted"


@pytest.mark.parametrize(("outcome", "said"), [("wer", "supported"), ("bleu", "contradicted")])
def test_scores_know_which_way_is_up(study_file, tmp_path, outcome: str, said: str):
    study = load_study(study_file(hypotheses=[{**STUDY["hypotheses"][0], "outcome": outcome}]))
    assert verdict(study, trained(study, tmp_path, better_by_a_tenth)).verdict == said


def test_an_outcome_that_no_run_has_is_refused(study_file, tmp_path):
    study = load_study(study_file(hypotheses=[{**STUDY["hypotheses"][0], "outcome": "wre"}]))
    records = trained(study, tmp_path, better_by_a_tenth)
    with pytest.raises(ValueError, match=r"'wre' \(closest: 'wer'\)"):
        run_tests(study, records)


def test_the_worst_objective_and_scores_are_compared_too(study_file, tmp_path):
    study = load_study(study_file())
    records = trained(
        study, tmp_path, lambda arm, seed: [2.0, 4.0] if arm == "joint" else [1.0, 5.0]
    )
    vs, joint = study.arm("vs"), study.arm("joint")
    found = {o: paired(study, records, "all", vs, joint, o).mean for o in ("worst_loss", "wer")}
    assert found["worst_loss"] == pytest.approx(25.0)
    assert found["wer"] == pytest.approx(-10.0)


def test_weights_that_stood_still_make_a_hypothesis_void(study_file, tmp_path):
    study = load_study(study_file())
    records = trained(study, tmp_path, better_by_a_tenth, moved=0.05)
    assert void_arms(study, records, "all")["vs"] == pytest.approx(0.05)
    test = verdict(study, records)
    assert test.verdict.startswith("void")
    assert "VS is void" in render_study(study, records, {})


def test_one_run_whose_weights_stood_still_is_enough(study_file, tmp_path):
    study = load_study(study_file())
    trained(study, tmp_path, better_by_a_tenth)
    tag = StudyRun(study, "all", study.arm("vs"), 4).tag
    shutil.rmtree(tmp_path / f"msp_{tag}")
    write_run(tmp_path / f"msp_{tag}", better_by_a_tenth("vs", 4), moved=0.1)
    records = read_records(study, Finished(tmp_path, DECODED))
    assert void_arms(study, records, "all") == {"vs": pytest.approx(0.1)}


def test_few_seeds_stay_open_and_say_so(study_file, tmp_path):
    study = load_study(study_file(seeds=[1, 2, 3]))
    records = trained(study, tmp_path, better_by_a_tenth)
    assert verdict(study, records).verdict == "open; 3 seeds allow no p below 0.25"


def test_a_null_within_the_bound_is_no_difference(study_file, tmp_path):
    item = {**STUDY["hypotheses"][0], "bound": 1.0}
    study = load_study(study_file(hypotheses=[item]))
    records = trained(
        study,
        tmp_path,
        lambda arm, seed: [2.0 + (0.002 * (-1) ** seed if arm == "vs" else 0.0), 4.0],
    )
    assert verdict(study, records).verdict == "no difference beyond 1"


def test_unfinished_and_diverged_runs_are_shown(study_file, tmp_path):
    study = load_study(study_file())

    def losses(arm, seed):
        if arm == "vs" and seed == 6:
            return None
        diverged = arm == "vs" and seed == 5
        return [None if diverged else 2.0, 4.0] if arm != "vs" or diverged else [1.8, 3.6]

    records = trained(study, tmp_path, losses, scored=[2.0, 4.0])
    page = render_study(study, records, {"trial_vs_seed6": "ended with status 3"})
    assert "trial_vs_seed5 diverged" in page
    assert "- trial_vs_seed6: ended with status 3" in page
    assert "29 of 30 runs finished" in page
    (test,) = run_tests(study, records)
    assert len(test.difference.values) == 4


def test_arms_that_differ_in_more_than_is_stated_are_refused(study_file, tmp_path):
    study = load_study(study_file(seeds=[1]))
    trained(study, tmp_path, better_by_a_tenth)
    (tmp_path / "msp_trial_vm_seed1" / "config.yaml").write_text("max_epoch: 3\n")
    with pytest.raises(ValueError, match="differ in `max_epoch`, which is not stated"):
        read_records(study, Finished(tmp_path, DECODED))


def test_the_picture_has_a_panel_for_each_outcome_and_a_row_for_each_arm(study_file, tmp_path):
    study = load_study(study_file())
    figure = plot_study(study, trained(study, tmp_path, better_by_a_tenth))
    assert figure is not None
    panels = figure.axes
    assert [axes.get_xlabel() for axes in panels] == [
        *("mean loss, %", "worst loss, %", "harmful steps, %", "WER"),
    ]
    titles = [label.get_text() for label in panels[0].get_yticklabels()]
    assert titles == ["VS", "VS, frozen", "VM", "VM, flat"]


def test_a_group_of_objectives_is_an_outcome_of_its_own(study_file, tmp_path):
    item = {**STUDY["hypotheses"][0], "outcome": "ST"}
    study = load_study(study_file(groups={"ASR": ["asr_*"], "ST": ["st_*"]}, hypotheses=[item]))
    records = trained(
        study, tmp_path, lambda arm, seed: [2.0, 4.0] if arm == "joint" else [1.0, 5.0 + seed]
    )
    vs, joint = study.arm("vs"), study.arm("joint")
    assert paired(study, records, "all", vs, joint, "ASR").mean == pytest.approx(-50.0)
    assert paired(study, records, "all", vs, joint, "ST").values[0] == pytest.approx(50.0)
    assert verdict(study, records).verdict == "contradicted"
    assert "ST loss, %" in render_study(study, records, {})


def test_the_front_has_an_arm_at_its_mean_losses_of_both_groups(study_file, tmp_path):
    study = load_study(study_file(groups={"ASR": ["asr_*"], "ST": ["st_*"]}))
    records = trained(study, tmp_path, lambda arm, seed: [1.0, 5.0] if arm == "vs" else [2.0, 4.0])
    figure = plot_front(study, records)
    assert figure is not None
    (axes,) = figure.axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert drawn["VS"] == [[pytest.approx(-50.0), pytest.approx(25.0)]]
    assert drawn["joint"] == [[0.0, 0.0]]
    assert plot_front(load_study(study_file()), records) is None


def test_the_front_has_seeds_whose_losses_of_both_groups_are_known(study_file, tmp_path):
    study = load_study(study_file(seeds=[1, 2, 3, 4], groups={"ASR": ["asr_*"], "ST": ["st_*"]}))

    def losses(arm, seed):
        if arm != "vs":
            return [2.0, 4.0]
        return {1: [None, 4.4], 2: [1.0, None], 3: [None, 4.2], 4: [1.0, 5.0]}[seed]

    figure = plot_front(study, trained(study, tmp_path, losses, scored=[2.0, 4.0]))
    assert figure is not None
    (axes,) = figure.axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert drawn["VS, 1 of 4 seeds"] == [[pytest.approx(-50.0), pytest.approx(25.0)]]
    assert "VM" in drawn


def test_nothing_is_known_relative_to_a_loss_of_zero():
    ours, theirs = (
        RunRecord([{"valid_loss": {"cls_gender": loss, "asr_en": 2.0}}], {}) for loss in (0.1, 0.0)
    )
    assert math.isnan(difference(ours, theirs, "mean_loss"))
    assert difference(ours, theirs, "mean_loss", ["asr_*"]) == 0.0

"""What a donor hands on is read as msp_train reads it, and the soup is built with it."""

import argparse
import shlex
from pathlib import Path

import pytest
import yaml
from espnet2.utils.nested_dict_action import NestedDictAction
from made_up_study import write_run

from espnet_soups.objectives.objective import Objective
from espnet_soups.soup.build import build_soup
from espnet_soups.soup.config import read_soup_config
from espnet_soups.study.plan import load_study
from espnet_soups.study.record import read_record
from espnet_soups.study.runs import plan_study

CONFIG = Path(__file__).parents[2] / "egs2/asterisk/msp1/conf/tuning"
CONFIG /= "train_msp_e_branchformer_small.yaml"
DECODED = Path("decode_msp_valid.acc.ave/test")
NAMES = {"asr_fr": "asr", "st_fr_en": "st"}


def built(study_file, tmp_path, arm: str):
    """Return the soup of an arm, on top of a shipped configuration."""
    study = load_study(study_file(seeds=[1]))
    run = next(run for run in plan_study(study) if run.arm.name == arm)
    donor = run.donor()
    assert donor is not None
    write_run(donor.folder(tmp_path), [2.0, 4.0])
    record = read_record(donor.folder(tmp_path), DECODED)
    assert record is not None
    if arm == "frozen":  # VS has one level
        for epoch in record.epochs:
            del epoch["levels"][1:]
    command = run.command(record)
    (given,) = (word for word in command if word.startswith("--train_args="))
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainer_conf", action=NestedDictAction, default={})
    parser.set_defaults(trainer_conf=yaml.safe_load(CONFIG.read_text())["trainer_conf"])
    # msp.sh splits them at spaces
    words = shlex.split(f"--trainer_conf soup={run.arm.options['soup']}")
    words += given.removeprefix("--train_args=").split()
    conf = parser.parse_known_args(words)[0].trainer_conf
    objectives = [Objective(name, kind) for name, kind in NAMES.items()]
    letters = {"U": "ssl", "A": "asr_*", "S": "st_*"}
    return build_soup(read_soup_config(conf), objectives, ["encoder"], letters)


def test_frozen_weights_are_the_means_of_the_donor_and_do_not_move(study_file, tmp_path):
    soup = built(study_file, tmp_path, "frozen")
    assert soup.weights.values.tolist() == pytest.approx([0.9, 0.1])
    assert not any(combiner.moves for combiner in soup.weigher.combiners)
    assert all(combiner.measures for combiner in soup.weigher.combiners)


def test_flat_penalties_are_the_mean_of_the_donor_from_the_first_step_to_the_last(
    study_file, tmp_path
):
    soup = built(study_file, tmp_path, "flat")
    for epoch in (1, 3, 6):
        soup.clock.open_epoch(soup.state.penalties, epoch, 6, 10)
        assert soup.clock.initial().c.tolist() == pytest.approx([1.0, 0.75])
    assert [combiner.name for combiner in soup.weigher.combiners] == ["modo", "modo"]

import json
import math
from types import SimpleNamespace

import pytest

from espnet_soups.objectives.heads.head import Head
from espnet_soups.objectives.heads.waveform_enhancer import WaveformEnhancer
from espnet_soups.objectives.objective import Objective
from espnet_soups.task.checks.check_names import check_delta
from espnet_soups.task.training.delta import (
    LEFT_OUT,
    read_reference,
    relative_improvement,
    signed_losses,
)


def test_objectives_count_alike_whatever_the_size_of_their_loss():
    reference = {"asr_fr": 0.1, "st_fr_en": 100.0}
    halved = {name: loss / 2 for name, loss in reference.items()}
    assert relative_improvement(halved, reference) == pytest.approx(0.5)
    assert relative_improvement({**reference, "asr_fr": 0.2}, reference) == pytest.approx(-0.5)


def test_objectives_that_one_side_lacks_take_no_part():
    losses = {"asr_fr": 1.0, "ssl": 3.0, "st_fr_en": math.nan}
    assert relative_improvement(losses, {"asr_fr": 2.0, "st_fr_en": 1.0}) == 0.5
    assert math.isnan(relative_improvement(losses, {}))


def test_a_reference_is_the_best_epoch_of_its_run(tmp_path):
    path = tmp_path / "soup.jsonl"
    epochs = [{"a": 3.0, "b": 1.0}, {"a": 1.0, "b": 1.5}, {"a": 1.0, "b": None}]
    path.write_text("".join(f"{json.dumps({'valid_loss': e})}\n" for e in epochs[:2]))
    assert read_reference(path) == {"a": 1.0, "b": 1.5}
    path.write_text('{"loss": 1}\n')
    with pytest.raises(ValueError, match=r" is not the soup\.jsonl of a run \(.*line 1 "):
        read_reference(path)


def model_of(**heads):
    return SimpleNamespace(heads=heads, objectives=[Objective(name, "x") for name in heads])


def test_losses_in_db_take_no_part_whatever_their_sign(tmp_path):
    model = model_of(asr_fr=Head(), enh=WaveformEnhancer(4, 16, 4))
    left_out = signed_losses(model)
    assert left_out == ["enh"]
    for level in (-12.0, 0.01, 3.0):
        reference = {"asr_fr": 2.0, "enh": level}
        found = relative_improvement({"asr_fr": 1.0, "enh": level - 9.0}, reference, left_out)
        assert found == 0.5
    path = tmp_path / "soup.jsonl"
    epochs = [{"asr_fr": 2.0, "enh": 0.0}, {"asr_fr": 1.0, "enh": 9.0}]
    lines = [{"valid_loss": epoch, LEFT_OUT: left_out} for epoch in epochs]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert read_reference(path) == {"asr_fr": 1.0}
    check_delta("best_model_criterion", model)


def test_delta_is_no_criterion_where_it_would_compare_nothing():
    model = model_of(enh=WaveformEnhancer(4, 16, 4))
    with pytest.raises(ValueError, match=r"`best_model_criterion` names `delta`, .* those of enh"):
        check_delta("best_model_criterion", model)

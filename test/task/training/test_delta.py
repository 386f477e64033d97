import json
import math

import pytest

from espnet_soups.task.training.delta import read_reference, relative_improvement


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
    with pytest.raises(ValueError, match=r"`delta_reference` .*soup\.jsonl is no soup\.jsonl"):
        read_reference(path)

"""What stage 0 builds on trial, before there are data."""

import pytest
import yaml

from espnet_soups.task.checks.check_recipe import build_trial_model
from espnet_soups.testing.toy_model import DECODER_CONF, ENCODER_CONF

CONFIG = {
    "encoder": "e_branchformer",
    "encoder_conf": dict(ENCODER_CONF),
    "st_decoder_conf": dict(DECODER_CONF),
    "optim": "adam",
    "optim_conf": {"lr": 0.01},
    "scheduler": "onecyclelr",
    "scheduler_conf": {"max_lr": 0.01, "total_steps": 100},
}


def build(folder, **changes):
    path = folder / "train.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, **changes}), encoding="utf-8")
    words = ["--input_size", "8", "--st_pairs", "fr_en"]
    return build_trial_model(path, words, {"asr_token_list": {"en": [], "fr": []}})


def test_a_sound_configuration_gives_its_objectives_and_sizes(tmp_path):
    model = build(tmp_path)
    assert model.levels == (("asr_en", "asr_fr", "st_fr_en"),)
    assert model.parameters["encoder"] > 1000
    assert model.warning is None  # how many mini-batches there are is not known
    longer = build(tmp_path, num_iters_per_epoch=5, max_epoch=3)
    assert "never comes down to its end: set `total_steps: 15`" in str(longer.warning)
    assert build(tmp_path, scheduler=None, scheduler_conf={}).parameters == model.parameters


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scheduler_conf": {"max_lr": 0.01}}, "^`scheduler: onecyclelr` .*total_steps"),
        ({"scheduler_conf": {"total_steps": 9}}, "^`scheduler: onecyclelr` .*max_lr"),
        ({"scheduler": "steplr", "scheduler_conf": {}}, "^`scheduler: steplr` .*step_size"),
        (
            {"scheduler": "warmuplr", "scheduler_conf": {"warmup_steps": "few"}},
            "^`scheduler: warmuplr` .*'warmup_steps': 'few'.*warmup_steps",
        ),
        (
            {"num_iters_per_epoch": 50, "max_epoch": 3},
            "^`scheduler: onecyclelr` lasts 100 steps, but training 150 .* `total_steps: 150`",
        ),
        ({"optim_conf": {"lr": -1.0}}, r"^`optim: adam` .*\{'lr': -1.0\}.*Invalid learning rate"),
    ],
)
def test_what_the_optimisation_does_not_take_is_one_sentence_that_names_the_option(
    changes, said, tmp_path
):
    with pytest.raises(ValueError, match=said) as caught:
        build(tmp_path, **changes)
    assert "\n" not in str(caught.value)

"""What stage 0 builds on trial, before there are data."""

import pytest
import torch
import yaml

from espnet_soups.task.checks.check_recipe import build_trial_model, describe_model
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


def test_a_summary_names_levels_and_penalties(tmp_path):
    soup = {"soup": "vm", "order": "SA", "penalty": [{"level": 2, "init": 0.1}]}
    lines = describe_model(build(tmp_path, trainer="msp", trainer_conf=soup)).splitlines()
    assert lines[:2] == [
        "  level 1 (top): asr_en, asr_fr",
        "  level 2 (penalty 0.1 to 1.5): st_fr_en",
    ]
    assert describe_model(build(tmp_path)).startswith("  level 1 (top): asr_en, asr_fr, st_fr_en\n")


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


def start(folder, setting, **changes):
    """Build a trial model that starts from a file."""
    return build(folder, init_param=[setting], **changes)


def test_a_start_from_a_trained_model_passes_whatever_vocabularies_it_has(tmp_path):
    whole = build(tmp_path).model.state_dict()
    heads = {name for name in whole if "heads." in name and whole[name].dim() and "_lo" in name}
    assert heads
    trained = {n: v.new_zeros(99, *v.shape[1:]) if n in heads else v for n, v in whole.items()}
    file = tmp_path / "trained.pth"
    torch.save(trained, file)
    for setting in (f"{file}", f"{file}:heads.asr_en:heads.asr_fr", f"{file}:encoder:encoder"):
        start(tmp_path, setting)
    with pytest.raises(ValueError, match=r"lacks tensor normalize\.mean"):
        start(tmp_path, f"{file}", normalize="global_mvn")
    statistics = {f"normalize.{name}": torch.zeros(8) for name in ("mean", "std")}
    torch.save(trained | statistics, file)
    start(tmp_path, f"{file}", normalize="global_mvn")
    for setting, said in (
        (f"{file}", r"holds the unknown tensor normalize\.mean"),
        (f"{file}:heads.asr_de:heads.asr_en", r"names module 'heads\.asr_de'"),
        (f"{file}:encoder:heads.asr_en", r"is of another configuration"),
        (f"{tmp_path}/absent.pth", r"absent\.pth, which does not exist"),
    ):
        with pytest.raises((ValueError, OSError), match=said):
            start(tmp_path, setting)
    trained["encoder.after_norm.bias"] = torch.zeros(3)
    torch.save(trained, file)
    with pytest.raises(ValueError, match=r"tensor encoder\.after_norm\.bias is \(3,\) there"):
        start(tmp_path, f"{file}")

"""Enhancement as an objective of a model: settings, SpecAugment, absent clean speech."""

import numpy as np
import pytest
import torch

from espnet_soups.objectives.enhancement import Enhancement
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import kind_of_name, order_letters
from espnet_soups.testing.toy_model import DIMENSION, make_toy_batch, make_toy_model

FRONTEND = {
    "input_size": None,
    "frontend": "default",
    "frontend_conf": {"fs": 8000, "n_fft": 256, "win_length": 128, "hop_length": 64, "n_mels": 8},
}
SPECAUG = {
    "specaug": "specaug",
    "specaug_conf": {"apply_time_warp": False, "time_mask_width_range": [2, 5]},
}


def make_batch(absent=(), samples=None):
    """Add clean speech to the toy batch; without it in some rows."""
    batch = make_toy_batch()
    generator = torch.Generator().manual_seed(9)
    if samples is not None:
        shape = (len(batch["speech"]), samples)
        batch["speech"] = torch.randn(*shape, generator=generator).double()
        batch["speech_lengths"] = torch.full(shape[:1], samples)
    clean = torch.randn(*batch["speech"].shape, generator=generator).double()
    lengths = batch["speech_lengths"].clone()
    for row in absent:  # as the collate function pads the one NaN that stage 3 writes
        clean[row], lengths[row] = 0.0, 1
        clean[row, 0] = torch.nan
    return batch | {"clean": clean, "clean_lengths": lengths}


def make_model(**options):
    """Make a model whose head does something, as after some training."""
    model = make_toy_model(objectives={"enh": options.pop("settings", {})}, **options)
    last = list(model.heads["enh"].children())[-1]
    torch.nn.init.normal_(last.weight, std=0.3, generator=torch.Generator().manual_seed(3))
    return model


def test_names_and_settings_make_objectives():
    kind = kind_of_name("enh_far")
    assert isinstance(kind, Enhancement)
    expected = Objective("enh", "enh", label="clean", label_file="clean.scp", label_type="audio")
    assert kind.objective("enh", {}) == expected
    far = kind.objective("enh_far", {"label_file": "near.scp", "language": "fr"})
    assert (far.label, far.label_file, far.language) == ("near", "near.scp", "fr")
    assert order_letters({})["N"] == "enh*"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_file": "clean"}, r"`objectives: enh`: `label_file` must be named <name>\.scp"),
        ({"label_file": "a/clean.scp"}, "enh`: `label_file` names files, so it must hold no slash"),
        ({"label_file": "speech.scp"}, "enh`: .* but the name speech.scp is taken"),
        ({"label_file": "wav.scp"}, "the name wav.scp is taken: .* such as clean.scp"),
        ({"label_file": "feats.scp"}, "the name feats.scp is taken"),
        ({"label_file": 3}, "enh`: `label_file` must be a text, but got 3"),
        ({"hop_length": 300}, r"`hop_length` must be at most half of `n_fft` \(512\)"),
        ({"n_fft": 0}, "`n_fft` must be a whole number above 0, but got 0"),
        ({"window": 3}, "`objectives: enh`"),
    ],
)
def test_settings_that_no_head_can_have_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Enhancement().objective("enh", settings)


@pytest.mark.parametrize("samples", [None, 3000], ids=["features", "samples"])
def test_a_loss_counts_utterances_with_clean_speech_alone(samples):
    options = {} if samples is None else FRONTEND
    model = make_model(**options).eval()
    batch = make_batch(absent=(1, 6), samples=samples)
    stats = model(**batch)[1]
    kept = [row for row in range(12) if row not in (1, 6)]
    without = {name: value[kept] for name, value in batch.items()}
    expected = model(**without)[1]
    for name in ("loss/enh", "enh/gain_db"):
        torch.testing.assert_close(stats[name], expected[name])
    assert torch.isfinite(stats["loss/enh"]).all()
    assert "acc/enh" not in model.train()(**batch)[1]
    assert "acc/enh" not in model.eval()(**batch)[1]


def test_combiners_that_compare_losses_are_refused_where_one_may_be_negative():
    options = {"trainer": "msp", "objectives": {"enh": {}}}
    conf = {"soup": "vm", "order": "NSA", "combiner": ["static", "famo", "static"]}
    with pytest.raises(ValueError, match="`combiner: famo` compares losses, but that of enh may"):
        make_toy_model(trainer_conf=conf, **options, **FRONTEND)
    assert make_toy_model(trainer_conf=conf, **options).soup is not None


def test_a_batch_without_clean_speech_has_no_loss_and_touches_the_head():
    model = make_model().train()
    loss, stats, _ = model(**make_batch(absent=range(12)))
    assert torch.isnan(stats["loss/enh"]).all()
    loss.backward()
    assert not model.heads["enh"].gains.weight.grad.any()


def test_specaugment_never_touches_what_enhancement_learns_from():
    batch = make_batch()
    plain = make_model().train()(**batch)[1]
    augmented = make_model(**SPECAUG).train()(**batch)[1]
    torch.testing.assert_close(augmented["loss/enh"], plain["loss/enh"])
    assert (augmented["loss/asr_fr"] - plain["loss/asr_fr"]).abs() > 1e-6


@pytest.mark.parametrize(("options", "times"), [({}, 1), (SPECAUG, 2)])
def test_utterances_are_encoded_twice_only_where_specaugment_would_hide_them(options, times):
    model, batch = make_model(encoding="pooled", **options), make_batch()
    calls = []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model.train()(**batch)
    assert len(calls) == times
    calls.clear()
    model.eval()(**batch)
    assert len(calls) == 1


def test_deviations_are_those_of_the_models_normalisation(tmp_path):
    path = tmp_path / "stats.npz"
    count, deviation = 10, np.arange(1.0, DIMENSION + 1)
    np.savez(path, count=count, sum=np.zeros(DIMENSION), sum_square=count * deviation**2)
    model = make_model(normalize="global_mvn", normalize_conf={"stats_file": str(path)})
    torch.testing.assert_close(model.heads["enh"].deviations, torch.from_numpy(deviation))
    assert not any("deviations" in name for name in model.state_dict())

"""The compared steps compute what they claim to compute."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from espnet_soups.network import msp_model
from espnet_soups.testing.toy_model import DECODER_CONF, ENCODER_CONF
from tools.benchmark.catalogue import build_mode
from tools.benchmark.names import STEPS_PER_ROUND
from tools.benchmark.other_procedures import split_parameters
from tools.benchmark.spec import BatchShape, BenchSpec

SPEC = BenchSpec(
    name="toy",
    model={
        "input_size": 8,
        "encoder": "e_branchformer",
        "encoder_conf": dict(ENCODER_CONF),
        "st_decoder_conf": dict(DECODER_CONF),
        "optim": "sgd",
        "optim_conf": {"lr": 0.1},
    },
    batch=BatchShape(
        asr_languages=["en", "fr"],
        st_pairs=["fr_en"],
        utterances=4,
        seconds=1.0,
        frame_seconds=0.05,
        asr_tokens_per_second=4.0,
        asr_vocabulary=8,
        st_vocabulary=9,
    ),
    selected=["encoder.encoders.1"],
)
CONFORMER_CONF = {
    "output_size": 16,
    "attention_heads": 2,
    "linear_units": 16,
    "num_blocks": 2,
    "input_layer": "linear",
    "selfattention_layer_type": "selfattn",
    "pos_enc_layer_type": "abs_pos",
    "use_cnn_module": True,
}
CONFORMER = {key: value for key, value in SPEC.model.items() if not key.startswith("encoder")}


def gradients_of(name):
    mode = build_mode(name, SPEC)
    mode.set_gradients(mode.batches[: mode.batches_per_update])
    return mode, {key: value.grad for key, value in mode.model.named_parameters()}


def test_pooled_and_per_language_encoding_give_the_same_gradients():
    _, pooled = gradients_of("joint_pooled")
    _, apart = gradients_of("joint")
    for name, gradient in pooled.items():
        torch.testing.assert_close(gradient, apart[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["published", "torchjd_modo"])
def test_the_backbone_of_other_procedures_follows_their_weights(name):
    mode, found = gradients_of(name)
    weights = mode.weights
    batches = mode.batches[: 1 if name == "published" else 2]
    backbone, _ = split_parameters(mode.model)
    losses = torch.stack(
        [torch.stack(mode.model.objective_losses(**batch)) for batch in batches]
    ).mean(dim=0)
    expected = torch.autograd.grad((losses * weights).sum(), backbone, allow_unused=True)
    names = {id(value): key for key, value in mode.model.named_parameters()}
    compared = 0
    for parameter, gradient in zip(backbone, expected, strict=True):
        if gradient is not None:
            measured = found[names[id(parameter)]]
            torch.testing.assert_close(measured, gradient, rtol=1e-4, atol=1e-5)
            compared += 1
    assert compared > 10


def test_the_heads_of_the_published_procedure_follow_their_own_loss():
    _, published = gradients_of("published")
    _, joint = gradients_of("joint")
    heads = [name for name in published if name.startswith("heads.")]
    assert heads
    for name in heads:
        torch.testing.assert_close(published[name], joint[name], rtol=1e-4, atol=1e-5)


def test_a_soup_measures_on_the_selected_layers_alone():
    assert build_mode("joint", SPEC).rows_mib() == 0
    selected, everything = build_mode("selected", SPEC), build_mode("pipelined_all", SPEC)
    assert 0 < selected.rows_mib() < everything.rows_mib()
    before = selected.model.soup.weights.values.clone()
    for _ in range(3):
        selected.step()
    assert not torch.equal(before, selected.model.soup.weights.values)


def test_a_round_holds_one_measured_step_of_eight():
    mode = build_mode("selected_refresh8", SPEC)
    for _ in range(STEPS_PER_ROUND):
        mode.step()
    assert STEPS_PER_ROUND == 8
    assert mode.model.soup.means.gradients.measured == 1


@pytest.mark.parametrize(
    ("name", "encoding", "share"),
    [
        ("joint_pooled", "pooled", 0.0),
        ("joint", "per_language", 1.0),
        ("exact_all", "auto", 1.0),
        ("pipelined_all", "auto", 1.0),
        ("selected_refresh8", "auto", 0.125),
    ],
)
def test_joint_steps_are_encoded_as_the_measured_ones_of_a_soup(name, encoding, share):
    mode = build_mode(name, SPEC)
    assert (mode.model.encoding, mode.share_apart) == (encoding, share)
    # whatever the encoder: BatchNorm must see all languages at once, also where they are measured
    conformer = {**CONFORMER, "encoder": "conformer", "encoder_conf": CONFORMER_CONF}
    pooled = build_mode(name, replace(SPEC, model=conformer)).model
    assert pooled.encoding == ("pooled" if name.startswith("joint") else "auto")
    apart = replace(SPEC, model={**SPEC.model, "encoding": "per_language"})
    assert build_mode(name, apart).share_apart == (0.0 if name == "joint_pooled" else 1.0)


@pytest.mark.parametrize("encoding", ["auto", "per_language"])
def test_soups_encode_by_language_as_often_as_the_share_says(monkeypatch, encoding):
    counts = {"encode_rows": [], "encode_below": []}
    known = {name: getattr(msp_model, name) for name in counts}

    def count(name, batch, *parts):
        if parts[-1]:
            counts[name].append(len(parts[-1]))
        return known[name](batch, *parts)

    for name in counts:
        monkeypatch.setattr(msp_model, name, partial(count, name))
    mode = build_mode(
        "selected_refresh8", replace(SPEC, model={**SPEC.model, "encoding": encoding})
    )
    for _ in range(STEPS_PER_ROUND):
        mode.step()
    languages = len(SPEC.batch.asr_languages)
    if encoding == "auto":  # the measured one at once, below the layer that is measured
        assert counts == {"encode_rows": [1] * 7, "encode_below": [1]}
    else:
        assert counts == {"encode_rows": [languages] * 9, "encode_below": []}


def test_the_stock_model_learns_from_the_same_utterances():
    mode, ours = build_mode("espnet_st", SPEC), build_mode("joint_pooled", SPEC)
    batch, own = mode.batches[0], ours.batches[0]
    assert torch.equal(batch["speech"], own["speech"])
    french = own["lang"][:, 0] == 1
    length = own["text_en"].size(1)
    assert torch.equal(batch["text"][french][:, :length], own["text_en"][french])
    assert torch.equal(batch["text"][~french][:, :length], own["text"][~french][:, :length])
    sizes = [sum(p.numel() for p in m.model.encoder.parameters()) for m in (mode, ours)]
    assert sizes[0] == sizes[1]
    _loss, stats, _ = mode.model(**batch)
    assert stats["loss_asr"] > 0  # CTC on the transcripts takes part
    before = [parameter.detach().clone() for parameter in mode.model.parameters()]
    mode.step()
    moved = [not torch.equal(a, b) for a, b in zip(before, mode.model.parameters(), strict=True)]
    assert sum(moved) > 0.9 * len(moved)
    assert mode.rows_mib() == 0.0

"""Low-rank adapters on every kind of encoder, against ESPnet's own and loralib's layers."""

import pytest
import torch
from tiny_backbones import WAV2VEC2, WHISPER, XLSR

from espnet_soups.testing.toy_model import ENCODER_CONF, make_toy_arguments, make_toy_batch

pytest.importorskip("loralib", reason="needs pip install 'espnet-soups[lora]'")

CONFORMER = {name: ENCODER_CONF[name] for name in ("output_size", "attention_heads", "num_blocks")}
CONFORMER |= {"linear_units": 16, "input_layer": "linear", "macaron_style": True}
CONFORMER |= {"rel_pos_type": "latest", "pos_enc_layer_type": "rel_pos"}
CONFORMER |= {"selfattention_layer_type": "rel_selfattn", "dropout_rate": 0.0}
CONFORMER |= {"positional_dropout_rate": 0.0, "attention_dropout_rate": 0.0}
LONG_WHISPER = {**WHISPER, "max_source_positions": 200, "dropout": 0.0}
ENCODERS = {
    "e_branchformer": {},
    "conformer": {"encoder": "conformer", "encoder_conf": CONFORMER},
    "whisper_hf": {
        "input_size": None,
        "frontend": "whisper_mel",
        "frontend_conf": {"n_mels": 8},
        "encoder": "whisper_hf",
        "encoder_conf": {"architecture": LONG_WHISPER},
    },
    "wav2vec2_hf": {
        "input_size": None,
        "frontend": "waveform",
        "encoder": "wav2vec2_hf",
        "encoder_conf": {"architecture": WAV2VEC2 | XLSR},
    },
}
ADAPTED = {"use_adapter": True, "adapter_conf": {"rank": 2, "alpha": 4}}
SOUP = {"trainer": "msp", "trainer_conf": {"soup": "vs", "layers": "adapters"}}


def build(name, **options):
    """Build a model and its optimiser as training does."""
    from espnet_soups.task.msp_task import MSPTask

    settings = {"optim": "adam", "optim_conf": {"lr": 0.01}}
    args = make_toy_arguments(**ENCODERS[name] | settings | options)
    args.required = []
    MSPTask.check_required_command_args(args)
    torch.manual_seed(0)
    model = MSPTask.build_model(args)
    optimizer = MSPTask.build_optimizers(args, model)[0]
    if model.soup is not None:
        model.soup.open_epoch(1, 1, 1)
    return model, optimizer


def batch_for(name):
    batch = make_toy_batch(frames=30)
    if ENCODERS[name].get("input_size", 8) is None:
        generator = torch.Generator().manual_seed(0)
        batch["speech_lengths"] = 160 * batch["speech_lengths"]
        batch["speech"] = 0.1 * torch.randn(12, 4800, generator=generator)
    return {key: v.float() if v.is_floating_point() else v for key, v in batch.items()}


@pytest.mark.parametrize("name", ENCODERS)
def test_adapters_alone_are_measured_and_moved_and_the_encoder_s_own_weights_rest(name):
    model, optimizer = build(name, **ADAPTED, **SOUP)
    adapters = [key for key, _ in model.encoder.named_parameters() if ".lora_" in key]
    learning = [key for key, own in model.encoder.named_parameters() if own.requires_grad]
    layers = 3 if name == "wav2vec2_hf" else 2
    assert learning == adapters
    assert len(adapters) == layers * 4  # queries and values, two factors each
    assert sum(own.numel() for own in model.soup.layers.parameters) == sum(
        model.encoder.get_parameter(key).numel() for key in adapters
    )
    before = {key: own.clone() for key, own in model.named_parameters()}
    for _ in range(2):  # the second factor begins with zeros, so that the first one has no gradient
        loss, _, _ = model(**batch_for(name))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    moved = {key for key, own in model.named_parameters() if not torch.equal(own, before[key])}
    assert {key for key in moved if key.startswith("encoder.")} == {
        f"encoder.{a}" for a in adapters
    }
    assert all(any(key.startswith(f"heads.{head}.") for key in moved) for head in model.heads)
    weights = model.soup.weights.values
    assert weights.sum() == pytest.approx(1.0)
    assert weights.std() > 1e-4  # measured, and moved


def randomise(model):
    """Give the adapters something to add."""
    with torch.no_grad():
        for key, own in model.named_parameters():
            if key.endswith("lora_B"):
                torch.nn.init.normal_(own, std=0.3)


def loss_and_gradients(model, batch):
    loss = model(**batch)[0]
    loss.backward()
    return float(loss.detach()), {
        key: own.grad for key, own in model.named_parameters() if ".lora_" in key
    }


@pytest.mark.parametrize("name", ENCODERS)
def test_loss_and_gradients_are_those_of_espnet_s_own_adapters(name):
    from espnet2.layers.create_adapter import create_adapter

    model, _ = build(name, **ADAPTED)
    randomise(model)
    reference, _ = build(name)
    targets = [key.removesuffix(".lora_A") for key in model.state_dict() if key.endswith("lora_A")]
    create_adapter(reference, "lora", {"rank": 2, "alpha": 4, "target_modules": targets})
    reference.train()  # ESPnet leaves it in evaluation
    reference.load_state_dict(model.state_dict())
    loss, gradients = loss_and_gradients(model, batch_for(name))
    expected, theirs = loss_and_gradients(reference, batch_for(name))
    assert loss == pytest.approx(expected, rel=1e-5)
    assert gradients.keys() == theirs.keys()
    for key, gradient in gradients.items():
        assert torch.allclose(gradient, theirs[key], rtol=1e-3, atol=1e-4), key


@pytest.mark.parametrize("name", ENCODERS)
def test_merged_adapters_leave_the_names_of_a_plain_model_and_its_function(name):
    from espnet_soups.backbone.adapters import merge_adapters

    model, _ = build(name, **ADAPTED)
    randomise(model)
    plain, _ = build(name)
    batch = batch_for(name)
    model.eval(), plain.eval()
    with torch.no_grad():
        before, random = float(model(**batch)[0]), float(plain(**batch)[0])
        merge_adapters(model)
        assert float(model(**batch)[0]) == pytest.approx(before, rel=1e-5)
        assert before != pytest.approx(random, rel=1e-4)
    assert list(model.state_dict()) == list(plain.state_dict())


def test_weights_stay_as_they_are_from_training_to_validation_and_back():
    model, _ = build("e_branchformer", **ADAPTED)
    randomise(model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.eval()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    model.train()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", ENCODERS)
def test_a_model_with_new_adapters_computes_what_it_did_without(name):
    plain, _ = build(name)
    model, _ = build(name, **ADAPTED)
    lost = model.load_state_dict(plain.state_dict(), strict=False)
    assert all(".lora_" in key for key in lost.missing_keys)
    batch = batch_for(name)
    plain.eval(), model.eval()
    with torch.no_grad():
        assert float(model(**batch)[0]) == pytest.approx(float(plain(**batch)[0]), rel=1e-5)


def test_freezing_the_encoder_as_espnet_s_recipes_do_leaves_adapters_to_learn():
    from espnet_soups.task.msp_task import MSPTask

    args = make_toy_arguments(**ADAPTED, freeze_param=["encoder"])
    model = MSPTask.build_model(args)
    model.encoder.requires_grad_(False)  # what ESPnet does with `freeze_param`
    MSPTask.build_optimizers(args, model)
    learning = [key for key, own in model.encoder.named_parameters() if own.requires_grad]
    assert len(learning) == 8
    assert all(".lora_" in key for key in learning)


@pytest.mark.parametrize(
    ("name", "conf", "message"),
    [
        (
            "e_branchformer",
            {"target_modules": ["linear_x"]},
            r"'linear_x'.*closest: linear_.*end in",
        ),
        ("e_branchformer", {"target_modules": ["encoders.9.attn.linear_q"]}, "'encoders.9.attn"),
        ("e_branchformer", {"target_modules": ["linear_q", "q_proj"]}, "names 'q_proj', but no"),
        (
            "e_branchformer",
            {"target_modules": ["norm_mlp"]},
            "is a LayerNorm: adapters are for lin",
        ),
        ("e_branchformer", {"target_modules": "linear_q"}, "`target_modules` must be a list"),
        ("e_branchformer", {"rank": 0}, "`rank` must be 1 or more, but got 0"),
        ("e_branchformer", {"rank": "8"}, "`rank` must be a whole number, but got '8'"),
        ("e_branchformer", {"dropout_rate": 1.0}, "`dropout_rate` must be 0 or more and below 1"),
        ("e_branchformer", {"bias_type": "all"}, "`bias_type` must be `none`, but got 'all'"),
        ("e_branchformer", {"r": 8}, "`adapter_conf` has no 'r'"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_sentence(name, conf, message):
    with pytest.raises(ValueError, match=message):
        build(name, use_adapter=True, adapter_conf=conf)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adapter": "dora"}, "`adapter` must be `lora`, but got 'dora'"),
        ({"adapter": "houlsby"}, "`houlsby` of ESPnet is for the frontends of S3PRL alone"),
        (
            {"save_strategy": "adapter_only"},
            "`save_strategy` must be `all`, but got 'adapter_only'",
        ),
        ({"use_adapter": False}, "`use_adapter` is false, so that it would be ignored"),
    ],
)
def test_adapters_that_cannot_be_trained_or_saved_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build("e_branchformer", **ADAPTED | options)


def test_layers_whose_weight_is_read_by_their_parent_are_refused():
    wavlm = {"model_type": "wavlm", **WAV2VEC2, **XLSR}
    options = {**ENCODERS["wav2vec2_hf"], "encoder_conf": {"architecture": wavlm}}
    with pytest.raises(
        ValueError, match=r"WavLMAttention reads the weight of .*intermediate_dense"
    ):
        build("wav2vec2_hf", **ADAPTED | options)
    model, _ = build(
        "wav2vec2_hf",
        **options | ADAPTED | {"adapter_conf": {"target_modules": ["intermediate_dense"]}},
    )
    assert any(".lora_" in key for key, _ in model.named_parameters())


def test_layers_adapters_without_adapters_are_refused():
    with pytest.raises(ValueError, match="`layers: adapters` needs adapters, but the model has no"):
        build("e_branchformer", **SOUP)


def test_adapters_on_random_weights_are_refused_before_training():
    from espnet_soups.task.checks.check_adapter import check_trained_encoder

    args = make_toy_arguments(**ADAPTED)
    with pytest.raises(ValueError, match="they would be random: set `model` of `encoder_conf`"):
        check_trained_encoder(args)
    args.init_param = ["base.pth"]
    check_trained_encoder(args)

import numpy as np
import pytest
import torch

from espnet_soups.objectives.self_supervision.config import read_ssl_config
from espnet_soups.objectives.self_supervision.crops import draw_crops
from espnet_soups.testing.toy_model import DIMENSION, make_toy_batch, make_toy_model

CPC = {"context_frames": 8, "future_frames": 4, "min_context_frames": 4, "hidden_size": 8}
BEST_RQ = {"mask_frames": 3, "mask_prob": 0.1, "codebook_size": 16, "codebook_dim": 4}
BOTH = [("cpc", CPC), ("best_rq", BEST_RQ)]
NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en", "ssl"]


def make_ssl_model(kind, conf, **options):
    return make_toy_model(ssl=kind, ssl_conf=dict(conf), **options)


@pytest.mark.parametrize("predictor", ["autoregressive", "linear"])
def test_predictions_do_not_change_with_the_future(predictor):
    model = make_ssl_model("cpc", {**CPC, "predictor": predictor}).eval()
    head = model.heads["ssl"]
    feats, lengths = torch.randn(3, 14, DIMENSION).double(), torch.tensor([14, 13, 12])
    crops = draw_crops(lengths, 8, 4, 4, torch.Generator().manual_seed(0))
    other = feats.clone()
    for row, start in enumerate((crops.starts + crops.contexts).tolist()):
        other[row, start:] = 100.0 * torch.randn(14 - start, DIMENSION)
    found, changed = (head.predict(f, crops, model.encode_features, 4)[0] for f in (feats, other))
    assert torch.equal(found, changed)
    whole = model.encode_features(feats, lengths)[0]
    assert not torch.equal(whole[0], model.encode_features(other, lengths)[0][0])
    other[0, crops.starts[0]] += 1.0  # while the context does change them
    again, _ = head.predict(other, crops, model.encode_features, 4)
    assert not torch.equal(again[0], found[0])


@pytest.mark.parametrize("targets", ["features", "encoded"])
@pytest.mark.parametrize("subsampling", [1, 4])
def test_the_loss_of_cpc_agrees_with_numpy(targets, subsampling):
    conf = {**CPC, "future_frames": 4 * subsampling, "targets": targets}
    conf |= {"context_frames": 12, "min_context_frames": 12}
    model = make_ssl_model("cpc", conf).eval()
    head = model.heads["ssl"]
    head.steps = 4
    head.target = torch.nn.Linear(8 * (subsampling if targets == "features" else 1), 16).double()
    head.predictor = type(head.predictor)(8, 8, 16).double()
    frames = 12 + 4 * subsampling
    feats, lengths = torch.randn(3, frames, DIMENSION).double(), torch.full((3,), frames)

    def encode(values, counts):
        states = model.encode_features(values, counts)[0][:, ::subsampling]
        return states, torch.full_like(counts, states.size(1))

    loss = head(feats, lengths, encode)
    future = feats[:, 12:]
    if targets == "encoded":
        compared = encode(future, torch.full((3,), future.size(1)))[0].detach().numpy()
    else:
        compared = future.numpy().reshape(3, 4, subsampling * DIMENSION)
    compared = compared @ head.target.weight.detach().numpy().T + head.target.bias.detach().numpy()
    context = encode(feats[:, :12], torch.full((3,), 12))[0]
    predicted = head.predictor(context[:, -1], 4).detach().numpy().reshape(12, 16)
    compared = compared.reshape(12, 16)
    predicted /= np.linalg.norm(predicted, axis=1, keepdims=True)
    compared /= np.linalg.norm(compared, axis=1, keepdims=True)
    scores = predicted @ compared.T / 0.1
    expected = np.log(np.exp(scores).sum(axis=1)) - np.diag(scores)
    assert float(loss.total.detach()) == pytest.approx(expected.sum(), abs=1e-6)
    assert float(loss.count) == 12
    variance = context.detach().numpy().reshape(-1, 8).var(axis=0).mean()
    assert float(loss.watched["encoder_variance"]) == pytest.approx(variance, rel=1e-5)


def test_encoded_targets_alone_take_gradients_through_the_future():
    for targets in ("features", "encoded"):
        model = make_ssl_model("cpc", {**CPC, "targets": targets})
        feats = torch.randn(2, 12, DIMENSION).double().requires_grad_()
        futures = model.heads["ssl"].targets(
            feats, draw_crops(torch.tensor([12, 12]), 8, 4, 4), model.encode_features
        )
        futures.sum().backward()
        reached = any(p.grad is not None for p in model.encoder.parameters())
        assert reached == (targets == "encoded")


@pytest.mark.parametrize("heads", ["own", "weighted"])
@pytest.mark.parametrize(("kind", "conf"), BOTH)
def test_the_objective_takes_its_place_behind_a_gate(kind, conf, heads):
    batch = make_toy_batch()
    soup = {"soup": "vc", "penalty": [{"level": 2, "init": 0.5}], "combiner": "static"}
    soup |= {"heads": heads}
    model = make_ssl_model(kind, conf, trainer="msp", trainer_conf=soup).train()
    assert [objective.name for objective in model.objectives] == NAMES
    model.soup.open_epoch(epoch=1, max_epoch=2, accum_grad=1)
    torch.manual_seed(0)
    model(**batch)[0].backward()
    plain = make_ssl_model(kind, conf).train()
    gradients = {}
    for name in NAMES:  # one after the other, from the same crops and masks
        plain.static_weights = {other: float(other == name) for other in NAMES}
        plain.zero_grad()
        torch.manual_seed(0)
        plain(**batch)[0].backward()
        factor = 0.5 if name == "ssl" else 0.2
        for parameter, value in plain.named_parameters():
            if value.grad is not None:
                weighted = heads == "weighted" or parameter.startswith("encoder.")
                scale = factor if weighted else 1.0
                gradients[parameter] = gradients.get(parameter, 0.0) + scale * value.grad
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:  # ESPnet's CTC works in float32
            torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-5, atol=1e-7)
    assert model.heads["ssl"].training


@pytest.mark.parametrize(("kind", "conf"), BOTH)
def test_the_same_keys_are_reported_whether_or_not_there_is_audio_long_enough(kind, conf):
    model = make_ssl_model(kind, conf).train()
    full, short = (model(**make_toy_batch(frames=frames))[1] for frames in (14, 5))
    assert list(full) == list(short)
    watched = [name for name in full if name.startswith("ssl/")]
    assert "ssl/encoder_variance" in watched
    assert all(full[name].isfinite() for name in watched)
    assert short["acc"].isnan() == full["acc"].isnan()
    if kind == "cpc":  # 2 to 5 frames are no context of 4 and future of 4
        assert all(short[name].isnan() for name in [*watched, "loss/ssl", "acc/ssl"])
        assert model.tally.unalignable[-1] == 12


def test_utterances_with_a_shorter_context_are_counted():
    model = make_ssl_model("cpc", {**CPC, "context_frames": 10}).train()
    batch = make_toy_batch(frames=14)
    model(**batch)
    short = int((batch["speech_lengths"] < 14).sum())
    assert dict(zip(model.tally.names, model.tally.shortened, strict=True))["ssl"] == short
    assert sum(model.tally.shortened) == short
    assert model.tally.unalignable[-1] == 0


@pytest.mark.parametrize(("kind", "conf"), BOTH)
def test_validation_is_the_same_every_time(kind, conf):
    model, batch = make_ssl_model(kind, conf).eval(), make_toy_batch()
    first, second = (model(**batch)[1]["loss/ssl"] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(("kind", "conf"), BOTH)
def test_audio_without_labels_can_be_chosen(kind, conf):
    batch = make_toy_batch()
    losses = {}
    for audio in ("all", "labeled", "unlabeled"):
        model = make_ssl_model(kind, {**conf, "audio": audio}).eval()
        losses[audio] = model(**batch)[1]["loss/ssl"]
    assert losses["unlabeled"].isnan()
    assert torch.equal(losses["all"], losses["labeled"])
    for name in ("text", "text_en"):
        batch[name][:3] = -1
    model = make_ssl_model(kind, {**conf, "audio": "unlabeled"}).eval()
    kept = {name: value[:3] for name, value in batch.items()}
    alone, among = model(**kept)[1], model(**batch)[1]
    torch.testing.assert_close(alone["loss/ssl"], among["loss/ssl"])
    assert alone["loss"] == alone["loss/ssl"]


def test_quantisers_are_frozen_seeded_and_part_of_the_state():
    models = [make_ssl_model("best_rq", {**BEST_RQ, "codebooks": 2}, seed=s) for s in (0, 1)]
    names = [name for name in models[0].state_dict() if "quantizers" in name]
    assert len(names) == 4
    for name in names:
        assert torch.equal(models[0].state_dict()[name], models[1].state_dict()[name])
    assert not any(p.requires_grad for p in models[0].heads["ssl"].quantizers.parameters())
    books = models[0].heads["ssl"].quantizers
    assert not torch.equal(books[0].codebook, books[1].codebook)
    other = make_ssl_model("best_rq", {**BEST_RQ, "codebooks": 2, "seed": 7})
    assert not torch.equal(other.heads["ssl"].quantizers[0].codebook, books[0].codebook)


def test_codes_and_loss_of_best_rq_agree_with_numpy():
    model = make_ssl_model("best_rq", {**BEST_RQ, "codebooks": 2}).eval()
    head, random = model.heads["ssl"], np.random.default_rng(0)
    feats, lengths = random.normal(3.0, 2.0, size=(2, 12, DIMENSION)), [12, 9]
    codes = head.quantise(torch.tensor(feats), torch.tensor(lengths)).numpy()
    expected = np.zeros((2, 12, 2), dtype=int)
    for row, length in enumerate(lengths):
        part = feats[row, :length]
        part = (part - part.mean(axis=0)) / part.std(axis=0)
        for book, quantizer in enumerate(head.quantizers):
            projected = part @ quantizer.random_projection.weight.numpy().T
            projected -= projected.mean(axis=1, keepdims=True)
            projected /= np.sqrt(projected.var(axis=1, keepdims=True) + 1e-5)
            gaps = projected[:, None] - quantizer.codebook.numpy()[None]
            expected[row, :length, book] = np.square(gaps).sum(axis=-1).argmin(axis=1)
            assert (codes[row, :length, book] == expected[row, :length, book]).all()
    seen = []

    def encode(hidden, frames):
        seen.append(hidden)
        return model.encode_features(hidden, frames)

    loss = head(torch.tensor(feats), torch.tensor(lengths), encode)
    masked = (seen[0].numpy() != feats).any(axis=-1)
    assert masked.sum() == float(loss.count)
    logits = head.output(model.encode_features(seen[0], torch.tensor(lengths))[0])
    logits = logits.detach().numpy().reshape(2, 12, 2, 16)
    total = 0.0
    for row, frame in np.argwhere(masked):
        for book in range(2):
            values = logits[row, frame, book]
            total += np.log(np.exp(values).sum()) - values[expected[row, frame, book]]
    assert float(loss.total.detach()) == pytest.approx(total / 2, abs=1e-6)


def test_features_of_unequal_scale_use_few_codes_unless_they_are_normalised():
    feats = torch.randn(20, 30, DIMENSION).double()
    feats = feats + 30.0  # log energies are far from zero
    used = {}
    for norm in ("utterance", "none"):
        conf = {**BEST_RQ, "codebook_size": 64, "target_norm": norm}
        head = make_ssl_model("best_rq", conf).heads["ssl"]
        used[norm] = len(head.quantise(feats, torch.full((20,), 30)).unique())
    assert used["utterance"] > 15
    assert used["none"] <= 3


@pytest.mark.parametrize(
    ("kind", "conf", "options", "said"),
    [
        ("mae", {}, {}, r"`ssl` must be one of \['none', 'cpc', 'best_rq'\].*'mae'"),
        ("cpc", {"frames": 3}, {}, r"`ssl_conf` of cpc has no 'frames'.*'context_frames'"),
        ("cpc", {"future_frames": 0}, {}, "`future_frames` of `ssl_conf` must be positive.*0"),
        ("cpc", {"negatives": "all"}, {}, "`negatives` must be one of"),
        ("cpc", {"targets": "raw"}, {}, r"`targets` must be one of \['features', 'encoded'\]"),
        ("cpc", {"min_context_frames": 300}, {}, "`min_context_frames`.*300.*above"),
        ("best_rq", {"mask_prob": 1.0}, {}, "`mask_prob` must lie between"),
        ("cpc", CPC, {"normalize": "utterance_mvn"}, "takes means over both"),
        ("best_rq", BEST_RQ, {"encoder": "whisper"}, "reads samples and brings"),
        ("cpc", CPC, {"input_size": None, "frontend": "s3prl"}, "`frontend: s3prl` mixes"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_reason(kind, conf, options, said):
    from espnet_soups.objectives.self_supervision.build_head import _check_front_end
    from espnet_soups.testing.toy_model import make_toy_arguments

    args = make_toy_arguments(ssl=kind, ssl_conf=conf, **options)
    with pytest.raises(ValueError, match=said):
        _check_front_end(args, read_ssl_config(kind, conf))


def test_frames_of_10_ms_become_frames_of_the_features_and_of_the_encoder():
    conf = {"context_frames": 240, "future_frames": 120, "predictor": "linear"}
    encoder = {"output_size": 8, "attention_heads": 2, "linear_units": 8, "num_blocks": 1}
    stacked = make_ssl_model("cpc", conf, feats_conf={"stack": 4})
    head = stacked.heads["ssl"]
    assert (head.context, head.future, head.shortest) == (60, 30, 10)
    subsampled = make_ssl_model(
        "cpc", conf, encoder="transformer", encoder_conf={**encoder, "input_layer": "conv2d"}
    )
    head = subsampled.heads["ssl"]
    assert (head.context, head.future) == (240, 120)
    assert head.predictor.all_steps.out_features == 29 * 128  # ((120 - 1) // 2 - 1) // 2
    masked = make_ssl_model(
        "best_rq", {}, encoder="transformer", encoder_conf={**encoder, "input_layer": "conv2d"}
    ).heads["ssl"]
    assert (masked.ratio, masked.span) == (4, 10)
    with pytest.raises(ValueError, match=r"`future_frames`.* is 4 feature frames.* more than"):
        make_ssl_model(
            "cpc",
            CPC | {"min_context_frames": 8},
            encoder="transformer",
            encoder_conf={**encoder, "input_layer": "conv2d"},
        )

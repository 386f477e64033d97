from dataclasses import replace

import pytest
import torch

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en"]


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def open_soup(**options):
    model = make_toy_model("msp", {**options, "combiner": "static"})  # nothing is measured
    model.train()
    model.soup.open_epoch(epoch=11, max_epoch=200, accum_grad=1)
    return model


@pytest.mark.parametrize("heads", ["separate", "shared"])
def test_gates_give_heads_their_own_gradient_and_the_backbone_the_weighted_sum(heads):
    batch = make_toy_batch()
    conf = {"soup": "vm", "order": "SA", "combiner": "static"}
    model = make_toy_model("msp", conf, st_heads=heads)
    model.train()
    model.soup.open_epoch(epoch=11, max_epoch=200, accum_grad=1)
    values = torch.tensor([0.2, 0.5, 0.3, 0.9, 0.1], dtype=torch.float64)
    weights = replace(model.soup.weights, values=values)
    model.soup.state = replace(model.soup.state, weights=weights)
    found = gradients(model, model(**batch)[0])

    plain = make_toy_model("default", st_heads=heads).train()
    expected = {}
    multipliers = [0.2, 0.5, 0.3, 0.2 * 0.9, 0.2 * 0.1]  # ST is the lower level, c = 10 x 0.02
    for position, name in enumerate(NAMES):
        plain.static_weights = {other: float(other == name) for other in NAMES}
        for parameter, gradient in gradients(plain, plain(**batch)[0]).items():
            shared = parameter.startswith(("encoder.", "shared_heads."))
            weight = multipliers[position] if shared else 1.0
            expected[parameter] = expected.get(parameter, 0.0) + weight * gradient
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-6, atol=1e-9, msg=name)


def test_the_returned_loss_is_the_plain_sum_and_the_reported_one_the_plain_mean():
    model = open_soup(soup="vs")
    loss, stats, weight = model(**make_toy_batch())
    each = torch.stack([stats[f"loss/{name}"] for name in NAMES])
    torch.testing.assert_close(loss[0], each.sum())
    torch.testing.assert_close(stats["loss"][0], each.mean())
    assert weight == 12


def test_a_loss_is_a_mean_per_label_token_whatever_the_batch():
    model, batch = make_toy_model().eval(), make_toy_batch(languages=(1,))
    whole = model(**batch)[1]["loss/asr_fr"]
    total = tokens = 0.0
    for row in range(4):
        one = {name: value[row : row + 1] for name, value in batch.items()}
        count = float(one["text_lengths"].sum())
        total += float(model(**one)[1]["loss/asr_fr"]) * count
        tokens += count
    assert float(whole) == pytest.approx(total / tokens, rel=1e-6)


def test_encoding_pooled_and_per_language_give_the_same_loss_and_gradients():
    batch = make_toy_batch()
    results = []
    for encoding in ("pooled", "per_language"):
        model = make_toy_model(encoding=encoding).train()
        loss = model(**batch)[0]
        results.append((loss.detach(), gradients(model, loss)))
    (pooled, pooled_gradients), (separate, separate_gradients) = results
    torch.testing.assert_close(pooled, separate)
    for name, gradient in pooled_gradients.items():
        torch.testing.assert_close(gradient, separate_gradients[name], rtol=1e-6, atol=1e-9)


def test_an_utterance_without_a_label_takes_no_part_in_that_objective():
    model, batch = make_toy_model().eval(), make_toy_batch(languages=(1,))
    kept = {name: value[1:] for name, value in batch.items()}
    batch["text_en"][0], batch["text_en_lengths"][0] = -1, 1
    with_absent, without = model(**batch)[1], model(**kept)[1]
    torch.testing.assert_close(with_absent["loss/st_fr_en"], without["loss/st_fr_en"])
    assert with_absent["loss/asr_fr"] != without["loss/asr_fr"]


def test_absent_objectives_report_nan_under_the_same_keys():
    model = open_soup(soup="vs")
    full, part = (model(**make_toy_batch(languages=ids))[1] for ids in ((0, 1, 2), (0,)))
    assert list(full) == list(part)
    assert part["loss/asr_fr"].isnan()
    assert part["loss"] == part["loss/asr_en"]


def test_every_parameter_has_a_gradient_even_if_its_objective_is_absent():
    model = open_soup(soup="vs")
    found = gradients(model, model(**make_toy_batch(languages=(0,)))[0])
    assert found.keys() == {name for name, _ in model.named_parameters()}


def test_a_loss_that_is_not_a_number_is_shown_as_it_is():
    model, batch = make_toy_model().train(), make_toy_batch()
    batch["speech"][0] = torch.nan  # English, which is encoded by itself
    loss, stats, _ = model(**batch)
    assert loss.isnan()
    assert stats["loss/asr_en"].isnan()
    assert stats["loss/asr_fr"].isfinite()


def test_static_weights_multiply_the_loss_and_not_the_report():
    batch = make_toy_batch()
    model = make_toy_model(static_weights={"st_*": 0.5}).train()
    loss, stats, _ = model(**batch)
    weighted = sum(stats[f"loss/{n}"] * (0.5 if n.startswith("st") else 1.0) for n in NAMES)
    torch.testing.assert_close(loss, weighted)
    plain_mean = torch.stack([stats[f"loss/{name}"] for name in NAMES]).mean()
    torch.testing.assert_close(stats["loss"][0], plain_mean)


def test_uniform_weights_are_joint_training_up_to_one_factor_in_steps_that_are_measured_too():
    batch, expected = make_toy_batch(), None
    for conf in ({"combiner": "static"}, {"combiner": "modo"}, {"soup": "joint"}):
        model = make_toy_model("msp", {"soup": "vs", **conf}).train()
        model.soup.bind(model, torch.optim.SGD(model.parameters(), lr=0.0))
        model.soup.open_epoch(1, 1, 1)
        found = gradients(model, model(**batch)[0])
        joint = make_toy_model().train()
        expected = gradients(joint, joint(**batch)[0])
        for name, gradient in expected.items():
            factor = 0.2 if name.startswith("encoder.") else 1.0
            torch.testing.assert_close(found[name], factor * gradient, rtol=1e-5, atol=1e-9)


def test_an_unknown_encoding_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"'per_language', 'pooled'.*'split'"):
        make_toy_model(encoding="split")


class Mask(torch.nn.Module):
    def forward(self, speech, lengths):
        return torch.cat([torch.zeros_like(speech[:, :2]), speech[:, 2:]], dim=1), lengths


class Centre(torch.nn.Module):
    def forward(self, speech, lengths):
        return speech - speech.mean(dim=1, keepdim=True), lengths


def test_a_mask_of_specaug_is_the_mean_of_the_features():
    model = make_toy_model().train()
    model.specaug, model.normalize = Mask(), Centre()
    feats, lengths = 30.0 + torch.randn(1, 6, 8).double(), torch.tensor([6])
    masked, _ = model.features(feats, lengths)
    assert (masked[:, :2] == 0.0).all()
    torch.testing.assert_close(masked[:, 2:], Centre()(feats, lengths)[0][:, 2:])

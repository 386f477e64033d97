"""The margin loss as a sum, pooling without padding, and gradients."""

import pytest
import torch
from espnet2.spk.loss.aamsoftmax import AAMSoftmax

from espnet_soups.objectives.decoding.speaker_decoder import SpeakerDecoder
from espnet_soups.objectives.heads.speaker_head import POOLINGS, SpeakerHead

SIZE, SPEAKERS = 6, 5


def build(pooling="stats", margin=0.2, scale=30.0):
    torch.manual_seed(0)
    return SpeakerHead(SIZE, pooling, 4, SPEAKERS, margin, scale).double()


def some_batch(batch=7):
    torch.manual_seed(1)
    encoded = torch.randn(batch, 9, SIZE, dtype=torch.float64)
    lengths = torch.randint(4, 10, (batch,))
    labels = torch.randint(0, SPEAKERS, (batch, 1))
    return encoded, lengths, labels, torch.ones(batch, dtype=torch.long)


def stock_loss(head, margin=0.2, scale=30.0):
    stock = AAMSoftmax(4, SPEAKERS, margin, scale).double()
    stock.load_state_dict(head.loss.state_dict())
    return stock


@pytest.mark.parametrize("pooling", list(POOLINGS))
@pytest.mark.parametrize(("margin", "scale"), [(0.0, 1.0), (0.2, 30.0), (0.5, 15.0)])
def test_the_loss_is_the_sum_of_what_espnet_averages_and_so_are_its_gradients(
    pooling, margin, scale
):
    head, batch = build(pooling, margin, scale), some_batch()
    ours = head(*batch)
    gradients = torch.autograd.grad(ours.total, list(head.parameters()))
    gradients = dict(zip(dict(head.named_parameters()), gradients, strict=True))
    stock = stock_loss(head, margin, scale)
    embedding = head.embed(*batch[:2])
    mean, accuracy, _ = stock(embedding, batch[2])
    assert ours.total.item() == pytest.approx(7 * mean.item(), rel=1e-12)
    assert ours.correct.item() == pytest.approx(7 * accuracy.item())
    assert ours.count.item() == ours.utterances == 7
    own = dict(head.named_parameters()) | {"loss.weight": stock.weight}
    expected = torch.autograd.grad(7 * mean, list(own.values()))
    expected = dict(zip(own, expected, strict=True))
    torch.testing.assert_close(gradients, expected, rtol=1e-9, atol=1e-12)


def test_the_margin_loss_has_the_gradient_of_finite_differences():
    head, (encoded, lengths, labels, _) = build(), some_batch(3)
    encoded.requires_grad_()

    def total(frames):
        return head(frames, lengths, labels, lengths).total

    assert torch.autograd.gradcheck(total, (encoded,), eps=1e-6, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("pooling", list(POOLINGS))
def test_an_embedding_depends_on_neither_padding_nor_other_utterances(pooling, training):
    head, (encoded, lengths, _, _) = build(pooling), some_batch()
    head.train(training)
    together = head.embed(encoded, lengths)
    rubbish = torch.cat([encoded, torch.full_like(encoded, 1e3)], dim=1)
    torch.testing.assert_close(head.embed(rubbish, lengths), together)
    for row, length in enumerate(lengths.tolist()):
        alone = head.embed(encoded[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(alone[0], together[row])


def test_parts_of_a_batch_add_up_to_the_whole():
    head, batch = build(), some_batch(6)
    whole = head(*batch)
    halves = [head(*(part[rows] for part in batch)) for rows in (slice(0, 2), slice(2, 6))]
    assert sum(half.total.item() for half in halves) == pytest.approx(whole.total.item())
    assert sum(half.count.item() for half in halves) == whole.count.item()
    assert sum(half.correct.item() for half in halves) == whole.correct.item()


def test_under_autocast_it_computes_in_float32():
    head = build().float()
    encoded, *rest = some_batch()
    encoded = encoded.bfloat16()
    plain = head(encoded.float(), *rest)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = head(encoded, *rest)
    assert mixed.total.dtype == torch.float32
    torch.testing.assert_close(mixed.total, plain.total)


def test_without_a_label_the_loss_still_touches_every_parameter():
    head = build("attention")
    absent = head.absent(torch.zeros(1, dtype=torch.float64))
    gradients = torch.autograd.grad(absent.total, list(head.parameters()))
    assert all(not gradient.any() for gradient in gradients)


def test_decoding_returns_embeddings_and_no_text():
    head, (encoded, lengths, _, _) = build(), some_batch()
    with torch.no_grad():
        found = SpeakerDecoder(head)(encoded, lengths)
        expected = head.embed(encoded, lengths)
    assert [len(hypotheses) for hypotheses in found] == [1] * 7
    assert {hypotheses[0].text for hypotheses in found} == {""}
    arrays = [hypotheses[0].array for hypotheses in found]
    assert {(array.dtype.name, array.shape) for array in arrays} == {("float32", (4,))}
    torch.testing.assert_close(torch.tensor(arrays[2]), expected[2].float())

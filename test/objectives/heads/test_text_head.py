import math

import pytest
import torch
from espnet2.asr.ctc import CTC

from espnet_soups.network.tally import LabelTally
from espnet_soups.objectives.heads.shared_head import join_token_lists
from espnet_soups.objectives.heads.text_head import TextHead
from espnet_soups.testing.toy_model import TOKENS, make_toy_batch, make_toy_model


def ctc_head():
    torch.manual_seed(0)
    return TextHead(TOKENS, CTC(len(TOKENS), 4), None, ctc_weight=1.0)


def test_labels_that_ctc_cannot_align_take_no_part_and_are_counted():
    head = ctc_head()
    encoded, frames = torch.randn(2, 5, 4), torch.tensor([5, 3])
    labels, lengths = torch.tensor([[2, 3, 4], [2, 2, 3]]), torch.tensor([3, 3])
    loss = head(encoded, frames, labels, lengths)
    alone = head(encoded[:1], frames[:1], labels[:1], lengths[:1])
    torch.testing.assert_close(loss.total, alone.total)
    assert (loss.count, loss.utterances, loss.unalignable) == (3.0, 2, 1)


def test_a_batch_with_no_alignable_label_gives_zero_that_touches_every_parameter():
    head = ctc_head()
    loss = head(torch.randn(1, 1, 4), torch.tensor([1]), torch.tensor([[2, 3]]), torch.tensor([2]))
    assert (loss.total, loss.count, loss.unalignable) == (0.0, 0.0, 1)
    loss.total.backward()
    assert all(torch.equal(p.grad, torch.zeros_like(p)) for p in head.parameters())


def test_counts_do_not_round_in_half_precision():
    loss = ctc_head().absent(torch.zeros(1, dtype=torch.bfloat16))
    assert loss.total.dtype == loss.count.dtype == torch.float32


def test_ctc_accuracy_is_computed_in_evaluation_only():
    head = ctc_head()
    inputs = torch.randn(1, 6, 4), torch.tensor([6]), torch.tensor([[2, 3]]), torch.tensor([2])
    assert math.isnan(head(*inputs).correct)
    assert math.isfinite(head.eval()(*inputs).correct)


def test_the_tally_adds_up_over_batches_and_can_be_reset():
    head, tally = ctc_head(), LabelTally(["asr_fr"])
    inputs = torch.randn(1, 1, 4), torch.tensor([1]), torch.tensor([[2, 3]]), torch.tensor([2])
    tally.add([head(*inputs)])
    tally.add([head(*inputs)])
    assert tally.over_ranks(torch.device("cpu")) == {"asr_fr": (2, 2)}
    tally.reset()
    assert tally.over_ranks(torch.device("cpu")) == {"asr_fr": (0, 0)}


def test_hybrid_heads_mix_ctc_and_attention_by_their_weight():
    batch = make_toy_batch()
    losses = {}
    for weight in (0.0, 0.3, 1.0):
        model = make_toy_model(asr_ctc_weight=0.3).eval()
        head = model.heads["asr_fr"]
        head.ctc_weight = weight
        losses[weight] = model(**batch)[1]["loss/asr_fr"]
    expected = 0.3 * losses[1.0] + 0.7 * losses[0.0]
    torch.testing.assert_close(losses[0.3], expected, rtol=1e-6, atol=0)


def test_hybrid_heads_leave_out_the_longest_label_where_ctc_cannot_align_it():
    head = make_toy_model(asr_ctc_weight=0.3).eval().heads["asr_fr"]
    size = head.ctc.ctc_lo.in_features
    encoded, frames = torch.randn(2, 5, size).double(), torch.tensor([5, 3])
    labels, lengths = torch.tensor([[2, 3, 0, 0], [2, 3, 4, 2]]), torch.tensor([2, 4])
    loss = head(encoded, frames, labels, lengths)
    alone = head(encoded[:1], frames[:1], labels[:1, :2], lengths[:1])
    torch.testing.assert_close(loss.total, alone.total)
    assert (loss.count, loss.unalignable) == (2.0, 1)


def test_a_joint_vocabulary_has_each_token_once_and_ends_with_the_end():
    lists = {"asr_en": TOKENS, "asr_fr": [*TOKENS[:-1], "ç", TOKENS[-1]]}
    joint = join_token_lists(lists, {"asr_en": ["<en>"], "asr_fr": ["<fr>"]})
    assert len(joint) == len(set(joint))
    assert joint[:4] == ["<blank>", "<unk>", "<en>", "<fr>"]
    assert joint[-2:] == ["ç", "<sos/eos>"]


@pytest.mark.parametrize("ctc_weight", [0.0, 1.0])
def test_a_shared_head_tells_languages_apart_by_their_token(ctc_weight):
    model = make_toy_model(st_heads="shared", st_ctc_weight=ctc_weight).eval()
    assert {name.split(".")[0] for name, _ in model.named_parameters()} >= {"shared_heads"}
    views = [model.heads["st_fr_en"], model.heads["st_es_en"]]
    assert views[0].head is views[1].head is model.shared_heads["st"]
    torch.manual_seed(0)
    inputs = (torch.randn(1, 8, 8).double(), torch.tensor([8]))
    labels = (torch.tensor([[2, 3]]), torch.tensor([2]))
    losses = [view(*inputs, *labels).total for view in views]
    assert losses[0] != losses[1]

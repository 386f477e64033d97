import pytest
import torch
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
from espnet2.legacy.nets.pytorch_backend.transformer.label_smoothing_loss import (
    LabelSmoothingLoss,
)

from espnet_soups.losses.attention import IGNORED, attention_sum, teacher_forcing

START, END, VOCABULARY = 8, 9, 10


def test_inputs_begin_with_the_prefix_and_targets_finish_with_end():
    labels = torch.tensor([[1, 2, 3], [4, -1, -1]])
    inputs, targets = teacher_forcing(labels, torch.tensor([3, 1]), (START,), END)
    assert inputs[0].tolist() == [START, 1, 2, 3]
    assert inputs[1, :2].tolist() == [START, 4]
    assert targets.tolist() == [[1, 2, 3, END], [4, END, IGNORED, IGNORED]]
    inputs, longer = teacher_forcing(labels, torch.tensor([3, 1]), (7, START), END)
    assert inputs[:, :4].tolist() == [[7, START, 1, 2], [7, START, 4, END]]
    assert longer.tolist() == [[IGNORED, *row] for row in targets.tolist()]


@pytest.mark.parametrize("wider", [0, 2])  # columns that no label needs
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("prefix", [(START,), (7, 6, START)])
def test_the_sum_equals_plain_cross_entropy_of_each_token(smoothing, wider, prefix):
    torch.manual_seed(0)
    decoder = TransformerDecoder(VOCABULARY, 8, attention_heads=2, linear_units=8, num_blocks=1)
    decoder.eval()
    criterion = LabelSmoothingLoss(VOCABULARY, IGNORED, smoothing)
    encoded, frames = torch.randn(2, 6, 8), torch.tensor([6, 4])
    labels, lengths = torch.tensor([[1, 2, 3], [4, -1, -1]]), torch.tensor([3, 1])
    labels = torch.nn.functional.pad(labels, (0, wider), value=-1)
    loss, correct = attention_sum(decoder, criterion, encoded, frames, labels, lengths, prefix, END)
    expected, right = torch.zeros(()), 0
    for row in range(2):  # each utterance by itself, nothing padded
        label = labels[row, : lengths[row]].tolist()
        inputs = torch.tensor([[*prefix, *label]])
        logits, _ = decoder(
            encoded[row : row + 1, : frames[row]],
            frames[row : row + 1],
            inputs,
            torch.tensor([len(label) + len(prefix)]),
        )
        log_probs = logits[0, len(prefix) - 1 :].log_softmax(dim=-1)
        for position, token in enumerate([*label, END]):
            target = torch.full((VOCABULARY,), smoothing / (VOCABULARY - 1))
            target[token] = 1 - smoothing
            entropy = -(target * target.clamp(min=1e-30).log()).sum()
            expected = expected - (target * log_probs[position]).sum() - entropy
            right += int(log_probs[position].argmax() == token)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)
    assert int(correct) == right

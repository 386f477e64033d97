import itertools

import pytest
import torch
import torch.nn.functional as F
from espnet2.asr.ctc import CTC

from espnet_soups.losses.ctc import alignable, count_correct, ctc_sum, greedy_tokens


def collapses_to(path, label):
    merged = [token for token, _ in itertools.groupby(path)]
    return [token for token in merged if token != 0] == label


def test_a_label_is_alignable_if_any_path_collapses_to_it():
    checked = 0
    for frames in range(1, 5):
        paths = list(itertools.product(range(3), repeat=frames))
        for length in range(1, 4):
            for label in itertools.product((1, 2), repeat=length):
                exists = any(collapses_to(path, list(label)) for path in paths)
                # padded by what would be repeats, were they read
                padded = torch.tensor([[*label, label[-1], label[-1]]])
                found = alignable(torch.tensor([frames]), padded, torch.tensor([length]))
                assert bool(found) == exists, (frames, label)
                checked += 1
    assert checked == 4 * 14


def test_the_sum_equals_torchs_loss_of_each_utterance():
    torch.manual_seed(0)
    ctc = CTC(odim=6, encoder_output_size=4)
    encoded, frames = torch.randn(3, 9, 4), torch.tensor([9, 6, 8])
    labels = torch.tensor([[1, 2, 2], [3, -1, -1], [4, 5, -1]])
    lengths = torch.tensor([3, 1, 2])
    expected = 0.0
    for row in range(3):
        log_probs = F.log_softmax(ctc.ctc_lo(encoded[row : row + 1, : frames[row]]), dim=-1)
        label = labels[row : row + 1, : lengths[row]]
        expected += F.ctc_loss(
            log_probs.transpose(0, 1),
            label,
            frames[row : row + 1],
            lengths[row : row + 1],
            reduction="sum",
        )
    torch.testing.assert_close(ctc_sum(ctc, encoded, frames, labels, lengths), expected)


def test_greedy_decoding_merges_repeats_and_drops_blanks_and_padding():
    path = torch.tensor([[1, 1, 0, 1, 2, 0, 3], [2, 2, 2, 0, 3, 3, 3]])
    log_probs = F.one_hot(path, 4).float().log()
    assert greedy_tokens(log_probs, torch.tensor([6, 4])) == [[1, 1, 2], [2]]


@pytest.mark.parametrize(
    ("hypothesis", "correct"), [([1, 2, 3], 3), ([1, 3], 2), ([], 0), ([4] * 9, -6)]
)
def test_correct_tokens_are_the_length_minus_the_edit_distance(hypothesis, correct):
    labels = torch.tensor([[1, 2, 3, -1]])
    assert count_correct([hypothesis], labels, torch.tensor([3])) == correct

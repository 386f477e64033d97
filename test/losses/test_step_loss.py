"""The loss of a step, by hand."""

import torch

from espnet_soups.losses.step_loss import label_shares, step_loss


def test_parts_count_by_their_share_of_the_labels_and_absent_objectives_not_at_all():
    shares = label_shares(torch.tensor([[3.0, 0.0, 6.0], [1.0, 0.0, 0.0]]))
    assert shares.tolist() == [[0.75, 0.0, 1.0], [0.25, 0.0, 0.0]]
    means = [[torch.tensor(value) for value in part] for part in ((4.0, 7.0, 2.0), (8.0, 7.0, 9.0))]
    assert step_loss(means, shares).item() == 0.75 * 4 + 0.25 * 8 + 2

"""CTC of several heads in one call is that of each alone, in every precision."""

import pytest
import torch
from espnet2.asr.ctc import CTC

from espnet_soups.losses.ctc_group import ctc_sums


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2), (torch.float16, 2e-3)]
)
def test_heads_of_unlike_vocabularies_have_the_losses_of_each_alone(dtype, tolerance):
    torch.manual_seed(0)
    layers = [CTC(odim=size, encoder_output_size=4) for size in (6, 9)]
    encoded = [torch.randn(2, 7, 4), torch.randn(1, 5, 4)]
    labels = [torch.tensor([[1, 2, 2], [3, 4, -1]]), torch.tensor([[8, 7]])]
    frames, tokens = torch.tensor([7, 6, 5]), torch.tensor([3, 2, 2])
    alone = [
        torch.nn.functional.ctc_loss(
            layer.ctc_lo(states).log_softmax(-1).transpose(0, 1),
            label,
            *(lengths[rows] for lengths in (frames, tokens)),
            reduction="sum",
        )
        for layer, states, label, rows in zip(
            layers, encoded, labels, (slice(2), slice(2, 3)), strict=True
        )
    ]
    halved = [states.to(dtype).requires_grad_() for states in encoded]
    found = ctc_sums([layer.to(dtype) for layer in layers], halved, labels, (frames, tokens))
    sum(found).backward()
    for one, other, states in zip(found, alone, halved, strict=True):
        assert one.item() == pytest.approx(other.item(), rel=tolerance)
        assert bool(states.grad.isfinite().all())

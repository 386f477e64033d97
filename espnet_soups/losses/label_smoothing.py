"""Label smoothing in closed form, summed over the tokens of each of several heads."""

import torch
from torch import Tensor


def smoothed_sums(logits: Tensor, targets: Tensor, smoothing: float, ignored: int) -> Tensor:
    """Return the divergence from smoothed labels, as ESPnet's `LabelSmoothingLoss` sums it.

    The correct token has probability 1 - s, each other one s / (V - 1).

    Args:
        logits: Scores of each token, [G, B, L, V].
        targets: Token ids, [G, B, L].
        smoothing: The share s that is spread over the other tokens.
        ignored: The id of positions that do not count.

    Returns:
        A sum for each group, [G].
    """
    scored = targets != ignored
    logs = torch.log_softmax(logits, dim=-1)
    wanted = logs.gather(-1, targets.where(scored, 0).unsqueeze(-1)).squeeze(-1)
    other = smoothing / (logits.size(-1) - 1)
    kept = torch.tensor([1.0 - smoothing, smoothing, other], dtype=torch.float64)
    entropy = torch.special.xlogy(kept[:2], kept[[0, 2]]).sum().item()
    losses = entropy - (1.0 - smoothing - other) * wanted - other * logs.sum(dim=-1)
    return losses.masked_fill(~scored, 0.0).sum(dim=(1, 2))

"""Feed-forward layers on few sizes of input, for products by oneDNN."""

from espnet2.legacy.nets.pytorch_backend.transformer.positionwise_feed_forward import (
    PositionwiseFeedForward,
)
from torch import Tensor

from espnet_soups.backbone.cpu.shapes import pad_rows


class FeedForward(PositionwiseFeedForward):
    """ESPnet's feed-forward layer, which pads its input once, not that of each linear layer."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the output of the two linear layers, [..., D].

        Args:
            values: Any leading shape, [..., D].
        """
        if values.device.type != "cpu":
            return super().forward(values)  # type: ignore[no-any-return]
        rows = values.reshape(-1, values.size(-1))
        found: Tensor = super().forward(pad_rows(rows))
        return found[: rows.size(0)].view(values.shape)

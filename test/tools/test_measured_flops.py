"""The plan's cost of a step against the operations that PyTorch counts in the engine's steps."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from espnet_soups.gradients.border import Border
from espnet_soups.gradients.gate import Gates
from espnet_soups.soup.elsewhere import weigh_elsewhere
from espnet_soups.soup.row_meter import RowMeter
from tools.machine_plan import flops
from tools.machine_plan.shapes import FRAMES_PER_SECOND, Audio, Measuring, ModelShape

BLOCKS, WIDTH, LANGUAGES, FRAMES = 8, 32, 3, 10


class Model(torch.nn.Module):
    """Layers of one product each, and a recognition head per language."""

    def __init__(self, pooled):
        super().__init__()
        self.pooled = pooled
        self.encoder = torch.nn.Module()
        self.encoder.embed = torch.nn.Linear(1, WIDTH, bias=False)
        layers = [torch.nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(BLOCKS)]
        self.encoder.encoders = torch.nn.ModuleList(layers)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(WIDTH, 64) for _ in range(LANGUAGES))

    def encode(self, x):
        x = self.encoder.embed(x)
        for layer in self.encoder.encoders:
            x = layer(x)
        return x

    def losses(self, audio):
        states = self.encode(torch.cat(audio)).chunk(LANGUAGES) if self.pooled else None
        states = states or [self.encode(part) for part in audio]
        return [head(x).square().mean() for head, x in zip(self.heads, states, strict=True)]


def count_flops(model, first, reused, elsewhere=False):
    """Count a step that measures the layers from `first` on; None: it measures nothing."""
    chosen = [] if first is None else list(model.encoder.encoders[first:].parameters())
    if first == 0:
        chosen = list(model.encoder.parameters())
    meter = RowMeter(model, ["encoder"], Gates(LANGUAGES), Border(), weigh_heads=False)
    audio = [torch.randn(1, FRAMES, 1) for _ in range(LANGUAGES)]
    with FlopCounterMode(display=False) as counter:
        meter.begin(chosen, steps_on_it=reused)
        losses = model.losses(audio)
        if chosen:
            _, losses = meter.measure(losses, [True] * LANGUAGES)
        total = torch.stack(list(losses)).sum()
        if elsewhere:
            below = [model.encoder.embed, *model.encoder.encoders[:first]]
            parameters = [parameter for layer in below for parameter in layer.parameters()]
            total = weigh_elsewhere(total, [losses], torch.ones(1, LANGUAGES), parameters)
        total.backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize(
    ("first", "reused", "elsewhere"),
    [
        (None, True, False),
        (0, True, False),
        (0, False, False),
        (6, True, False),
        (6, False, False),
        (6, False, True),
    ],
)
def test_a_step_makes_the_operations_that_the_plan_reckons(pooled, first, reused, elsewhere):
    torch.manual_seed(0)
    model = Model(pooled)
    depth = 0.0 if first is None else (BLOCKS - first) / BLOCKS
    heads = sum(parameter.numel() for parameter in model.heads.parameters())
    encoder = sum(parameter.numel() for parameter in model.encoder.parameters())
    shape = ModelShape(
        **dict.fromkeys(ModelShape.__dataclass_fields__, 0)
        | {"blocks": BLOCKS, "width": WIDTH, "languages": LANGUAGES}
        | {"encoder": encoder, "asr": heads, "frames_per_second": FRAMES_PER_SECOND}
    )
    audio = Audio(clip_seconds=0.0, translated_share=0.0)  # no frames in attention
    seconds = LANGUAGES * FRAMES / FRAMES_PER_SECOND
    measuring = Measuring(depth, pooled=pooled, reused=reused, elsewhere=elsewhere)
    reckoned = seconds * flops.training_flops(shape, audio, measuring)
    if first and not reused:  # rows that go no further need no gradient of what enters that layer
        passes = LANGUAGES if pooled else 1
        reckoned -= passes * LANGUAGES * FRAMES * 2 * WIDTH**2
    if elsewhere:  # a pass that needs no gradients of the measured parameters
        reckoned -= (BLOCKS - first) * LANGUAGES * FRAMES * 2 * WIDTH**2
    if first is not None and reused:  # the weighted sum of rows: the same for any audio
        reckoned += 2 * LANGUAGES * (BLOCKS - first) * WIDTH**2
    assert count_flops(model, first, reused, elsewhere) == pytest.approx(reckoned, rel=0.01)

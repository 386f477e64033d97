"""A soup on a backbone of bare parameters, whose rows are known: no ESPnet, float64."""

import torch

from espnet_soups.losses.global_counts import GlobalCounts
from espnet_soups.soup.build import build_soup
from espnet_soups.soup.config import read_soup_config
from espnet_soups.testing.toy_objectives import LETTERS, build_objectives

OBJECTIVES = build_objectives(["fr", "es"], ["fr_en", "es_en"])
NAMES = [objective.name for objective in OBJECTIVES]
LAYERS, WIDTH = 4, 6
SPOKEN = [0, 1, 0, 1]  # the language of each objective


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(WIDTH, dtype=torch.float64))
        self.bias = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))


class Backbone(torch.nn.Module):
    def __init__(self, layers=LAYERS):
        super().__init__()
        self.embed = torch.nn.Sequential(Layer())
        self.encoders = torch.nn.ModuleList(Layer() for _ in range(layers))


class Model(torch.nn.Module):
    """Objective k: the loss 100 + 20 k + sum over layers of a_kl . theta_l, a_kl of the batch."""

    def __init__(self):
        super().__init__()
        self.encoder = Backbone()

    def layers(self):
        return list(self.encoder.encoders)

    def losses(self, slopes):
        """Return the losses for slopes [m, L + 1, WIDTH + 2]; the last layer is the embedding."""
        layers = [*self.layers(), self.encoder.embed[0]]
        thetas = torch.stack([torch.cat([layer.weight, layer.bias]) for layer in layers])
        return [100.0 + 20.0 * k + (slope * thetas).sum() for k, slope in enumerate(slopes)]


class ModelWithDecoder(Model):
    """The same, but the last layer is a block of a decoder that the objectives share."""

    def __init__(self):
        super().__init__()
        self.encoder = Backbone(LAYERS - 1)
        decoder = torch.nn.ModuleDict({"decoders": torch.nn.ModuleList([Layer()])})
        self.shared_heads = torch.nn.ModuleDict({"text": decoder})

    def layers(self):
        return [*self.encoder.encoders, *self.shared_heads["text"]["decoders"]]


def draw_slopes(seed, noise=0.3, shared_noise=0.0, conflicting=(1, 3)):
    """Draw one batch: in the conflicting layers, recognition and translation disagree."""
    generator = torch.Generator().manual_seed(seed)
    fixed = torch.Generator().manual_seed(77)

    def draw(source, *shape):
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    common = draw(fixed, LAYERS + 1, WIDTH + 2)
    sign = torch.ones(4, LAYERS + 1, 1, dtype=torch.float64)
    for layer in conflicting:
        sign[2:, layer] = -1.0
    of_language = draw(generator, 2, LAYERS + 1, WIDTH + 2)
    own = draw(generator, 4, LAYERS + 1, WIDTH + 2)
    return sign * common + noise * own + shared_noise * of_language[SPOKEN]


def draw_halves(seed, **how):
    """Draw two independent batches, the halves of one step, [2, m, L + 1, WIDTH + 2]."""
    return torch.stack([draw_slopes(2 * seed, **how), draw_slopes(2 * seed + 1, **how)])


def count(losses, here):
    """What all ranks have counted: one label token of each objective in each part."""
    present = here.repeat(len(losses), 1)
    own = torch.stack([torch.stack(list(part)).detach() for part in losses]).mean(dim=0)
    nothing, one = torch.full_like(own, torch.nan), torch.ones(())
    mean = torch.where(here, own, nothing)
    no_numbers = [{}] * len(NAMES)
    return GlobalCounts(
        present.double(), present, own.isfinite(), mean, nothing, no_numbers, one, one
    )


class Run:
    """Trains the toy model as ESPnet's loop would."""

    def __init__(self, model=None, optimizer=None, shared=("encoder",), **conf):
        self.model = Model() if model is None else model
        self.soup = build_soup(read_soup_config(conf), OBJECTIVES, shared, LETTERS)
        make = optimizer or (lambda parameters: torch.optim.SGD(parameters, lr=0.01))
        self.optimizer = make(self.model.parameters())
        self.soup.bind(self.model, self.optimizer)

    @property
    def weights(self):
        return self.soup.weights.values

    def open_epoch(self, epoch, max_epoch=10, accum_grad=1, steps=None):
        self.soup.open_epoch(epoch, max_epoch, accum_grad, steps)

    def step(self, *batches, skipped=False, absent=()):
        """One optimiser step on mini-batches of two halves each; one half stands for two equal."""
        soup = self.soup
        here = torch.tensor([name not in absent for name in NAMES])
        for batch in batches:
            halves = batch if batch.dim() == 4 else torch.stack([batch, batch])
            self.plan = soup.plan()
            parts = halves if self.plan.parts == 2 else halves.mean(dim=0, keepdim=True)
            losses = [
                [soup.gates(loss, k) for k, loss in enumerate(self.model.losses(slopes))]
                for slopes in parts
            ]
            outcome = soup.observe(self.plan, losses, count(losses, here))
            (outcome.loss / soup.accum_grad).backward()
        if not skipped:
            self.optimizer.step()
        self.optimizer.zero_grad()

"""A soup on a backbone of bare parameters, whose rows are known: no ESPnet, float64."""

import torch

from espnet_soups.model.build_soup import build_soup
from espnet_soups.model.soup_config import read_soup_config
from espnet_soups.objective import build_objectives

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
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Sequential(Layer())
        self.encoders = torch.nn.ModuleList(Layer() for _ in range(LAYERS))


class Model(torch.nn.Module):
    """Objective k: the loss 100 + 20 k + sum over layers of a_kl . theta_l, a_kl of the batch."""

    def __init__(self):
        super().__init__()
        self.encoder = Backbone()

    def losses(self, slopes):
        """Gives the losses for slopes [m, L + 1, WIDTH + 2]; the last layer is the embedding."""
        layers = [*self.encoder.encoders, self.encoder.embed[0]]
        thetas = torch.stack([torch.cat([layer.weight, layer.bias]) for layer in layers])
        return [100.0 + 20.0 * k + (slope * thetas).sum() for k, slope in enumerate(slopes)]


def draw_slopes(seed, noise=0.3, shared_noise=0.0, conflicting=(1, 3)):
    """Draws one batch: in the conflicting layers, recognition and translation disagree."""
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


class Run:
    """Trains the toy model as ESPnet's loop would."""

    def __init__(self, **conf):
        self.model = Model()
        self.soup = build_soup(read_soup_config(conf), OBJECTIVES, ["encoder"]).double()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.soup.bind(self.model, self.optimizer)

    def open_epoch(self, epoch, max_epoch=10, accum_grad=1):
        self.soup.open_epoch(epoch, max_epoch, accum_grad)

    def step(self, *batches, skipped=False, absent=()):
        """One optimiser step; in `mode: exact`, the two batches are the halves of one."""
        soup = self.soup
        here = torch.tensor([name not in absent for name in NAMES])
        parts = [batches] if soup.parts > 1 else [[batch] for batch in batches]
        for part in parts:
            soup.begin_batch()
            losses = [
                [soup.gates(loss, k) for k, loss in enumerate(self.model.losses(slopes))]
                for slopes in part
            ]
            stepped_on = soup.observe(losses, here.repeat(len(part), 1))
            total = sum(torch.stack(list(own)).sum() / len(part) for own in stepped_on)
            (total / soup.accum_grad).backward()
        if not skipped:
            self.optimizer.step()
        self.optimizer.zero_grad()

"""Two processes with half of each batch equal one process with all of it."""

import torch
from torch.nn.parallel import DistributedDataParallel

from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

SOUP = {
    "soup": "vm",
    "order": "SA",
    "combiner": ["modo", "uw"],
    "combiner_conf": [{"gamma": 0.3}, {"lr": 0.1}],
    "layers": "conflicting",
    "selection": {"steps": 1, "threshold": 0.5},
}
STEPS = 3


def make_batch(step):
    """A batch in which one rank has no Spanish translation at all, and ranks differ in tokens."""
    batch = make_toy_batch(seed=step)
    rows = torch.arange(12)
    absent = (batch["lang"][:, 0] == 2) & (rows % 2 == 1)
    batch["text_en"][absent], batch["text_en_lengths"][absent] = -1, 1
    return batch


def train(rank, world):
    """Steps as ESPnet's trainer takes them; gives what the soup and the model end with."""
    network = make_toy_model("msp", SOUP).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    network.soup.bind(network, optimizer)
    network.soup.open_epoch(26, 200, accum_grad=1)
    model = DistributedDataParallel(network) if world > 1 else network
    for step in range(STEPS):
        part = {name: value[rank::world] for name, value in make_batch(step).items()}
        loss, _, weight = model(**part)
        loss = (loss * weight.to(loss.dtype)).sum()
        if world > 1:
            torch.distributed.all_reduce(weight)
        (loss / weight.to(loss.dtype) * world).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
    soup = network.soup
    conflicts = torch.tensor(soup.layers.conflicts + list(soup.layers.chosen))
    return {
        **network.state_dict(),
        "weights": soup.weights,
        "norms": soup.norms,
        "conflicts": conflicts,
    }


def train_as_rank(rank, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/ranks", rank=rank, world_size=2
    )
    torch.save(train(rank, 2), f"{folder}/{rank}.pth")
    torch.distributed.destroy_process_group()


def test_two_processes_with_half_a_batch_equal_one_with_all_of_it(tmp_path):
    torch.multiprocessing.spawn(train_as_rank, args=(str(tmp_path),), nprocs=2)
    expected = train(0, 1)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pth")
        assert found.keys() == expected.keys()
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-6, msg=name)

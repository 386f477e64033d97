"""Two processes with half of each batch equal one process with all of it.

Self-supervision is BEST-RQ: each utterance has masks and codes of its own. CPC tells its frames
from those of the other utterances of the rank, so that its loss does depend on the division.
"""

import torch
from torch.nn.parallel import DistributedDataParallel

import espnet_soups.model.best_rq_head
from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

SOUP = {
    "soup": "vm",
    "order": "USA",
    "combiner": ["modo", "uw", "static"],
    "combiner_conf": [{"gamma": 0.3}, {"lr": 0.1}, {}],
    "layers": "conflicting",
    "selection": {"steps": 1, "threshold": 0.5},
}
BEST_RQ = {"mask_frames": 3, "codebook_size": 16, "codebook_dim": 4, "mask_noise": 0.0}
STEPS, BROKEN = 4, 2


def make_batch(step):
    """A batch in which one rank has no Spanish translation at all, and ranks differ in tokens.

    In one step, an utterance of the second rank is broken.
    """
    batch = make_toy_batch(seed=step)
    rows = torch.arange(12)
    absent = (batch["lang"][:, 0] == 2) & (rows % 2 == 1)
    batch["text_en"][absent], batch["text_en_lengths"][absent] = -1, 1
    if step == BROKEN:
        batch["speech"][5] = torch.nan
    return batch


def mask_by_length(lengths, probability, span, generator=None):
    """One span in every utterance, whoever masks it; its place follows from the length."""
    places = torch.arange(int(lengths.max())).unsqueeze(0)
    starts = (lengths % 4).unsqueeze(1)
    return (places >= starts) & (places < starts + span)


def train(rank, world):
    """Steps as ESPnet's trainer takes them; gives what the soup and the model end with."""
    espnet_soups.model.best_rq_head.draw_spans = mask_by_length
    network = make_toy_model("msp", SOUP, ssl="best_rq", ssl_conf=BEST_RQ).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    network.soup.bind(network, optimizer)
    network.soup.open_epoch(26, 200, accum_grad=1)
    network.guard.bind(optimizer)
    network.guard.open_epoch(accum_grad=1)
    model = DistributedDataParallel(network) if world > 1 else network
    for step in range(STEPS):
        part = {name: value[rank::world] for name, value in make_batch(step).items()}
        loss, _, weight = model(**part)
        loss = (loss * weight.to(loss.dtype)).sum()
        if world > 1:
            torch.distributed.all_reduce(weight)
        (loss / weight.to(loss.dtype) * world).sum().backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)):
            optimizer.step()
        optimizer.zero_grad()
    network.guard.close_epoch(torch.device("cpu"))
    assert network.guard.not_finite == {"asr_fr": 1, "st_fr_en": 1, "ssl": 1}
    soup = network.soup
    conflicts = torch.tensor(soup.layers.conflicts + list(soup.layers.chosen))
    return {
        **network.state_dict(),
        "weights": soup.weights,
        "norms": soup.norms.values,
        "conflicts": conflicts,
    }


def train_as_rank(rank, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/ranks", rank=rank, world_size=2
    )
    torch.save(train(rank, 2), f"{folder}/{rank}.pth")
    torch.distributed.destroy_process_group()


def test_two_processes_with_half_a_batch_equal_one_with_all_of_it(tmp_path, monkeypatch):
    head = espnet_soups.model.best_rq_head
    monkeypatch.setattr(head, "draw_spans", head.draw_spans)  # put back after `train`
    torch.multiprocessing.spawn(train_as_rank, args=(str(tmp_path),), nprocs=2)
    expected = train(0, 1)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pth")
        assert found.keys() == expected.keys()
        for name, tensor in expected.items():
            # ESPnet's CTC works in float32, so that its losses depend on their neighbours.
            same = torch.allclose(found[name], tensor, rtol=1e-5, atol=1e-6)
            assert same, f"rank {rank}: {name} is {found[name]}, but should be {tensor}"

"""Two processes with half of each batch equal one process with all of it.

Self-supervision is BEST-RQ: each utterance has masks and codes of its own. CPC tells its frames
from those of the other utterances of the rank, so that its loss does depend on the division.
"""

from datetime import timedelta

import pytest
import torch
from espnet2.torch_utils.recursive_op import recursive_average
from torch.nn.parallel import DistributedDataParallel

import espnet_soups.objectives.self_supervision.best_rq_head
from espnet_soups.testing.toy_model import DECODER_CONF, make_toy_batch, make_toy_model

SOUP = {
    "soup": "vm",
    "order": "USA",
    "combiner": ["modo", "uw", "static"],
    "combiner_conf": [{"gamma": 0.3}, {"lr": 0.1}, {}],
    "layers": "conflicting",
    "selection": {"steps": 8, "threshold": 1.0},
    "penalty": [{"level": level, "init": 0.5, "schedule": "constant"} for level in (2, 3)],
}
BEST_RQ = {"mask_frames": 3, "codebook_size": 16, "codebook_dim": 4, "mask_noise": 0.0}
EXACT = {**SOUP, "mode": "exact", "combiner": "modo", "combiner_conf": {"gamma": 0.3}}
SOUPS = {
    "pipelined": SOUP,
    "exact": {**EXACT, "layers": "all", "selection": {}},
    "exact on the top layer": {**EXACT, "layers": ["encoder.encoders.1"], "selection": {}},
    "one decoder": {
        **EXACT,
        "layers": ["encoder.encoders.1", "shared_heads.text.decoder.decoders.0"],
        "selection": {},
    },
}
ONE_DECODER = {"text_heads": "shared", "text_decoder_conf": dict(DECODER_CONF)}
MODELS = {"one decoder": ONE_DECODER}
STEPS, STEPS_OF_EXACT, BROKEN = 12, 4, 2
CPC = {"context_frames": 8, "future_frames": 4, "min_context_frames": 4, "hidden_size": 8}
AUDIO_ALONE = {
    "asr_token_list": {},
    "st_token_list": {},
    "st_pairs": [],
    "ssl_languages": ["en", "fr", "es"],
}
PENALTY = {"soup": "vc", "combiner": "modo", "penalty": [{"level": 2, "init": 0.5}]}
CTC = {"asr_ctc_weight": 1.0, "st_ctc_weight": 1.0, "trainer": "msp", "trainer_conf": PENALTY}
NOTHING_TO_ENCODE = {"pre-training": AUDIO_ALONE, "penalty": CTC}


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


def train(rank, world, name="pipelined"):
    """Step as ESPnet's trainer takes them; return what the soup and the model end with."""
    espnet_soups.objectives.self_supervision.best_rq_head.draw_spans = mask_by_length
    model = MODELS.get(name, {})
    network = make_toy_model("msp", SOUPS[name], ssl="best_rq", ssl_conf=BEST_RQ, **model).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    network.soup.bind(network, optimizer)
    network.soup.open_epoch(26, 200, accum_grad=1)
    network.guard.bind(optimizer)
    network.guard.open_epoch(accum_grad=1)
    model = DistributedDataParallel(network) if world > 1 else network
    # Rounding grows from step to step where weights count at once.
    for step in range(STEPS if name == "pipelined" else STEPS_OF_EXACT):
        # Each rank deals its own utterances: in this order, one process deals them alike.
        order = torch.tensor([0, 2, 1, 3]) if world == 1 else torch.arange(4)
        rows = (torch.arange(0, 12, 4).unsqueeze(1) + order).flatten()[rank::world]
        part = {name: value[rows] for name, value in make_batch(step).items()}
        loss, stats, weight = model(**part)
        stats, _ = recursive_average(stats, weight.clone(), distributed=world > 1)
        loss = (loss * weight.to(loss.dtype)).sum()
        everybody = weight.sum()  # of its own: the backward pass needs the weight of this rank
        if world > 1:
            torch.distributed.all_reduce(everybody)
        (loss / everybody.to(loss.dtype) * world).backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)):
            optimizer.step()
        optimizer.zero_grad()
    network.guard.close_epoch(torch.device("cpu"))
    assert network.guard.not_finite == {"asr_fr": 1, "st_fr_en": 1, "ssl": 1}
    soup = network.soup
    conflicts = []
    if name == "pipelined":
        assert soup.layers.chosen, "the weights rest where nothing was selected"
        estimate = soup.layers.estimate
        conflicts = estimate["value"] + estimate["high"] + list(soup.layers.chosen)
    reported = {name: value for name, value in stats.items() if name.startswith("loss")}
    assert torch.isfinite(reported["loss/st_es_en"]), "one rank has labels of it"
    return {
        **network.state_dict(),
        **reported,
        "weights": soup.weights.values,
        "norms": soup.state.norms.mean_square(),
        "conflicts": torch.tensor(conflicts),
    }


def train_without_encoding(rank, options):
    """Steps of self-supervision in which all audio of the second rank is too short for it, and
    too short for its labels, where there are any; tells whether the encoder has moved."""
    network = make_toy_model(ssl="cpc", ssl_conf=CPC, **options).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    if network.soup is not None:
        network.soup.bind(network, optimizer)
        network.soup.open_epoch(1, 2, accum_grad=1)
    model = DistributedDataParallel(network)
    before = next(network.encoder.parameters()).clone()
    for step in range(STEPS):
        batch = make_toy_batch(seed=step, frames=14 if rank == 0 else 4)
        if rank == 1:
            batch["speech_lengths"].fill_(1)
            batch["text"].fill_(3), batch["text_lengths"].fill_(4)
            batch["text_en"].fill_(-1), batch["text_en_lengths"].fill_(1)
        model(**batch)[0].backward()
        optimizer.step()
        optimizer.zero_grad()
    return {"moved": before.ne(next(network.encoder.parameters())).any(), **network.state_dict()}


def train_as_rank(rank, folder):
    """What one of two processes does."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/ranks",
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=60),
    )
    ended = {name: train(rank, 2, name) for name in SOUPS}
    for name, options in NOTHING_TO_ENCODE.items():
        ended[name] = train_without_encoding(rank, options)
    torch.save(ended, f"{folder}/{rank}.pth")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes ends with."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(train_as_rank, args=(str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pth") for rank in range(2)]


@pytest.mark.parametrize("name", SOUPS)
def test_two_processes_with_half_a_batch_equal_one_with_all_of_it(name, ranks, monkeypatch):
    head = espnet_soups.objectives.self_supervision.best_rq_head
    monkeypatch.setattr(head, "draw_spans", head.draw_spans)  # put back after `train`
    expected = train(0, 1, name)
    for rank in ranks:
        found = rank[name]
        assert found.keys() == expected.keys()
        for key, tensor in expected.items():
            # ESPnet's CTC works in float32, so that its losses depend on their neighbours.
            same = torch.allclose(found[key], tensor, rtol=1e-5, atol=1e-6, equal_nan=True)
            assert same, f"{key} is {found[key]}, but should be {tensor}"


@pytest.mark.parametrize("name", NOTHING_TO_ENCODE)
def test_a_rank_whose_audio_is_all_too_short_follows_the_other_one(ranks, name):
    first, second = (rank[name] for rank in ranks)
    assert first["moved"]
    for key, tensor in first.items():
        assert torch.equal(second[key], tensor), key

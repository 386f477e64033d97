"""Training with heads that are computed together, against the same training one by one."""

import pytest
import torch

from espnet_soups.network import msp_model
from espnet_soups.network.head_groups import losses_of_groups
from espnet_soups.objectives.heads.head import HeadInput
from espnet_soups.testing.toy_model import make_toy_batch, make_toy_model

STEPS = 50


def one_by_one(heads, inputs, alone):
    return {}


def train(monkeypatch, groups, **soup):
    """Return the losses of every objective in each step of a training in float32."""
    monkeypatch.setattr(msp_model, "losses_of_groups", groups)
    torch.manual_seed(0)
    model = make_toy_model(**soup).float().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    if model.soup is not None:
        model.soup.bind(model, optimizer)
        model.soup.open_epoch(1, 1, 1)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        batch = make_toy_batch(seed=step % 4)
        loss, stats, _ = model(**{**batch, "speech": batch["speech"].float()})
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        losses.append([float(v) for k, v in stats.items() if k.startswith("loss/")])
    return torch.tensor(losses)


@pytest.mark.parametrize(
    "soup",
    [
        {},
        {"trainer": "msp", "trainer_conf": {"soup": "vs", "combiner": "modo", "refresh": 8}},
        {"trainer": "msp", "trainer_conf": {"soup": "vs", "combiner": "static"}},
    ],
    ids=["joint", "measured", "weighed"],
)
def test_losses_of_fifty_steps_are_those_of_heads_one_by_one(monkeypatch, soup):
    groups: list[int] = []

    def counted(heads, inputs, alone):
        if not alone:
            groups.append(len(losses_of_groups(heads, inputs)))
        return losses_of_groups(heads, inputs, alone)

    together = train(monkeypatch, counted, **soup)
    alone = train(monkeypatch, one_by_one, **soup)
    assert together.shape == (STEPS, 5)
    assert together.isfinite().all()
    assert together[-4:].mean() < together[:4].mean()
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=0.0)
    # one step of eight is measured, if any: heads are computed together in both halves of it
    grouped = STEPS + len(range(7, STEPS, 8)) if "refresh" in str(soup) else STEPS
    assert groups.count(5) == len(groups) == grouped


def test_heads_that_read_several_languages_or_more_than_frames_are_computed_alone():
    model = make_toy_model().float().train()
    heads = [model.heads[name] for name in ("asr_en", "asr_fr")]
    own = HeadInput(
        torch.randn(1, 6, 8), torch.tensor([6]), torch.tensor([[2, 3]]), torch.tensor([2])
    )
    assert set(losses_of_groups(heads, {0: [own], 1: [own]})) == {0, 1}
    assert losses_of_groups(heads, {0: [own], 1: [own, own]}) == {}
    hook = heads[1].ctc.register_forward_hook(lambda *_: None)  # a group would not call it
    assert losses_of_groups(heads, {0: [own], 1: [own]}) == {}
    hook.remove()
    heads[1].forward = heads[1].forward
    assert losses_of_groups(heads, {0: [own], 1: [own]}) == {}
    assert losses_of_groups(heads, {0: [own], 1: [(*own, own.encoded, own.frame_lengths)]}) == {}


def test_a_broken_head_of_a_group_spoils_no_loss_but_its_own():
    model = make_toy_model().train()
    with torch.no_grad():
        model.heads["asr_fr"].ctc.ctc_lo.weight.fill_(torch.nan)
        model.heads["st_es_en"].decoder.output_layer.weight.fill_(torch.nan)
    _, stats, _ = model(**make_toy_batch())
    broken = {name for name, value in stats.items() if "loss/" in name and value.isnan()}
    assert broken == {"loss/asr_fr", "loss/st_es_en"}

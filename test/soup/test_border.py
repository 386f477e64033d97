"""When a measured step ends the graph before the heads, and that nothing gets lost there."""

import pytest
import torch

from espnet_soups.gradients.border import Border
from espnet_soups.gradients.deposit import Inputs, measure_and_deposit
from espnet_soups.gradients.gate import Gates
from espnet_soups.testing.toy_model import ENCODER_CONF, make_toy_batch, make_toy_model

SOUP = {"soup": "vs", "combiner_conf": {"gamma": 0.3}}


def gradients(change=None, closes=True, **options):
    """Make a measured step of a model that `change` has changed; return gradients by name."""
    model = make_toy_model("msp", SOUP, **options).train()
    if change is not None:
        change(model)
    model.soup.bind(model, torch.optim.SGD(model.parameters(), lr=0.1))
    meter = model.soup._meter
    meter._ends_before_heads &= closes
    model.soup.open_epoch(1, 2, 1, 10)
    model(**make_toy_batch())[0].backward()
    return meter._ends_before_heads, {n: p.grad for n, p in model.named_parameters()}


def turn_round(model):
    heads = dict(reversed(list(model.heads.items())))
    model.heads = torch.nn.ModuleDict(heads)


def tie(model):
    first, second = (model.heads[name].decoder for name in ("st_fr_en", "st_es_en"))
    second.output_layer.weight = first.output_layer.weight


@pytest.mark.parametrize(
    ("change", "options", "ends"),
    [
        (None, {}, True),
        (turn_round, {}, True),
        (tie, {}, False),
        (None, {"ssl": "best_rq"}, False),
        (None, {"st_heads": "shared"}, False),
    ],
)
def test_the_gradients_are_those_of_heads_one_by_one(change, options, ends):
    found, ours = gradients(change, **options)
    _, theirs = gradients(change, closes=False, **options)
    assert found == ends
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-6, atol=1e-9)


def test_a_head_that_is_a_subclass_is_walked_through_alone():
    def subclass(model):
        head = model.heads["asr_fr"]
        head.__class__ = type("Own", (type(head),), {})

    assert not gradients(subclass)[0]


def test_the_border_holds_no_graph_once_all_is_measured():
    model = make_toy_model("msp", SOUP).train()
    model.soup.bind(model, torch.optim.SGD(model.parameters(), lr=0.1))
    model.soup.open_epoch(1, 2, 1, 10)
    model(**make_toy_batch())
    assert not model.soup.border.origins
    assert not model.soup.border.leaves


def test_a_rank_without_labels_still_reaches_all_shared_parameters():
    shared = [torch.ones(2, requires_grad=True) for _ in range(2)]
    border = Border()
    border.close()
    touched = sum(0.0 * parameter.sum() for parameter in shared)
    inputs = Inputs(shared[:1], shared[1:], [], border=border)
    _, (loss,) = measure_and_deposit([touched], [True], inputs, Gates(1))
    loss.backward()
    assert [parameter.grad.tolist() for parameter in shared] == [[0.0, 0.0]] * 2


@pytest.mark.parametrize("checkpointed", [[1], [2], [1, 2]])
def test_layers_that_are_computed_again_on_the_way_back_change_no_gradient(checkpointed):
    found = []
    for again in (checkpointed, []):
        conf = ENCODER_CONF | {"gradient_checkpoint_layers": again}
        model = make_toy_model(
            "msp", SOUP | {"layers": ["encoder.encoders.1"]}, encoder_conf=conf
        ).train()
        model.soup.bind(model, torch.optim.SGD(model.parameters(), lr=0.1))
        model.soup.open_epoch(1, 2, 1, 10)
        model(**make_toy_batch())[0].backward()
        found.append({n: p.grad for n, p in model.named_parameters()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-6, atol=1e-9)

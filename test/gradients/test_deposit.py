"""The deposit against one plain backward pass behind the gates."""

from collections import namedtuple

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_soups.gradients.cut import Cut
from espnet_soups.gradients.deposit import Inputs, measure_and_deposit
from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.rows import measure_rows

SIZE, WIDTH = 3, 4


class Net(torch.nn.Module):
    """Three layers and a head per objective; `skips` adds a path around the top layers."""

    def __init__(self, skips):
        super().__init__()
        torch.manual_seed(1)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.heads = torch.nn.ModuleList(torch.nn.Linear(WIDTH, 1) for _ in range(SIZE))
        self.skips = skips
        self.gates = Gates(SIZE)
        self.double()

    def losses(self, x, weigh_heads):
        lowest = torch.tanh(self.layers[0](x))
        states = torch.tanh(self.layers[2](torch.tanh(self.layers[1](lowest))))
        if self.skips:
            states = states + lowest
        losses = []
        for k, head in enumerate(self.heads):
            if weigh_heads:
                losses.append(self.gates(head(states).square().mean(), k))
            else:
                losses.append(head(self.gates(states, k)).square().mean())
        return losses

    def gradients(self):
        return [None if p.grad is None else p.grad.clone() for p in self.parameters()]


def step(losses, scales, present):
    """Walk back from the weighted sum of the objectives that have a label."""
    chosen = [
        scale * loss for scale, loss, here in zip(scales, losses, present, strict=True) if here
    ]
    if chosen:
        torch.stack(chosen).sum().backward()


@settings(deadline=None, max_examples=40)
@given(
    cut_at=st.sampled_from([None, 1, 2]),
    skips=st.booleans(),
    weigh_heads=st.booleans(),
    present=st.lists(st.booleans(), min_size=SIZE, max_size=SIZE),
    scales=st.lists(st.floats(-2, 2), min_size=SIZE, max_size=SIZE),
)
def test_parameters_get_the_gradients_of_a_backward_pass(
    cut_at, skips, weigh_heads, present, scales
):
    net, x = Net(skips), torch.randn(5, WIDTH, dtype=torch.float64)
    multipliers = torch.tensor([0.7, 0.2, 1.5])
    cut = Cut(list(net.layers))
    first = cut_at or 0
    measured = [p for layer in net.layers[first:] for p in layer.parameters()]
    rest = [p for layer in net.layers[:first] for p in layer.parameters()]

    net.gates.multipliers = multipliers
    losses = net.losses(x, weigh_heads)
    with net.gates.opened():
        expected_rows = measure_rows(losses, measured, present)
    step(losses, scales, present)
    expected = net.gradients()
    net.zero_grad()

    cut.set(None if cut_at is None else net.layers[cut_at])
    losses = net.losses(x, weigh_heads)
    inputs = Inputs(measured, rest, list(net.heads.parameters()), cut.origins, cut.leaves)
    net.gates.multipliers = torch.zeros(SIZE)  # those of the backward pass count
    with net.gates.opened():
        rows, deposited = measure_and_deposit(losses, present, inputs, net.gates, weigh_heads)
    net.gates.multipliers = multipliers
    torch.testing.assert_close(torch.stack(deposited), torch.stack(losses))
    step(deposited, scales, present)
    torch.testing.assert_close(rows, expected_rows)
    for found, wanted in zip(net.gradients(), expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_a_parameter_that_no_objective_reaches_stays_without_gradient():
    net, unused = Net(skips=False), torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    losses = net.losses(torch.randn(5, WIDTH, dtype=torch.float64), False)
    inputs = Inputs([*net.layers.parameters(), unused], [], list(net.heads.parameters()))
    with net.gates.opened():
        rows, deposited = measure_and_deposit(losses, [True] * SIZE, inputs, net.gates)
    torch.stack(deposited).sum().backward()
    assert unused.grad is None
    assert rows[:, -2:].tolist() == [[0.0, 0.0]] * SIZE


def test_rows_can_be_taken_on_one_parameter_alone_in_its_own_precision():
    weight = torch.nn.Parameter(torch.tensor([2.0, 3.0]).double())
    with Gates(1).opened():
        rows, _ = measure_and_deposit([weight.prod()], [True], Inputs([weight], [], []), Gates(1))
    assert torch.equal(rows, torch.tensor([[3.0, 2.0]]).double())


def test_a_loss_that_is_constant_on_this_rank_passes_as_it_is():
    net = Net(skips=False)
    losses = net.losses(torch.randn(5, WIDTH, dtype=torch.float64), False)
    losses[1] = torch.zeros((), dtype=torch.float64)  # a frozen head that has no label here
    inputs = Inputs(list(net.layers.parameters()), [], list(net.heads.parameters()))
    with net.gates.opened():
        rows, deposited = measure_and_deposit(losses, [True] * SIZE, inputs, net.gates)
    torch.stack(deposited).sum().backward()
    assert deposited[1] is losses[1]
    assert rows[1].abs().max() == 0
    torch.testing.assert_close(rows.sum(0), torch.cat([p.grad.flatten() for p in inputs.measured]))


def test_without_gradients_nothing_is_cut():
    layer = torch.nn.Linear(1, 1)
    cut = Cut([layer])
    cut.set(layer)
    with torch.no_grad():
        layer(torch.ones(1, requires_grad=True))
    assert cut.leaves == []


def test_tensors_inside_tuples_and_keywords_are_cut_and_others_pass():
    class Layer(torch.nn.Module):
        def forward(self, pair, mask, scale):
            return pair[0] * pair[1] * mask * scale

    layer = Layer()
    cut = Cut([layer])
    cut.set(layer)
    x, scale = (torch.tensor([value], requires_grad=True) for value in (2.0, 3.0))
    layer((x, torch.tensor([5.0])), torch.ones(1), scale=scale).backward()
    assert (x.grad, scale.grad) == (None, None)
    assert [leaf.grad.item() for leaf in cut.leaves] == [15.0, 10.0]
    assert all(leaf.is_leaf for leaf in cut.leaves)
    assert cut.origins[0] is x
    assert cut.origins[1] is scale


def test_what_is_more_than_a_plain_tuple_passes_a_cut_as_it_is():
    class Layer(torch.nn.Module):
        def forward(self, state):
            return state.sizes.sum()

    layer, named = Layer(), namedtuple("Named", ["sizes"])
    cut = Cut([layer])
    cut.set(layer)
    assert layer(named(torch.ones(2, requires_grad=True))) == 2.0
    assert cut.leaves == []


def test_a_cut_that_is_set_anew_forgets_what_it_had():
    layer = torch.nn.Linear(1, 1)
    cut = Cut([layer])
    cut.set(layer)
    layer(torch.ones(1, requires_grad=True))
    cut.set(layer)
    assert (cut.leaves, cut.origins) == ([], [])

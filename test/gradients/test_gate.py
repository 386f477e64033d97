import pytest
import torch

from espnet_soups.gradients.gate import Gates


def gated_gradient(gates, grad_output=1.0):
    x = torch.ones(2, requires_grad=True)
    (gates(x, 1) * grad_output).sum().backward()
    return x.grad.tolist()


def test_a_gate_changes_nothing_forwards_and_weighs_backwards():
    gates = Gates(2)
    gates.multipliers = torch.tensor([9.0, 0.25])
    assert gates(torch.tensor([3.0]), 1).tolist() == [3.0]
    assert gated_gradient(gates) == [0.25, 0.25]


def test_the_incoming_gradient_is_kept_as_a_factor():
    gates = Gates(2)
    gates.multipliers = torch.tensor([9.0, 0.5])
    assert gated_gradient(gates, grad_output=8.0) == [4.0, 4.0]


def test_weights_found_after_the_forward_pass_already_count():
    gates = Gates(1)
    x = torch.ones(1, requires_grad=True)
    loss = gates(x, 0).sum()
    gates.multipliers = torch.tensor([0.5])
    loss.backward()
    assert x.grad.tolist() == [0.5]


def test_opened_gates_pass_gradients_unweighted_even_at_weight_zero():
    gates = Gates(2)
    gates.multipliers = torch.zeros(2)
    with gates.opened():
        assert gated_gradient(gates) == [1.0, 1.0]
    assert gated_gradient(gates) == [0.0, 0.0]


def test_gates_close_again_after_an_error():
    gates = Gates(2)
    gates.multipliers = torch.zeros(2)
    with pytest.raises(RuntimeError), gates.opened():
        raise RuntimeError
    assert gated_gradient(gates) == [0.0, 0.0]

"""Gradients that are not finite are seen where they pass."""

import torch

from espnet_soups.gradients.watch import GradientWatch

CPU = torch.device("cpu")


def test_a_broken_gradient_of_a_shared_tensor_is_seen_for_its_own_objective_only():
    watch, shared = GradientWatch(3), torch.zeros(4, requires_grad=True)
    losses = [watch(shared, 0).sum(), torch.sqrt(watch(shared, 1)).sum(), watch(shared, 2).sum()]
    sum(losses).backward()
    assert watch.broken(CPU).tolist() == [0.0, 1.0, 0.0]
    assert torch.isinf(shared.grad).all(), "the gradient itself passes as it is"


def test_one_number_that_is_not_finite_is_enough():
    watch, shared = GradientWatch(1), torch.tensor([0.0, 1.0], requires_grad=True)
    torch.sqrt(watch(shared, 0)).sum().backward()
    assert watch.broken(CPU).tolist() == [1.0]


def test_one_broken_pass_of_several_is_remembered_until_it_is_forgotten():
    watch, shared = GradientWatch(1), torch.zeros(2, requires_grad=True)
    torch.sqrt(watch(shared, 0)).sum().backward()
    watch(shared, 0).sum().backward()
    assert watch.broken(CPU).tolist() == [1.0]
    watch.forget()
    assert watch.broken(CPU).tolist() == [0.0]


def test_what_comes_after_a_stop_is_not_seen():
    watch, shared = GradientWatch(1), torch.zeros(2, requires_grad=True)
    passed = torch.sqrt(watch(shared, 0)).sum()
    watch.stop()
    passed.backward()
    assert watch.broken(CPU).tolist() == [0.0]


def test_without_a_graph_values_pass_as_they_are():
    watch, values = GradientWatch(1), torch.ones(2)
    assert watch(values, 0) is values

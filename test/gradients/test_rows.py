import torch

from espnet_soups.gradients.rows import measure_rows


def test_rows_equal_one_backward_pass_each():
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2).double()
    x = torch.randn(4, 3, dtype=torch.float64)
    losses = [layer(x)[:, 0].square().mean(), layer(x)[:, 1].abs().sum()]
    rows = measure_rows(losses, list(layer.parameters()), [True, True])
    for row, loss in zip(rows, losses, strict=True):
        layer.zero_grad()
        loss.backward(retain_graph=True)
        expected = torch.cat([p.grad.flatten() for p in layer.parameters()])
        torch.testing.assert_close(row, expected)


def test_absent_objectives_and_unused_parameters_give_zeros():
    used, unused = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))
    losses = [used.sum(), used.sum()]
    rows = measure_rows(losses, [used, unused], [True, False])
    assert rows.tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_a_loss_that_is_constant_on_this_rank_gives_zeros():
    weight = torch.nn.Parameter(torch.ones(2))
    rows = measure_rows([torch.zeros(()), weight.sum()], [weight], [True, True])
    assert rows.tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_measuring_leaves_no_gradient_and_keeps_the_graph():
    weight = torch.nn.Parameter(torch.ones(2))
    loss = weight.square().sum()
    measure_rows([loss], [weight], [True])
    assert weight.grad is None
    loss.backward()
    assert weight.grad.tolist() == [2.0, 2.0]


def test_rows_that_are_measured_under_autocast_are_those_of_a_backward_pass_outside():
    torch.manual_seed(0)
    layer, matrix = torch.nn.Linear(8, 8), torch.nn.Parameter(torch.randn(8, 8))
    parameters = [layer.weight, matrix]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = layer(torch.randn(16, 8))
        with torch.autocast("cpu", enabled=False):  # as CPC compares its vectors
            loss = (hidden.float() @ matrix).square().sum()
        rows = measure_rows([loss], parameters, [True])
    expected = torch.autograd.grad(loss, parameters)
    assert torch.equal(rows[0], torch.cat([gradient.flatten() for gradient in expected]))


def test_small_gradients_do_not_vanish_in_float16():
    layer, inputs = torch.nn.Linear(4, 4), torch.ones(2, 4)
    loss = 1e-8 * layer(inputs).sum()
    expected = torch.autograd.grad(loss, [layer.weight])[0]
    with torch.autocast("cpu", dtype=torch.float16):
        loss = 1e-8 * layer(inputs).float().sum()
        rows = measure_rows([loss], [layer.weight], [True])
    assert not torch.autograd.grad(loss, [layer.weight])[0].any(), "unscaled, they do"
    torch.testing.assert_close(rows[0].view(4, 4), expected, rtol=0.02, atol=0.0)

import torch

from espnet_soups.soup.adam_metric import AdamMetric


def test_the_metric_is_what_adamw_divides_gradients_by():
    """Without momentum and decay, the step is `lr P^-1 g`."""
    parameters = [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2, 2))]
    optimizer = torch.optim.AdamW(parameters, lr=1.0, betas=(0.0, 0.9), weight_decay=0.0, eps=0.3)
    metric = AdamMetric(optimizer)
    assert not metric.is_ready(parameters)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        before = [parameter.detach().clone() for parameter in parameters]
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
        assert metric.is_ready(parameters)
        step = torch.cat([(b - p).flatten() for b, p in zip(before, parameters, strict=True)])
        gradient = torch.cat([p.grad.flatten() for p in parameters])
        torch.testing.assert_close(metric.read(parameters) * gradient, step.detach())


def test_a_parameter_that_was_never_stepped_on_counts_nothing():
    first, second = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    optimizer = torch.optim.AdamW([first, second])
    first.grad = torch.ones(2)
    optimizer.step()
    found = AdamMetric(optimizer).read([first, second])
    assert (found[:2] > 0).all()
    assert found[2:].tolist() == [0.0, 0.0]

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.gradients.products import HalfProducts, half_products, layer_products

SEEDS = st.integers(0, 10_000)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@given(SEEDS)
def test_products_are_those_of_numpy_in_any_metric(seed):
    first, second = draw(seed, 2, 3, 7)
    metric = np.abs(draw(seed + 1, 7))
    found = half_products(*(torch.tensor(value) for value in (first, second, metric)))
    np.testing.assert_allclose(found.cross, first @ np.diag(metric) @ second.T)
    np.testing.assert_allclose(found.first, first @ np.diag(metric) @ first.T)
    np.testing.assert_allclose(found.second, second @ np.diag(metric) @ second.T)


@given(SEEDS)
def test_products_of_combinations_are_combinations_of_products(seed):
    first, second = (torch.tensor(value) for value in draw(seed, 2, 4, 9))
    matrix, factors = torch.tensor(draw(seed + 1, 2, 4)), torch.tensor(draw(seed + 2, 4))
    products = half_products(first, second)
    expected = half_products(matrix @ first, matrix @ second)
    torch.testing.assert_close(products.combined(matrix).cross, expected.cross)
    torch.testing.assert_close(products.combined(matrix).power, expected.power)
    scaled = half_products(factors[:, None] * first, factors[:, None] * second)
    torch.testing.assert_close(products.scaled(factors).symmetric, scaled.symmetric)


@given(SEEDS)
def test_the_gram_of_the_whole_is_that_of_its_rows(seed):
    first, second = (torch.tensor(value) for value in draw(seed, 2, 3, 6))
    share = torch.rand(3, generator=torch.Generator().manual_seed(seed)).double()
    whole = share[:, None] * first + (1 - share[:, None]) * second
    found = half_products(first, second).of_the_whole(torch.stack([share, 1 - share]))
    torch.testing.assert_close(found, whole @ whole.T)


def test_products_are_not_rounded_under_autocast():
    rows = torch.randn(3, 500, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        products = half_products(rows, rows)
    expected = rows.double() @ rows.double().T
    torch.testing.assert_close(products.cross, expected, rtol=1e-5, atol=1e-3)


def test_a_number_that_is_not_finite_is_seen_wherever_it_is():
    good = torch.eye(2)
    assert HalfProducts(good, good, good).finite
    for place in range(3):
        matrices = [good.clone() for _ in range(3)]
        matrices[place][0, 1] = torch.nan
        assert not HalfProducts(*matrices).finite


@pytest.mark.parametrize("spans", [[(0, 3), (3, 8)], [(2, 5)]])
def test_layers_are_columns(spans):
    first, second = (torch.tensor(value) for value in draw(0, 2, 3, 8))
    products = layer_products(first, second, [[span] for span in spans])
    for layer, (start, stop) in enumerate(spans):
        own = half_products(first[:, start:stop], second[:, start:stop])
        torch.testing.assert_close(products[layer], own.symmetric)

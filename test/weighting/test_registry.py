import pytest
import torch
import torchjd.aggregation
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.weighting.registry import build_combiner, combiner_names
from espnet_soups.weighting.torchjd import GRAM_WEIGHTINGS


@pytest.mark.parametrize("name", combiner_names())
@given(seed=st.integers(0, 1000), size=st.integers(2, 5))
def test_every_combiner_stays_on_the_simplex_of_its_level(name, seed, size):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(size, 8, generator=generator, dtype=torch.float64)
    weights = torch.rand(size, generator=generator, dtype=torch.float64) + 0.01
    moved = build_combiner(name, {})(weights, rows @ rows.T)
    assert (moved >= 0).all()
    assert float(moved.sum()) == pytest.approx(float(weights.sum()))


@pytest.mark.parametrize("name", combiner_names())
def test_a_symmetrised_cross_gram_never_gives_nan(name):
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):  # unlike a Gram matrix of one batch, it can be indefinite
        first, second = torch.randn(2, 4, 6, generator=generator)
        gram = first @ second.T
        moved = build_combiner(name, {})(torch.full((4,), 0.25), (gram + gram.T) / 2)
        assert torch.isfinite(moved).all()
        assert float(moved.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("name", sorted(GRAM_WEIGHTINGS))
def test_torchjds_weights_are_clipped_and_normalised(name):
    rows = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
    gram = rows @ rows.T
    reference = getattr(torchjd.aggregation, GRAM_WEIGHTINGS[name])()(gram).clamp(min=0)
    moved = build_combiner(name, {})(torch.full((3,), 1 / 3), gram)
    torch.testing.assert_close(moved, reference / reference.sum())


def test_mgda_finds_the_shortest_vector_of_two():
    gram = torch.tensor([[4.0, 0.0], [0.0, 1.0]])
    moved = build_combiner("mgda", {})(torch.tensor([0.5, 0.5]), gram)
    torch.testing.assert_close(moved, torch.tensor([0.2, 0.8]))


def test_an_unknown_combiner_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"'mgda'.*'modo'.*but got 'modoo'"):
        build_combiner("modoo", {})


def test_static_weights_have_no_options():
    with pytest.raises(ValueError, match=r"of static is not valid.*no arguments"):
        build_combiner("static", {"gamma": 1})


@pytest.mark.parametrize("name", ["modo", "mgda"])
def test_an_unknown_option_is_named(name):
    with pytest.raises(ValueError, match=f"of {name} is not valid.*gama"):
        build_combiner(name, {"gama": 1})

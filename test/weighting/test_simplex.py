import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.weighting.simplex import project_to_simplex

vectors = st.lists(st.floats(-50, 50), min_size=1, max_size=9).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)
masses = st.floats(0.0, 3.0)


def by_bisection(vector, mass):
    """The threshold t with sum(max(v - t, 0)) = mass, halved 200 times."""
    low, high = float(vector.min()) - mass - 1.0, float(vector.max())
    for _ in range(200):
        middle = (low + high) / 2
        too_much = float((vector - middle).clamp(min=0).sum()) > mass
        low, high = (middle, high) if too_much else (low, middle)
    return (vector - high).clamp(min=0)


@given(vectors, masses)
def test_it_agrees_with_bisection(vector, mass):
    projected = project_to_simplex(vector, mass)
    torch.testing.assert_close(projected, by_bisection(vector, mass), rtol=0, atol=1e-11)


@given(vectors, masses)
def test_it_lies_on_the_simplex_and_stays_there(vector, mass):
    once = project_to_simplex(vector, mass)
    assert (once >= 0).all()
    assert float(once.sum()) == pytest.approx(mass, abs=1e-11)
    torch.testing.assert_close(project_to_simplex(once, mass), once, rtol=0, atol=1e-11)


@given(vectors, st.floats(-10, 10))
def test_a_common_shift_changes_nothing(vector, shift):
    torch.testing.assert_close(
        project_to_simplex(vector + shift), project_to_simplex(vector), rtol=0, atol=1e-11
    )


@given(vectors, st.randoms(use_true_random=False))
def test_no_other_point_of_the_simplex_is_nearer(vector, random):
    other = torch.tensor([random.random() + 1e-3 for _ in vector], dtype=torch.float64)
    other = other / other.sum()
    projected = project_to_simplex(vector)
    assert (vector - projected).norm() <= (vector - other).norm() + 1e-12


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        project_to_simplex(torch.tensor([0.5, float("nan")]))
    with pytest.raises(ValueError, match="`mass`"):
        project_to_simplex(torch.tensor([0.5]), mass=-1.0)

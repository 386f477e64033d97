import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.task.balance.largest_batch import Trial, find_largest_size, write_size


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_what_is_found_fits_and_a_twentieth_more_does_not(start, most):
    tried = []

    def attempt(size):
        tried.append(size)
        return Trial(size <= most)

    found = find_largest_size(start, attempt)
    assert found <= most < max(1.05 * found, found + 1) + 1
    assert len(tried) <= 35


def test_the_search_ends_where_all_data_are_in_one_mini_batch():
    assert find_largest_size(100, lambda size: Trial(True, at_end=size >= 400)) == 400


def test_a_smallest_mini_batch_that_does_not_fit_is_told():
    tried = []

    def attempt(size):
        tried.append(size)
        return Trial(False, at_end=size < 300)

    with pytest.raises(ValueError, match="does not fit even with the smallest mini-batches"):
        find_largest_size(1000, attempt)
    assert tried == [1000, 500, 250]


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ("a: 1\nbatch_bins: 5   # old\nb: 2\n", "batch_bins", 70, {"a": 1, "b": 2}),
        ("batch_bins: 5\nbatch_type: numel\n", "batch_seconds", 6.5, {"batch_type": "numel"}),
        ("batch_size: 5\nc: {batch_size: 3}\n", "batch_size", 8, {"c": {"batch_size": 3}}),
        ("a: 1\n# batch_bins: 3", "batch_bins", 8, {"a": 1}),
        ("batch_bins: 5\nbatch_size: 4\n", "batch_bins", 9, {"batch_size": 4}),
    ],
)
def test_the_size_stands_in_the_configuration_once_and_all_else_stays(
    tmp_path, text, key, value, expected
):
    path = tmp_path / "train.yaml"
    path.write_text(text)
    write_size(path, key, value, "the most that fits into 8 GiB")
    assert yaml.safe_load(path.read_text()) == {**expected, key: value}
    assert "fits into 8 GiB" in path.read_text()
    assert ("# old" in path.read_text()) is False

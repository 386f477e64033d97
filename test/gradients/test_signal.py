import torch

from espnet_soups.gradients.signal import FLOOR, MEMORY, RunningSignal, divide_by_norms

YES = torch.tensor([True])


def one(value):
    return torch.tensor([value], dtype=torch.float64)


def test_the_first_measurements_are_averaged_and_later_ones_forgotten():
    running = RunningSignal.unknown(1)
    for value in (4.0, 2.0):
        running = running.after(one(value), one(9.0), YES, elapsed=1)
    assert running.mean_square().tolist() == [3.0]
    for _ in range(20 * MEMORY):
        running = running.after(one(1.0), one(9.0), YES, elapsed=1)
    torch.testing.assert_close(running.mean_square(), one(1.0), rtol=1e-6, atol=0)


def test_the_memory_is_in_optimiser_steps_however_seldom_one_measures():
    always, seldom = RunningSignal.unknown(1), RunningSignal.unknown(1)
    for value in (5.0, 1.0):
        for _ in range(10 * MEMORY // 8):
            seldom = seldom.after(one(value), one(9.0), YES, elapsed=8)
            for _ in range(8):
                always = always.after(one(value), one(9.0), YES, elapsed=1)
    torch.testing.assert_close(always.mean_square(), seldom.mean_square(), rtol=1e-9, atol=0)


def test_a_fall_by_half_is_followed_within_the_memory():
    running = RunningSignal.unknown(1)
    for _ in range(4 * MEMORY):
        running = running.after(one(2.0), one(9.0), YES, elapsed=1)
    for _ in range(MEMORY):
        running = running.after(one(1.0), one(9.0), YES, elapsed=1)
    assert 1.0 < float(running.mean_square()) < 1.4


def test_products_near_zero_or_negative_cannot_blow_the_scale_up():
    for signal in (0.0, -3.0):
        running = RunningSignal.unknown(1).after(one(signal), one(10.0), YES, elapsed=1)
        assert running.mean_square().tolist() == [10.0 * FLOOR]


def test_what_is_not_known_changes_nothing_not_even_by_a_nan():
    running = RunningSignal.unknown(2)
    known = torch.tensor([True, False])
    values = torch.tensor([4.0, torch.nan], dtype=torch.float64)
    running = running.after(values, values, known, elapsed=3)
    assert running.mean_square().tolist() == [4.0, 0.0]
    assert running.steps.tolist() == [3.0, 0.0]
    assert running.waiting.tolist() == [0.0, 3.0]


def test_factors_divided_by_norms_keep_the_sum_of_the_lengths():
    squares = torch.tensor([4.0, 100.0, 0.25, 0.0], dtype=torch.float64)
    norms = RunningSignal(squares, squares, *torch.ones(2, 4, dtype=torch.float64))
    factors = torch.tensor([0.5, 0.4, 0.3, 0.7], dtype=torch.float64)
    found, own = divide_by_norms(factors, norms), squares.sqrt()
    torch.testing.assert_close(found @ own, factors @ own)
    lengths = (found * own)[:3]
    torch.testing.assert_close(lengths / lengths.sum(), factors[:3] / factors[:3].sum())
    assert found[3] == factors[3], "a norm that is not known changes nothing"


def test_restarted_means_are_replaced_by_the_next_measurement_and_count_until_then():
    running = RunningSignal.unknown(1)
    for _ in range(5):
        running = running.after(one(4.0), one(9.0), YES, elapsed=2)
    restarted = running.restarted()
    assert restarted.mean_square().tolist() == [4.0]
    following = restarted.after(one(7.0), one(8.0), YES, elapsed=3)
    assert (following.signal.tolist(), following.power.tolist()) == ([7.0], [8.0])
    assert following.steps.tolist() == [3.0]


def test_means_go_on_from_what_a_checkpoint_holds_which_later_steps_do_not_change():
    running = RunningSignal.unknown(1).after(one(4.0), one(9.0), YES, elapsed=2)
    saved = running.state()
    restored = RunningSignal.restored(saved)
    saved["signal"].zero_()
    assert restored.signal.tolist() == [4.0]
    assert [value.tolist() for value in restored.state().values()] == [[4.0], [9.0], [2.0], [0.0]]

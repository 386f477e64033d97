"""What a comparison makes of the seconds that were measured."""

import pytest

from tools.benchmark import comparison
from tools.benchmark.spec import BatchShape, BenchSpec


class FakeStep:
    batches_per_update = 2
    share_apart = 0.25

    class model:  # noqa: N801
        @staticmethod
        def parameters():
            return []

    def step(self):
        pass

    def rows_mib(self):
        return 12.34


@pytest.fixture
def measured(monkeypatch):
    """Replace building and timing: the seconds are those of the mode's name."""
    times = {"joint_pooled": [1.0, 2.0, 4.0], "published": [6.0, 16.0, 20.0]}
    times["joint"] = [5.0, 6.0, 8.0]  # a quarter of such steps: 2, 3, 5 seconds
    times |= {f"{m}@3": [1.0] * 3 for m in comparison.SCALED_MODES}
    times |= {f"{m}@5": [1.5] * 3 for m in comparison.SCALED_MODES}
    monkeypatch.setattr(comparison, "build_mode", lambda *_: FakeStep())
    monkeypatch.setattr(
        comparison, "interleaved_seconds", lambda steps, *_: {name: times[name] for name in steps}
    )
    monkeypatch.setattr(
        comparison,
        "memory_in_fresh_process",
        lambda _, mode, device: {"published": 300.0}.get(mode, 200.0),
    )


SPEC = BenchSpec("x", {}, BatchShape(asr_languages=["a", "b"], utterances=10, seconds=1.0), [])


def test_ratios_are_medians_of_ratios_and_per_audio_they_are_divided_by_the_batches(measured):
    modes = ["joint_pooled", "joint", "published"]
    _, costs = comparison.compare_modes("x", SPEC, modes, 3, True, lambda _: None)
    assert costs["published"].seconds == 16.0
    assert costs["published"].record() == {
        "time_ratio": 6.0,
        "alike_ratio": 4.0,
        "time_ratio_per_audio": 3.0,
        "memory_ratio": 1.5,
        "rounds": 3,
        "rows_mib": 12.3,
    }
    _, costs = comparison.compare_modes("x", SPEC, modes, 3, False, lambda _: None)
    assert costs["published"].record()["memory_ratio"] is None


def test_numbers_of_objectives_are_compared_with_the_smallest(measured):
    costs = comparison.compare_sizes(SPEC, [3, 5], 3, lambda _: None)
    assert costs[3].time_ratio == {"joint_pooled": 1.0, "selected_refresh8": 1.0}
    assert costs[5].time_ratio == {"joint_pooled": 1.5, "selected_refresh8": 1.5}
    assert costs[5].audio_seconds == pytest.approx(20.0, rel=0.1)

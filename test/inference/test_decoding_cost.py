"""The benchmark of decoding runs stock ESPnet on exported objectives, and finds the same texts."""

import pytest

from espnet_soups.testing.toy_corpus import ToyExperiment
from tools.benchmark.decoding_cost import compare_decoding

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ESPnet's inference


@pytest.mark.parametrize("kind", ["separate", "hybrid"])
def test_texts_and_utterances_of_both_sides_are_the_same(request: pytest.FixtureRequest, kind: str):
    experiment: ToyExperiment = request.getfixturevalue(kind)
    options = {"beam_size": 2, "batch_size": 4}
    valid = experiment.corpus.root / "valid"
    rounds: list[int] = []
    costs = compare_decoding(experiment.exp_dir, valid, 2, 1, options, rounds.append)
    assert rounds == [1]
    assert [cost.task for cost in costs] == ["recognition", "translation", "both"]
    for cost in costs:
        assert cost.different == []
        assert cost.utterances == 6
        assert cost.audio_seconds > 1.0
        assert min(cost.stock_cpu, cost.own_cpu, cost.cpu_ratio, cost.wall_ratio) > 0.0

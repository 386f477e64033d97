"""Embeddings scored on trials, with draws of speakers."""

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from espnet2.utils.eer import tuneThresholdfromScore

from espnet_soups.objectives.metrics import trials as trials_file
from espnet_soups.objectives.metrics.trial_list import Trial
from espnet_soups.objectives.metrics.trials import measure_trials, score_trials


def make_set(voices, noise, utterances=4, size=16, seed=0):
    """Make speakers whose utterances lie around a voice: (trials, speakers, embeddings)."""
    random = np.random.default_rng(seed)
    speakers, embeddings = {}, {}
    for number in range(voices):
        voice = random.normal(size=size)
        for take in range(utterances):
            key = f"s{number:02d}_{take}"
            speakers[key] = f"s{number:02d}"
            embeddings[key] = (voice + noise * random.normal(size=size)).astype(np.float32)
    pairs = combinations(speakers, 2)
    trials = [Trial(one, two, speakers[one] == speakers[two]) for one, two in pairs]
    return trials, speakers, embeddings


def interval(measured, resamples=400, seed=1):
    draws = measured.resample(resamples, np.random.default_rng(seed))["eer"]
    return np.quantile(draws, [0.025, 0.975])


def test_perfect_embeddings_make_no_error_on_any_draw():
    measured = measure_trials("spk", *make_set(voices=6, noise=0.0))
    assert measured.values() == {"eer": 0.0, "min_dcf_001": 0.0, "min_dcf_005": 0.0}
    assert interval(measured).tolist() == [0.0, 0.0]
    assert measured.drawn == "6 speakers"
    assert measured.details["eer"]["targets"] == 36


def test_embeddings_that_say_nothing_err_half_the_time():
    trials, speakers, embeddings = make_set(voices=20, noise=1.0)
    random = np.random.default_rng(3)
    embeddings = {key: random.normal(size=16) for key in embeddings}
    measured = measure_trials("spk", trials, speakers, embeddings)
    low, high = interval(measured)
    assert low < 50.0 < high
    assert measured.values()["min_dcf_001"] > 0.9


def test_the_length_of_an_embedding_plays_no_part():
    trials, speakers, embeddings = make_set(voices=6, noise=1.0)
    longer = {
        key: 3.0 * (1 + index) * value for index, (key, value) in enumerate(embeddings.items())
    }
    ours = measure_trials("spk", trials, speakers, embeddings).values()
    assert measure_trials("spk", trials, speakers, longer).values() == pytest.approx(ours)


def test_scores_are_those_of_espnet_up_to_some_trials():
    trials, speakers, embeddings = make_set(voices=12, noise=1.2)
    scored = score_trials(trials, speakers, embeddings)
    theirs = tuneThresholdfromScore(scored.scores, scored.target.astype(int), [0.01])[1]
    ours = measure_trials("spk", trials, speakers, embeddings).values()["eer"]
    assert ours == pytest.approx(theirs, abs=500.0 / scored.target.sum())


def test_a_draw_counts_pairs_as_often_as_their_speakers_make_them(monkeypatch):
    trials, speakers, embeddings = make_set(voices=4, noise=1.5, utterances=3)
    scored = score_trials(trials, speakers, embeddings)
    often = np.array([2, 0, 1, 1])
    repeated = []
    for trial in trials:
        one, two = (int(speakers[key][1:]) for key in (trial.enrol, trial.test))
        repeated += [trial] * (often[one] if one == two else often[one] * often[two])
    by_hand = measure_trials("spk", repeated, speakers, embeddings).values()
    monkeypatch.setattr(trials_file, "BLOCK_ELEMENTS", 1)  # a draw at a time
    drawn = scored.score(np.array([[1, 1, 1, 1], often]))
    assert {name: values[1] for name, values in drawn.items()} == pytest.approx(by_hand)
    assert {name: values[0] for name, values in drawn.items()} == pytest.approx(scored.whole())


def test_draws_depend_on_trials_and_seed_alone_and_have_both_sorts():
    trials, speakers, embeddings = make_set(voices=2, noise=1.0)
    other = {key: value + 1.0 for key, value in embeddings.items()}
    first, second = (score_trials(trials, speakers, each) for each in (embeddings, other))
    draws = first.draw(200, np.random.default_rng(5))
    assert (draws == second.draw(200, np.random.default_rng(5))).all()
    assert (draws == [1, 1]).all()  # one speaker alone makes no non-target trial


def test_memory_of_draws_does_not_grow_with_pairs_of_speakers():
    speakers = {f"s{number}_{take}": f"s{number}" for number in range(4000) for take in range(2)}
    embeddings = {key: np.random.default_rng(len(key)).normal(size=4) for key in speakers}
    trials = [Trial(f"s{n}_0", f"s{n}_1", True) for n in range(4000)]
    trials += [Trial(f"s{n}_0", f"s{n + 1}_0", False) for n in range(3999)]
    scored = score_trials(trials, speakers, embeddings)
    tracemalloc.start()
    try:
        scored.draw(2, np.random.default_rng(0))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000, "a table of all pairs has 128 MB"


def test_the_interval_covers_the_value_of_the_population():
    """Of 95 % intervals over sets of 25 speakers, about as many cover it."""
    truth = measure_trials("spk", *make_set(200, 1.6, seed=99)).values()["eer"]
    covered = 0
    for seed in range(40):
        low, high = interval(measure_trials("spk", *make_set(25, 1.6, seed=seed)), 200, seed)
        covered += low <= truth <= high
    assert covered >= 34  # 38 expected; 33 or fewer come once in 80 times


def test_the_listing_begins_with_the_worst_trials(monkeypatch):
    trials, speakers, embeddings = make_set(voices=6, noise=1.5)
    measured = measure_trials("spk", trials, speakers, embeddings)
    assert len(measured.entries) == len(trials) == len(measured.keys)
    badness = [entry.badness[0] for entry in measured.entries]
    assert badness == sorted(badness, reverse=True)
    assert badness[0] > 0 > badness[-1]
    assert "cosine" in measured.entries[0].head
    monkeypatch.setattr(trials_file, "MOST_LISTED", 30)
    monkeypatch.setattr(trials_file, "FIRST_LISTED", 10)
    short = measure_trials("spk", trials, speakers, embeddings)
    assert short.entries[:10] == measured.entries[:10]
    assert short.entries[-1] == measured.entries[-1]
    assert "; 30 of them are listed; the worst first" in short.title


def test_utterances_without_a_usable_embedding_are_named():
    trials, speakers, embeddings = make_set(voices=3, noise=1.0)
    some = {key: value for key, value in embeddings.items() if key != "s01_2"}
    with pytest.raises(ValueError, match=r"1 of the 12 utterances .* such as s01_2"):
        measure_trials("spk", trials, speakers, some)
    for value in (np.zeros(16), np.full(16, np.nan)):
        with pytest.raises(ValueError, match="embedding of s02_0 is zero or not finite"):
            measure_trials("spk", trials, speakers, {**embeddings, "s02_0": value})

"""Lists of trials drawn from the utterances of a set."""

import tracemalloc
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest

from espnet_soups.bin.make_trials import main
from espnet_soups.data.trials import make_trials
from espnet_soups.files import write_table
from espnet_soups.objectives.metrics.trial_list import read_trials


def some_set(takes=6):
    """Two English and two French speakers, one of whom speaks both."""
    speakers, languages = {}, {}
    for language, names in (("en", "ab"), ("fr", "bcd")):
        for name in names:
            for take in range(takes):
                speakers[f"{language}_{name}{take}"] = name
                languages[f"{language}_{name}{take}"] = language
    return speakers, languages


@pytest.mark.parametrize("same_language", [True, False])
def test_trials_are_balanced_different_and_right(same_language):
    speakers, languages = some_set()
    trials = make_trials(speakers, languages if same_language else None, 10, seed=0)
    assert len(trials.target) == len(trials.nontarget) == (50 if same_language else 40)
    pairs = [*trials.target, *trials.nontarget]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert all(speakers[one] == speakers[two] for one, two in trials.target)
    assert all(speakers[one] != speakers[two] for one, two in trials.nontarget)
    crossing = [languages[one] != languages[two] for one, two in pairs]
    assert any(crossing) is not same_language
    most = Counter(speakers[one] for one, _ in trials.target)
    assert max(most.values()) == (20 if same_language else 10)


def test_few_utterances_make_all_trials_that_there_are():
    speakers = {"a1": "a", "a2": "a", "b1": "b", "c1": "<na>"}
    trials = make_trials(speakers, None, 100, seed=0)
    assert trials.lines().startswith("a1 a2 target\na")
    drawn = {make_trials(speakers, None, 100, seed).nontarget[0] for seed in range(40)}
    assert drawn == {("a1", "b1"), ("a2", "b1")}


def test_the_seed_makes_the_list():
    speakers, languages = some_set()
    lists = [make_trials(speakers, languages, 5, seed).lines() for seed in (0, 0, 1)]
    assert lists[0] == lists[1] != lists[2]


@pytest.mark.parametrize(
    ("speakers", "lack"),
    [
        ({"a1": "a", "b1": "b"}, "no speaker with two utterances in one language"),
        ({"a1": "a", "a2": "a"}, "no two speakers with utterances in one language"),
    ],
)
def test_sets_that_make_no_trials_are_refused(speakers, lack):
    with pytest.raises(ValueError, match=lack):
        make_trials(speakers, dict.fromkeys(speakers, "en"), 10, 0)


def test_the_command_writes_a_list_that_scoring_reads(tmp_path, capsys):
    speakers, languages = some_set()
    write_table(tmp_path / "utt2spk", speakers)
    write_table(tmp_path / "utt2lang", languages)
    main(["--data_dir", str(tmp_path), "--per_speaker", "10"])
    assert "50 target and 50 non-target trials of 4 speakers" in capsys.readouterr().out
    assert len(read_trials(tmp_path / "trials", speakers)) == 100
    with pytest.raises(ValueError, match=r"utt2spk: `--per_speaker` must be 1 or more"):
        main(["--data_dir", str(tmp_path), "--per_speaker", "0"])


@pytest.mark.parametrize("same_language", [True, False])
def test_pairs_are_drawn_as_from_a_list_of_all(same_language):
    speakers, languages = some_set(takes=3)
    cells = {}
    for key in sorted(speakers):
        language = languages[key] if same_language else ""
        cells.setdefault((language, speakers[key]), []).append(key)
    for seed in range(20):
        generator = np.random.default_rng(seed)
        target = []
        for cell in sorted(cells):
            pairs = list(combinations(cells[cell], 2))
            if len(pairs) > 2:
                chosen = generator.choice(len(pairs), 2, replace=False, shuffle=False)
                pairs = [pairs[number] for number in sorted(chosen)]
            target += pairs
        others = [
            pair
            for one, two in combinations(sorted(cells), 2)
            if one[0] == two[0]
            for pair in product(cells[one], cells[two])
        ]
        chosen = generator.choice(len(others), len(target), replace=False, shuffle=False)
        trials = make_trials(speakers, languages if same_language else None, 2, seed)
        assert trials.target == target
        assert trials.nontarget == [others[number] for number in sorted(chosen)]


@pytest.mark.parametrize("per_speaker", [2, 1000])
def test_memory_does_not_grow_with_the_number_of_pairs(per_speaker):
    speakers = {f"u{number}": f"s{number // per_speaker}" for number in range(2000)}
    tracemalloc.start()
    try:
        make_trials(speakers, None, 1, seed=0)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10e6

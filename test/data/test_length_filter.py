"""What is too short, too long or without any label is left out and counted."""

from dataclasses import replace

import pytest

from espnet_soups.data.length_filter import check_languages_left, filter_lengths


def test_each_reason_is_counted_once(data_dir):
    labels = {name: dict(table) for name, table in data_dir.labels.items()}
    labels["text"]["en_a-two"] = "<na>"  # its translation is <na> as well
    labels["text"]["fr_b-one"] = "<na>"  # but this one has a translation
    data = replace(data_dir, labels=labels)
    seconds = {"en_a-one": 0.05, "en_a-two": 1.0, "fr_b-one": 2.0, "fr_b-two": 30.0}
    kept, report = filter_lengths(data, seconds, 0.1, 20.0)
    assert list(kept.audio) == ["fr_b-one"]
    assert (report.too_short, report.too_long, report.no_label) == (1, 1, 1)


def test_a_filter_that_leaves_nothing_is_refused(data_dir):
    seconds = dict.fromkeys(data_dir.audio, 1.0)
    with pytest.raises(ValueError, match=r"No utterance of .* is left"):
        filter_lengths(data_dir, seconds, 2.0, 3.0)
    with pytest.raises(ValueError, match="must be smaller than"):
        filter_lengths(data_dir, seconds, 3.0, 2.0)


def test_labels_that_an_objective_learns_from_count_beside_texts(data_dir):
    labels = {"text": dict.fromkeys(data_dir.audio, "<na>")}
    labels["text"]["en_a-one"] = "yes"
    labels["utt2gender"] = dict.fromkeys(data_dir.audio, "<na>") | {"fr_b-one": "f"}
    data, seconds = replace(data_dir, labels=labels), dict.fromkeys(data_dir.audio, 1.0)
    assert list(filter_lengths(data, seconds, 0.1, 2.0)[0].audio) == ["en_a-one"]
    kept, _ = filter_lengths(data, seconds, 0.1, 2.0, ["utt2gender"])
    assert list(kept.audio) == ["en_a-one", "fr_b-one"]
    kept, report = filter_lengths(data, seconds, 0.1, 2.0, ["utt2spk"])
    assert (len(kept.audio), report.no_label) == (4, 0)
    with pytest.raises(ValueError, match="has no utt2accent, which an objective learns from"):
        filter_lengths(data, seconds, 0.1, 2.0, ["utt2accent"])


def test_a_language_of_which_one_utterance_is_left_is_refused_in_training(data_dir):
    seconds = dict.fromkeys(data_dir.audio, 1.0) | {"fr_b-one": 30.0}
    kept, _ = filter_lengths(data_dir, seconds, 0.1, 20.0)
    check_languages_left(data_dir, kept, 1)
    said = "has 2 utterances of fr, of which 1 would be left, but every step of training takes 2"
    with pytest.raises(ValueError, match=said):
        check_languages_left(data_dir, kept, 2)

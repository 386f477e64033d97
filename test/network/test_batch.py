import pytest
import torch

from espnet_soups.network.batch import Batch


def make_batch():
    return Batch(
        speech=torch.arange(24.0).view(4, 6, 1),
        lengths=torch.tensor([6, 3, 5, 2]),
        languages=(0, 1, 0, 1),
        labels={"text": torch.tensor([[5, 6, 7], [8, -1, -1], [-1, -1, -1], [9, 4, -1]])},
        label_lengths={"text": torch.tensor([3, 1, 1, 2])},
    )


def test_speech_and_labels_are_taken_without_the_padding_of_others():
    batch = make_batch()
    speech, lengths = batch.speech_of([1, 3])
    assert speech.shape == (2, 3, 1)
    assert lengths.tolist() == [3, 2]
    labels, label_lengths = batch.labels_of("text", [1, 3])
    assert labels.tolist() == [[8, -1], [9, 4]]
    assert label_lengths.tolist() == [1, 2]


def test_utterances_without_a_label_are_told_apart():
    batch = make_batch()
    assert batch.labelled("text", batch.rows_of(0)) == [0]
    assert batch.labelled("text", batch.rows_of(1)) == [1, 3]
    assert batch.labelled("text_en", [0, 1]) == []


def test_parts_share_each_language_and_no_utterance():
    first, second = make_batch().split(2)
    assert sorted(first.languages) == sorted(second.languages) == [0, 1]
    speech = [part.speech[row, 0, 0].item() for part in (first, second) for row in range(2)]
    assert sorted(speech) == [0.0, 6.0, 12.0, 18.0]


def test_a_batch_too_small_for_its_parts_is_refused():
    batch = make_batch().take([0, 1])
    with pytest.raises(
        ValueError, match=r"dealt into 3 independent parts.*2 utterances; raise `batch_bins`"
    ):
        batch.split(3)


def test_rare_labels_come_into_both_parts():
    labels = torch.tensor([[5], [-1], [6], [-1], [-1], [-1]])
    ones = torch.ones(6, dtype=torch.long)
    batch = Batch(torch.zeros(6, 2, 1), 2 * ones, (0,) * 6, {"text": labels}, {"text": ones})
    for part in batch.split(2):
        assert len(part.labelled("text", range(3))) == 1


def test_one_utterance_of_each_language_still_makes_two_parts():
    first, second = make_batch().take([0, 1]).split(2)
    assert {*first.languages, *second.languages} == {0, 1}

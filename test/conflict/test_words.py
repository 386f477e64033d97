"""What a table of conflicts says in words."""

import dataclasses
import math

from test_table import RECORD

from espnet_soups.conflict.words import describe
from espnet_soups.testing.planted_conflicts import LAYERS, blocks, plant

NAMES = ["asr_en", "asr_fr", "st_fr_en"]


def words(cosines, record=RECORD, **how):
    """Describe planted cosines."""
    return describe(plant(NAMES, cosines, **how), record)


def test_pairs_that_conflict_and_agree_are_named_with_intervals_and_modules():
    cosines = blocks([2, 1], 0.4, -0.3)
    text = words(cosines, layers={LAYERS[0]: cosines, LAYERS[1]: blocks([3], 0.0, 0.0)})
    assert "Of 3 pairs of objectives 2 conflict, 1 agree, 0 cannot be told from 0." in text
    line = "  asr_en and st_fr_en conflict: cosine −0.30 [−0.40, −0.20]; conflict in 1 of 2 modules"
    assert f"{line}: {LAYERS[0]}\n" in text
    assert "asr_en and asr_fr agree: cosine 0.40 [0.30, 0.50]; conflict in 0 of 2 modules" in text


def test_a_conflict_in_one_module_alone_is_named():
    quiet = blocks([3], 0.0, 0.0)
    text = words(quiet, layers={LAYERS[0]: quiet, LAYERS[1]: blocks([2, 1], 0.0, -0.4)})
    assert (
        f"asr_en and st_fr_en conflict in {LAYERS[1]} alone; as a whole 0.00 [−0.10, 0.10]" in text
    )


def test_estimates_beyond_one_are_cut_off():
    text = words(blocks([2, 1], 1.3, -0.95))
    assert "asr_en and asr_fr agree: cosine 1.00 [1.00, 1.00]" in text
    assert "asr_en and st_fr_en conflict: cosine −0.95 [−1.00, −0.85]" in text


def test_what_is_noise_is_called_so_and_gets_no_number():
    cosines = blocks([2, 1], 0.4, math.nan)
    text = words(cosines, norms=[1.0, 1.0, math.nan])
    assert "0 conflict, 1 agree, 0 cannot be told from 0, 2 have a gradient that cannot" in text
    assert "No norm, and so no cosine, can be told for st_fr_en (16 batches)" in text
    assert "nan" not in text


def test_affinities_that_disagree_with_cosines_are_named():
    affinity = [[0.01, 0.01, 0.02], [0.01, 0.01, -0.02], [-0.02, -0.02, 0.01]]
    text = words(blocks([2, 1], 0.4, -0.3), affinity=affinity)
    assert "raised the loss of another in 3 of 6 ordered pairs and lowered it in 3" in text
    expected = (
        "They disagree on asr_en and st_fr_en: the cosine is −0.30 [−0.40, −0.20], but a step"
    )
    assert f"{expected} along asr_en lowers the loss of st_fr_en by 2.00%." in text
    assert text.count("They disagree") == 1


def test_an_affinity_disagrees_with_no_cosine_that_cannot_be_told_from_0():
    affinity = [[0.01, 0.02, -0.02], [0.02, 0.01, 0.02], [-0.02, 0.02, 0.01]]
    assert "They disagree" not in words(blocks([3], 0.0, 0.0), affinity=affinity)


def test_batches_that_were_left_out_are_counted():
    record = dataclasses.replace(RECORD, left_out={"start": 2})
    text = words(blocks([3], 0.0, 0.0), record)
    assert "2 of 16 batches were left out: a gradient was not finite" in text


def test_of_many_conflicts_twelve_are_written_out_and_the_others_counted():
    for size in (3, 4):
        names = [f"asr_{k}" for k in range(4 + size)]
        text = describe(plant(names, blocks([4, size], 0.4, -0.3)), RECORD)
        assert text.count(" conflict: cosine") == 12
        assert ("… and 4 more that conflict: see the table." in text) == (size == 4)
        assert ("more that conflict" in text) == (size == 4)
        assert "more that agree" not in text

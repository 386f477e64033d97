"""Error rates against an edit distance of another formulation, and their laws."""

from functools import cache

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espnet_soups.objectives.metrics.error_rate import (
    count_character_errors,
    count_word_errors,
    error_rate,
    has_words,
)

WORDS = st.lists(st.sampled_from(["a", "b", "cd", "é", "你"]), max_size=6)
# Time depends on who else uses the machine; it is no law.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PAIRS = st.lists(st.tuples(WORDS.filter(bool), WORDS), min_size=1, max_size=5)


def edit_distance(reference: tuple[str, ...], hypothesis: tuple[str, ...]) -> int:
    """The recursive definition over suffixes, memoised: no table, no backtrace."""

    @cache
    def cost(i: int, j: int) -> int:
        if i == len(reference) or j == len(hypothesis):
            return len(reference) - i + len(hypothesis) - j
        if reference[i] == hypothesis[j]:
            return cost(i + 1, j + 1)
        return 1 + min(cost(i + 1, j), cost(i, j + 1), cost(i + 1, j + 1))

    return cost(0, 0)


@PATIENT
@given(PAIRS)
def test_errors_of_each_utterance_are_the_edit_distance(pairs) -> None:
    references, hypotheses = ([" ".join(side) for side in sides] for sides in zip(*pairs))  # noqa: B905
    words = count_word_errors(references, hypotheses)
    assert words.errors.tolist() == [edit_distance(tuple(r), tuple(h)) for r, h in pairs]
    characters = count_character_errors(references, hypotheses)
    expected = [
        edit_distance(tuple(r), tuple(h)) for r, h in zip(references, hypotheses, strict=True)
    ]
    assert characters.errors.tolist() == expected


@PATIENT
@given(PAIRS)
def test_hits_substitutions_and_deletions_make_up_the_reference(pairs) -> None:
    counts = count_word_errors([" ".join(r) for r, _ in pairs], [" ".join(h) for _, h in pairs])
    lengths = np.array([[len(r), len(h)] for r, h in pairs])
    assert counts.counts[:, :3].sum(axis=1).tolist() == lengths[:, 0].tolist()
    assert counts.counts[:, [0, 1, 3]].sum(axis=1).tolist() == lengths[:, 1].tolist()


@PATIENT
@given(PAIRS)
def test_the_rate_is_zero_only_when_all_texts_are_equal(pairs) -> None:
    counts = count_word_errors([" ".join(r) for r, _ in pairs], [" ".join(h) for _, h in pairs])
    rate = float(error_rate(counts.counts.sum(axis=0)))
    assert (rate == 0.0) == all(r == h for r, h in pairs)


@PATIENT
@given(PAIRS, st.randoms())
def test_the_rate_does_not_depend_on_the_order_of_utterances(pairs, random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    rates = [
        float(
            error_rate(
                count_word_errors(
                    [" ".join(r) for r, _ in order], [" ".join(h) for _, h in order]
                ).counts.sum(axis=0)
            )
        )
        for order in (pairs, shuffled)
    ]
    assert rates[0] == rates[1]


def test_an_empty_hypothesis_deletes_everything() -> None:
    counts = count_word_errors(["one two three"], [""]).counts
    assert counts.tolist() == [[0, 0, 3, 0]]
    assert float(error_rate(counts[0])) == 100.0


def test_spaces_count_as_characters_unless_the_language_writes_none() -> None:
    assert count_character_errors(["你 好"], ["你好"]).errors.tolist() == [1]
    assert count_character_errors(["你 好"], ["你好"], spaces=False).errors.tolist() == [0]


def test_scripts_without_spaces_have_no_words_whatever_the_region() -> None:
    codes = ("zh_cn", "cmn_hans_cn", "yue_hant_hk", "ja_jp", "th", "lo_la", "km_kh", "my")
    assert not any(has_words(code) for code in codes)
    assert all(has_words(code) for code in ("en_us", "pt_BR", "ko_kr"))


def test_chinese_and_japanese_have_no_words() -> None:
    assert [has_words(name) for name in ("zh", "zh-TW", "ja", "fr", "en")] == [
        False,
        False,
        False,
        True,
        True,
    ]

"""What a person reads to understand errors."""

from espnet_soups.objectives.metrics.alignment import recognition_entries
from espnet_soups.objectives.metrics.error_rate import count_character_errors, count_word_errors
from espnet_soups.objectives.metrics.listing import pick_examples, render_listing
from espnet_soups.objectives.metrics.text_pairs import TextPairs
from espnet_soups.objectives.metrics.translation_scores import translation_entries
from espnet_soups.objectives.registry import parse_objective


def make_pairs(references: list[str], hypotheses: list[str]) -> TextPairs:
    keys = [f"u{number}" for number in range(len(references))]
    return TextPairs(parse_objective("asr_fr"), keys, references, hypotheses, 0)


def test_the_worst_comes_first_and_units_stand_in_columns() -> None:
    pairs = make_pairs(
        ["un deux", "un deux trois quatre", "bon"], ["un deux", "un dix trois oui quatre", ""]
    )
    entries = recognition_entries(
        pairs, count_word_errors(pairs.references, pairs.hypotheses), "WER"
    )
    assert render_listing("title", entries) == (
        "title\n"
        "\n"
        "u2  WER 100.0 %  (C 0 S 0 D 1 I 0)\n"
        "REF: bon\n"
        "HYP: ***\n"
        "     D\n"
        "\n"
        "u1  WER 50.0 %  (C 3 S 1 D 0 I 1)\n"
        "REF: un deux trois *** quatre\n"
        "HYP: un dix  trois oui quatre\n"
        "        S          I\n"
        "\n"
        "u0  WER 0.0 %  (C 2 S 0 D 0 I 0)\n"
        "REF: un deux\n"
        "HYP: un deux\n"
    )


def test_wide_characters_take_two_columns() -> None:
    pairs = make_pairs(["你好"], ["你a"])
    errors = count_character_errors(pairs.references, pairs.hypotheses, spaces=False)
    entry = recognition_entries(pairs, errors, "CER")[0]
    assert entry.body == "REF: 你 好\nHYP: 你 a\n        S"


def test_translations_are_sorted_by_the_score_of_the_sentence() -> None:
    pairs = TextPairs(parse_objective("st_fr_en"), ["a", "b"], ["one", "two"], ["one", ""], 0)
    entries = translation_entries(pairs, [100.0, 0.0])
    assert [entry.head for entry in entries] == ["b  chrF 0.0", "a  chrF 100.0"]
    assert entries[0].body == "REF: two\nHYP:"


def test_examples_of_a_small_set_show_no_utterance_twice() -> None:
    for size in range(1, 12):
        pairs = make_pairs(["un deux"] * size, ["un"] * size)
        errors = count_word_errors(pairs.references, pairs.hypotheses)
        examples = pick_examples(recognition_entries(pairs, errors, "WER"))
        shown = [text for items in examples.values() for text in items]
        assert len(shown) == len(set(shown)) >= 1

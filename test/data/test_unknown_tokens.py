"""Labels that a token list cannot spell are never learnt in silence."""

import pytest

from espnet_soups.data.token_list import make_token_list
from espnet_soups.data.unknown_tokens import count_unknown, judge_unknown
from espnet_soups.files import write_table

KNOWN = {"a", "b", "<space>"}


def test_what_the_list_spells_passes_without_a_word():
    assert judge_unknown(count_unknown({"1": "ab", "2": "b"}, list, KNOWN), "text", "list") is None


def test_labels_that_are_mostly_unknown_are_refused_with_counts_and_examples():
    count = count_unknown({"1": "щука", "2": "ab"}, list, KNOWN)
    with pytest.raises(
        ValueError, match=r"^text: 4 of 6 characters \(66.7%\).*tokens.txt.*'щ', 'у'"
    ):
        judge_unknown(count, "text", "data/en/tokens.txt")


def test_a_few_unknown_tokens_are_told_and_one_unknown_label_is_named():
    many = {str(number): "ab" for number in range(9)}
    assert "1 of 20 characters (5.0%)" in judge_unknown(
        count_unknown({**many, "x": "aç"}, list, KNOWN), "text", "list"
    )
    more = {str(number): "abababab" for number in range(99)}
    said = judge_unknown(count_unknown({**more, "strange": "щщ"}, list, KNOWN), "text", "list")
    assert "1 of 100 labels are mostly so (strange)" in said


def make_set(folder, texts):
    write_table(folder / "text", texts)
    write_table(folder / "utt2lang", dict.fromkeys(texts, "en"))
    return folder


@pytest.mark.parametrize(("token_type", "nbpe"), [("char", 0), ("bpe", 14)])
def test_a_set_that_a_list_cannot_spell_is_refused_when_the_list_is_made(
    tmp_path, token_type, nbpe
):
    source = make_set(tmp_path / "train", dict.fromkeys("123", "press one to leave a message"))
    strange = make_set(tmp_path / "dev", {"1": "щука"})
    words = ("text", "en", tmp_path / "list", token_type, "unigram", nbpe)
    with pytest.raises(ValueError, match=r"dev/text \(en\): .*`<unk>`.*list"):
        make_token_list(source, [strange], *words)
    assert not (tmp_path / "list" / "tokens.txt").exists()
    line, warnings = make_token_list(source, [], *words)
    assert "tokens.txt: " in line
    assert "from 3 labels" in line
    assert warnings == []


def test_a_list_tells_of_a_set_with_some_other_characters(tmp_path):
    source = make_set(tmp_path / "train", {"1": "abcdefgh"})
    other = make_set(tmp_path / "dev", {"1": "abcdefghi"})
    _, (warning,) = make_token_list(
        source, [other], "text", None, tmp_path / "list", "char", "unigram", 0
    )
    assert "cannot be spelt" in warning

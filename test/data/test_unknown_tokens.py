"""Labels that a token list cannot spell are never learnt in silence."""

import pytest

from espnet_soups.bin.make_token_list import main
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
    return str(folder)


@pytest.mark.parametrize("kind", [["char"], ["bpe", "--nbpe", "14"]])
def test_a_set_that_a_list_cannot_spell_is_refused_when_the_list_is_made(tmp_path, kind):
    source = make_set(tmp_path / "train", dict.fromkeys("123", "press one to leave a message"))
    words = ["--source", source, "--language", "en", "--token_type", *kind]
    words += ["--target", str(tmp_path / "list")]
    strange = make_set(tmp_path / "dev", {"1": "щука"})
    with pytest.raises(ValueError, match=r"dev/text \(en\): .*`<unk>`.*list"):
        main([*words, "--check", strange])
    assert not (tmp_path / "list" / "tokens.txt").exists()
    main(words)


def test_a_list_tells_of_a_set_with_some_other_characters(tmp_path, capsys):
    source = make_set(tmp_path / "train", {"1": "abcdefgh"})
    other = make_set(tmp_path / "dev", {"1": "abcdefghi"})
    main(["--source", source, "--target", str(tmp_path / "list"), "--check", other])
    assert "warning: " in capsys.readouterr().err

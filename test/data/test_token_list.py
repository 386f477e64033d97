"""Token lists in ESPnet's conventions."""

import pytest
import sentencepiece

from espnet_soups.data.token_list import (
    char_tokens,
    read_token_list,
    train_sentencepiece,
    write_token_list,
)

TEXTS = ["press one to leave a message", "press two to listen", "thank you for calling"] * 4


def test_characters_come_between_the_special_tokens_by_frequency():
    tokens = char_tokens(["ab ab", "a"])
    assert tokens == ["<blank>", "<unk>", "a", "b", "<space>", "<sos/eos>"]


def test_pieces_spell_the_texts_they_were_trained_on(tmp_path):
    tokens = train_sentencepiece(TEXTS, tmp_path, 24, "unigram")
    assert tokens[:2] == ["<blank>", "<unk>"]
    assert tokens[-1] == "<sos/eos>"
    assert len(tokens) == len(set(tokens)) == 26  # <blank> and <sos/eos> beside 24 pieces
    processor = sentencepiece.SentencePieceProcessor(str(tmp_path / "bpe.model"))
    for text in TEXTS:
        pieces = processor.encode_as_pieces(text)
        assert set(pieces) <= set(tokens)
        assert processor.decode_pieces(pieces) == text


def test_characters_of_a_script_without_spaces_are_pieces_of_their_own(tmp_path):
    tokens = train_sentencepiece(["而对楼市", "ABC的歌市"], tmp_path, 5, "char")
    assert set(tokens[2:-1]) == set("而对楼市ABC的歌")  # every one, whatever `size` says
    processor = sentencepiece.SentencePieceProcessor(str(tmp_path / "bpe.model"))
    assert processor.encode_as_pieces("市的A") == ["市", "的", "A"]
    assert processor.decode_pieces(["市", "的", "A"]) == "市的A"


def test_more_pieces_than_the_texts_have_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Sentencepiece cannot make 5000 unigram pieces"):
        train_sentencepiece(TEXTS, tmp_path, 5000, "unigram")
    assert list(tmp_path.iterdir()) == []


def test_a_token_stands_on_each_line(tmp_path):
    write_token_list(tmp_path / "char", ["<blank>", "<space>"])
    assert (tmp_path / "char" / "tokens.txt").read_text() == "<blank>\n<space>\n"


def test_a_list_that_is_the_same_again_is_left_as_it_is_for_the_runs_that_share_it(tmp_path):
    found = []
    for _ in range(2):
        write_token_list(tmp_path, train_sentencepiece(TEXTS, tmp_path, 24, "unigram"))
        found.append({path.name: path.stat().st_ino for path in tmp_path.iterdir()})
    assert found[0].keys() == {"bpe.model", "bpe.vocab", "tokens.txt"}
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ("<unk>\n<blank>\na\n<sos/eos>\n", r"must begin with <blank>, have <unk>, and end"),
        ("<blank>\na\n<sos/eos>\n", r"must begin with <blank>, have <unk>, and end"),
        ("<blank>\n<unk>\n<sos/eos>\na\n", r"must begin with <blank>, have <unk>, and end"),
        ("<blank>\n<unk>\na\na\n<sos/eos>\n", r"has the token 'a' twice"),
        ("<blank>\n<unk>\n\n<sos/eos>\n", r":3: the line is empty"),
        ("", r"must begin with <blank>"),
        (b"<blank>\n<unk>\n\xff\n<sos/eos>\n", r":3: the line is not UTF-8"),
    ],
)
def test_what_is_no_token_list_is_refused(tmp_path, tokens, said):
    raw = tokens if isinstance(tokens, bytes) else tokens.encode()
    (tmp_path / "tokens.txt").write_bytes(raw)
    with pytest.raises(ValueError, match=rf"tokens\.txt.*{said}|tokens\.txt{said}"):
        read_token_list(tmp_path / "tokens.txt")
    write_token_list(tmp_path, char_tokens(["ab a"]))
    assert read_token_list(tmp_path / "tokens.txt") == char_tokens(["ab a"])

"""Where the recipes put token lists."""

import pytest

from espnet_soups.bin.objectives import main


@pytest.mark.parametrize(
    ("token_type", "name"), [("char", "char_sp"), ("bpe", "bpe_unigram500_sp")]
)
def test_what_is_said_and_what_is_written_in_a_language_have_a_list_each(capsys, token_type, name):
    types = [f"--{kind}_token_type={token_type}" for kind in ("asr", "st")]
    words = ["--asr_langs=en zh", "--st_pairs=zh_en en_zh", "--asr_char_langs=zh", "--speeds=_sp"]
    main(["vocabularies", *words, *types])
    recognised = "char_sp" if token_type == "char" else "bpe_char_sp"
    assert capsys.readouterr().out.splitlines() == [
        f"data/en_token_list/asr_{name}/tokens.txt",
        f"data/zh_token_list/asr_{recognised}/tokens.txt",
        f"data/en_token_list/st_{name}/tokens.txt",
        f"data/zh_token_list/st_{name}/tokens.txt",
    ]

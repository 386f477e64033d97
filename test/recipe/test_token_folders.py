"""Where the recipes put token lists."""

import pytest

from espnet_soups.bin.objectives import main


@pytest.mark.parametrize("in_characters", ["asr", "st"])
@pytest.mark.parametrize(
    ("token_type", "name"), [("char", "char_sp"), ("bpe", "bpe_unigram500_sp")]
)
def test_what_is_said_and_what_is_written_in_a_language_have_a_list_each(
    capsys, token_type, name, in_characters
):
    types = [f"--{kind}_token_type={token_type}" for kind in ("asr", "st")]
    words = ["--asr_langs=en zh", "--st_pairs=zh_en en_zh", "--speeds=_sp"]
    main(["vocabularies", *words, *types, f"--{in_characters}_char_langs=zh"])
    names = {"asr": name, "st": name}
    if token_type == "bpe":
        names[in_characters] = "bpe_char_sp"
    assert capsys.readouterr().out.splitlines() == [
        f"data/en_token_list/asr_{name}/tokens.txt",
        f"data/zh_token_list/asr_{names['asr']}/tokens.txt",
        f"data/en_token_list/st_{name}/tokens.txt",
        f"data/zh_token_list/st_{names['st']}/tokens.txt",
    ]

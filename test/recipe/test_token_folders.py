"""Where the recipes put token lists."""

import pytest
from tiny_recipe import TEMPLATE


@pytest.mark.parametrize(
    ("token_type", "name"), [("char", "char_sp"), ("bpe", "bpe_unigram500_sp")]
)
def test_what_is_said_and_what_is_written_in_a_language_have_a_list_each(bash, token_type, name):
    calls = f"""
        soup="" datadir=data speeds=_sp asr_char_langs=zh asr_nbpe=500 st_nbpe=500 bpemode=unigram
        asr_token_type={token_type} st_token_type={token_type}
        . {TEMPLATE}/scripts/token_folders.sh
        for task in asr st; do token_folder "$task" en; done
        for task in asr st; do token_folder "$task" zh; done
    """
    folders = bash(calls).stdout.splitlines()
    assert folders[:2] == [f"data/en_token_list/asr_{name}", f"data/en_token_list/st_{name}"]
    assert len(set(folders)) == 4
    recognised = "char_sp" if token_type == "char" else "bpe_char_sp"
    assert folders[2] == f"data/zh_token_list/asr_{recognised}"

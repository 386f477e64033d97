"""No word of a user's names a file outside its place."""

import pytest

from espnet_soups.file_names import require_file_name
from espnet_soups.testing.toy_objectives import build_objectives


@pytest.mark.parametrize("name", ["fr", "zh-CN", "pt_BR", "ελ", "a.b", "0001"])
def test_ordinary_names_pass(name):
    require_file_name("A set", name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "not be empty"),
        ("a/b", "no slash"),
        ("/etc/passwd", "no slash"),
        ("..", "begin with '.'"),
        ("-rf", "begin with '-'"),
        ("a b", "no white space"),
        ("a\x00b", "no control character"),
        ("é" * 101, "200 bytes or less"),
    ],
)
def test_what_leads_out_of_a_folder_is_refused_in_one_sentence(name, said):
    with pytest.raises(ValueError, match=f"^A set names files, so it must.*{said}.*but got"):
        require_file_name("A set", name)


def test_languages_and_pairs_are_names():
    for languages, pairs in ((["../fr"], []), ([], ["fr_../en"]), ([], ["/fr_en"])):
        with pytest.raises(ValueError, match="A language names files"):
            build_objectives(languages, pairs)

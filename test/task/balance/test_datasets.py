import pytest

from espnet_soups.task.balance.datasets import read_datasets
from espnet_soups.task.language_data import read_language_data

KEYS = ["a-1", "a-2", "b-1"]


def test_the_corpora_of_a_set_are_read_beside_its_languages(tmp_path):
    (tmp_path / "shape").write_text("a-1 30,8\na-2 20,8\nb-1 10,8\n")
    (tmp_path / "utt2lang").write_text("a-1 a\na-2 a\nb-1 b\n")
    files = str(tmp_path / "shape"), str(tmp_path / "utt2lang")
    assert read_language_data(*files, ["a", "b"])["a"].datasets == ()
    (tmp_path / "utt2dataset").write_text("a-1 mls\nb-1 cv\n")
    assert read_language_data(*files, ["a", "b"])["a"].datasets == ("mls", "<na>")


@pytest.mark.parametrize(
    ("table", "weights", "said"),
    [
        (None, {"cv": 2.0}, "needs .*utt2dataset, which has the corpus of each"),
        ("a-1 cv\nb-1 cv\n", {"cv": 2.0}, "no corpus for 1 utterances, such as a-2"),
        ("a-1 cv\na-2 <na>\nb-1 cv\n", {"cv": 2.0}, "no corpus for 1 utterances, such as a-2"),
        ("a-1 cv\na-2 mls\nb-1 cv\n", {"cc": 2.0}, "names 'cc', but the corpora of .* are cv, mls"),
    ],
)
def test_weights_need_the_corpus_of_every_utterance(tmp_path, table, weights, said):
    path = tmp_path / "utt2dataset"
    if table is not None:
        path.write_text(table)
    with pytest.raises(ValueError, match=said):
        read_datasets(path, KEYS, weights)

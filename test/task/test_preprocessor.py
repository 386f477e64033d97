import numpy as np
import pytest

from espnet_soups.objectives.text_encoder import TextEncoder
from espnet_soups.task.language_data import read_language_data
from espnet_soups.task.preprocessor import MSPPreprocessor

TOKENS = ["<blank>", "<unk>", "a", "b", "<space>", "<sos/eos>"]


@pytest.fixture
def prepare():
    encode = TextEncoder(TOKENS, "char", None)
    encoders = {("text", "fr"): encode, ("text_en", ""): encode}
    return MSPPreprocessor(train=True, languages=["fr", "it"], encoders=encoders)


def test_labels_become_ids_and_languages_indices(prepare):
    speech = np.zeros((4, 2), dtype=np.float32)
    data = {"speech": speech, "lang": "it", "text": "a", "text_en": "b az"}
    prepared = prepare("u1", data)
    assert prepared["speech"] is speech
    assert prepared["lang"].tolist() == [1]
    assert prepared["text"].tolist() == [-1]  # Italian is translated, not recognised
    assert prepared["text_en"].tolist() == [3, 4, 2, 1]


def test_a_missing_label_never_reaches_the_tokenizer(prepare):
    prepared = prepare("u1", {"lang": "fr", "text": "<na>", "text_en": "<na>"})
    assert prepared["text"].tolist() == prepared["text_en"].tolist() == [-1]


def test_an_unknown_language_or_an_empty_label_names_the_utterance(prepare):
    with pytest.raises(ValueError, match="u1 has language 'xx'"):
        prepare("u1", {"lang": "xx"})
    with pytest.raises(ValueError, match=r"u1 has an empty label in `text`.*`<na>`"):
        prepare("u1", {"lang": "fr", "text": ""})


def write(folder, shapes, languages):
    (folder / "shape").write_text("".join(f"{k} {v}\n" for k, v in shapes.items()))
    (folder / "lang").write_text("".join(f"{k} {v}\n" for k, v in languages.items()))
    return str(folder / "shape"), str(folder / "lang")


def test_utterances_are_grouped_by_language_with_their_lengths(tmp_path):
    files = write(tmp_path, {"a": "9,4", "b": "7,4", "c": "5,4"}, {"a": "fr", "b": "it", "c": "fr"})
    data = read_language_data(*files, ["it", "fr"])
    assert list(data) == ["it", "fr"]
    assert data["fr"].keys == ("a", "c")
    assert data["fr"].frames.tolist() == [9, 5]
    assert data["fr"].width == 4


@pytest.mark.parametrize(
    ("languages", "said"),
    [
        ({"a": "fr"}, r"lang lacks 1 utterances of .*shape: \['b'\]"),
        ({"a": "fr", "b": "xx"}, "b has language 'xx'"),
        ({"a": "fr", "b": "fr"}, r"shape has no utterance of \['it'\]"),
    ],
)
def test_languages_that_do_not_fit_name_both_files(tmp_path, languages, said):
    files = write(tmp_path, {"a": "9,4", "b": "7,4"}, languages)
    with pytest.raises(ValueError, match=said):
        read_language_data(*files, ["fr", "it"])

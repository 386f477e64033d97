"""Data of a study: labels that are hidden, and a language that conflicts with another."""

from dataclasses import replace

import pytest

from espnet_soups.bin.vary_data import main
from espnet_soups.data.data_dir import NO_LABEL, DataDir, read_data_dir, write_data_dir
from espnet_soups.study.variants import hide_labels


def write_set(folder, size: int = 20) -> DataDir:
    """Write a set of English, untranslated, and French, translated."""
    keys = [f"{language}_{number:02}" for language in ("en", "fr") for number in range(size)]
    data = DataDir(
        path=folder,
        audio={key: f"{key}.wav" for key in keys},
        languages={key: key[:2] for key in keys},
        speakers={key: key[:2] + "_anne" for key in keys},
        labels={
            "text": {key: f"hello {key[:2]}" for key in keys},
            "text.en": {key: NO_LABEL if key[:2] == "en" else "hi" for key in keys},
        },
        groups={key: key[3:] for key in keys},
    )
    folder.mkdir(parents=True)
    write_data_dir(data)
    return data


def test_a_share_of_each_language_keeps_all_its_labels_and_the_audio_stays(tmp_path, capsys):
    before = write_set(tmp_path / "train")
    main(["--data", str(tmp_path), "--hide", "en=0.5", "fr=0.2"])
    assert "en 10, fr 4" in capsys.readouterr().out
    after = read_data_dir(tmp_path / "train")
    assert after.audio == before.audio
    shown = {key for key, text in after.labels["text"].items() if text != NO_LABEL}
    assert sorted(key[:2] for key in shown) == ["en"] * 10 + ["fr"] * 4
    translated = {key for key, text in after.labels["text.en"].items() if text != NO_LABEL}
    assert translated == {key for key in shown if key[:2] == "fr"}


def test_a_larger_share_keeps_what_a_smaller_one_keeps(tmp_path):
    shown = []
    for number, share in enumerate((0.3, 0.6)):
        folder = tmp_path / str(number)
        write_set(folder)
        hide_labels(folder, {"en": share, "fr": share})
        labels = read_data_dir(folder).labels["text"]
        shown.append({key for key, text in labels.items() if text != NO_LABEL})
    assert shown[0] < shown[1]


def test_a_planted_language_has_the_same_audio_and_other_letters(tmp_path, capsys):
    for name in ("train", "dev", "test"):
        before = write_set(tmp_path / name)
    main(["--data", str(tmp_path), "--plant", "en", "xx"])
    assert capsys.readouterr().out.count("20 utterances of en, the same of xx") == 3
    after = read_data_dir(tmp_path / "test")
    assert sorted(set(after.languages.values())) == ["en", "xx"]
    assert after.audio["planted_en_03"] == after.audio["en_03"] == before.audio["en_03"]
    assert after.labels == {"text": after.labels["text"]}
    assert after.labels["text"]["en_03"] == "hello en"
    assert after.labels["text"]["planted_en_03"] == "uryyb ra"
    assert after.groups["planted_en_03"] == after.groups["en_03"]
    assert after.speakers["planted_en_03"] != after.speakers["en_03"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hide", "en=1.5"], "must lie between 0 and 1, but got 1.5"),
        (["--hide", "en"], "words such as en=0.4, a language and a share, but got 'en'"),
        (["--hide", "de=0.5"], "'de'"),
        (["--plant", "de", "xx"], "'de'"),
        (["--plant", "en", "fr"], "has utterances of `fr` already"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_and_changes_nothing(tmp_path, arguments, message):
    before = write_set(tmp_path / "train")
    with pytest.raises(ValueError, match=message):
        main(["--data", str(tmp_path), *arguments])
    assert read_data_dir(tmp_path / "train") == replace(before, path=tmp_path / "train")

"""Does a set have what the objectives need? If not, which label, language or file?"""

from dataclasses import replace
from pathlib import Path

import pytest

from espnet_soups.data.check_audio import check_audio
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.set_labels import (
    compare_labels,
    compare_with_settings,
    count_labels,
    objectives_of,
)
from espnet_soups.testing.toy_objectives import build_objectives

OBJECTIVES = build_objectives(["en", "fr"], ["fr_en"])


def test_labels_are_counted_per_objective(data_dir):
    counts = count_labels(data_dir, OBJECTIVES)
    assert counts == {"asr_en": 2, "asr_fr": 2, "st_fr_en": 2}


def test_a_language_that_the_run_does_not_have_is_refused(data_dir):
    message = r"utt2lang: fr_b-.* has language 'fr'.* name it in `--asr_langs`, .* or `--languages`"
    with pytest.raises(ValueError, match=message):
        count_labels(data_dir, build_objectives(["en"], []))


def test_an_objective_without_label_is_refused(data_dir):
    with pytest.raises(ValueError, match="no label of asr_de"):
        count_labels(data_dir, build_objectives(["en", "fr", "de"], []))
    with pytest.raises(ValueError, match=r"has no text\.de, which st_fr_de needs"):
        count_labels(data_dir, build_objectives(["en", "fr"], ["fr_de"]))


def test_a_language_of_one_utterance_is_refused_where_a_step_takes_two(data_dir):
    few = data_dir.keep(["en_a-one", "en_a-two", "fr_b-one"])
    assert count_labels(few, OBJECTIVES)["asr_fr"] == 1
    with pytest.raises(ValueError, match="has 1 utterance of fr, but every step of training takes"):
        count_labels(few, OBJECTIVES, least=2)


def test_missing_and_empty_audio_and_pipes_are_refused(data_dir):
    check_audio(data_dir)
    Path(data_dir.audio["en_a-two"]).write_bytes(b"")
    Path(data_dir.audio["fr_b-two"]).unlink()
    with pytest.raises(FileNotFoundError, match=r"2 of 4 audio files.*en_a-two\.wav"):
        check_audio(data_dir)
    piped = replace(data_dir, audio={**data_dir.audio, "fr_b-two": "sox x.wav - |"})
    with pytest.raises(ValueError, match="fr_b-two is a pipe"):
        check_audio(piped)


GENDER = Objective("gender", "cls", label="utt2gender", label_file="utt2gender")
VOICE = Objective("voice", "spk", label="utt2spk", label_file="utt2spk")


def test_objectives_of_all_languages_count_known_classes_and_name_no_language(data_dir):
    genders = {"en_a-one": "f", "en_a-two": "unknown", "fr_b-one": "m", "fr_b-two": "<na>"}
    data = replace(data_dir, labels={**data_dir.labels, "utt2gender": genders})
    counts = count_labels(data, [GENDER, VOICE], languages=["en", "fr"])
    assert counts == {"gender": 2, "voice": 4}
    with pytest.raises(ValueError, match=r"has language 'fr', but the run has \['en'\]"):
        count_labels(data, [GENDER], languages=["en"])
    with pytest.raises(ValueError, match="has no utt2gender, which gender needs"):
        count_labels(data_dir, [GENDER], languages=["en", "fr"])


def test_a_set_tests_the_languages_it_speaks_and_the_tables_it_has(data_dir):
    english = data_dir.keep(["en_a-one"])
    found = objectives_of(english, [*OBJECTIVES, GENDER, VOICE])
    assert [objective.name for objective in found] == ["asr_en", "voice"]
    assert objectives_of(english, [GENDER]) == [GENDER]  # so that it is missed


def test_a_set_without_a_translation_tests_recognition_and_one_without_the_table_is_refused(
    data_dir,
):
    absent = dict.fromkeys(data_dir.audio, "<na>")
    untranslated = replace(data_dir, labels={**data_dir.labels, "text.en": absent})
    found = objectives_of(untranslated, OBJECTIVES)
    assert [objective.name for objective in found] == ["asr_en", "asr_fr"]
    text_alone = replace(data_dir, labels={"text": data_dir.labels["text"]})
    assert objectives_of(text_alone, OBJECTIVES) == OBJECTIVES
    with pytest.raises(ValueError, match=r"has no text\.en, which st_fr_en needs"):
        count_labels(text_alone, objectives_of(text_alone, OBJECTIVES))
    unlabelled = replace(untranslated, labels={"text": absent, "text.en": absent})
    assert objectives_of(unlabelled, OBJECTIVES) == OBJECTIVES  # so that it is refused


def test_labels_are_compared_with_the_classes_that_settings_give(data_dir, tmp_path):
    genders = {"en_a-one": "f", "en_a-two": "unknown", "fr_b-one": "m", "fr_b-two": "<na>"}
    data = replace(data_dir, labels={**data_dir.labels, "utt2gender": genders})

    def compare(objective, classes, training=True):
        compare_with_settings(data, [objective], lambda name: {"classes": classes}, training)

    compare(GENDER, None)
    compare(GENDER, {"f": 3, "m": 2})
    refused = r"utt2gender: 1 labels are of classes that `classes` of gender lacks: m \(1\)"
    with pytest.raises(ValueError, match=refused):
        compare(GENDER, {"f": 3, "x": 2})
    (tmp_path / "list").write_text("f 3\nx 2\n")
    with pytest.raises(ValueError, match=refused):
        compare(GENDER, str(tmp_path / "list"), training=False)
    strangers = {"nobody": 1, "noone": 2}
    with pytest.raises(
        ValueError, match="utt2spk: 4 labels are of classes that `classes` of voice"
    ):
        compare(VOICE, strangers)
    compare(VOICE, strangers, training=False)


def test_a_validation_set_of_strangers_alone_is_refused_where_no_other_objective_chooses(data_dir):
    english, french = (
        data_dir.keep(key for key, own in data_dir.languages.items() if own == language)
        for language in ("en", "fr")
    )
    compare_labels(french, data_dir, [VOICE], [VOICE])
    compare_labels(french, english, [VOICE])  # a test set
    compare_labels(french, english, [VOICE], [VOICE, *OBJECTIVES])
    with pytest.raises(ValueError, match=r"no epoch could be chosen by it: .*utt2spk: none of its"):
        compare_labels(french, english, [VOICE], [VOICE])

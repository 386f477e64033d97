"""The sets of `egs2/debian_speech`, made of miniatures of its corpora."""

from collections import Counter
from pathlib import Path

import pytest

from espnet_soups.bin.prepare_debian_speech import main
from espnet_soups.data.corpora.debian_speech import deal_blocks, divide, prepare_debian_speech
from espnet_soups.data.corpora.parallel_speech import Corpus, Speech
from espnet_soups.data.data_dir import read_data_dir
from espnet_soups.testing.miniature_debian import (
    GAME_LANGUAGES,
    write_debian_speech,
)

SETS = ("train", "dev", "test_asterisk", "test_drascula", "test_festvox")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("debian")
    write_debian_speech(root / "downloads")
    sets, left_out = prepare_debian_speech(root / "downloads", root / "downloads", root / "data")
    return root / "data", sets, left_out


def test_no_text_of_any_language_is_in_two_of_train_dev_and_test(made):
    data, _, _ = made
    seen: dict[tuple[str, str], str] = {}
    for name in SETS:
        tables = read_data_dir(data / name)
        kind = name.partition("_")[0]
        for file, table in tables.labels.items():
            if not file.startswith("text"):
                continue
            for utterance, text in table.items():
                language = file.partition(".")[2] or tables.languages[utterance]
                if text != "<na>":
                    assert seen.setdefault((language, text), kind) == kind
    assert Counter(seen.values())["test"] > 200


def test_every_corpus_is_in_every_kind_of_set_and_blocks_stay_together(made):
    data, sets, _ = made
    for name in ("train", "dev"):
        datasets = read_data_dir(data / name).labels["utt2dataset"]
        assert set(datasets.values()) == {"asterisk", "drascula", "festvox"}
    tests = {
        name: {speech.corpus for speech in sets[f"test_{name}"]}
        for name in ("asterisk", "drascula", "festvox")
    }
    assert tests == {name: {name} for name in tests}
    kinds: dict[int, set[str]] = {}
    for name, speeches in sets.items():
        for speech in speeches:
            if speech.corpus == "festvox":
                kinds.setdefault(int(speech.key[3:]) // 20, set()).add(name)
    assert len(kinds) == 21
    assert all(len(names) == 1 for names in kinds.values())


def test_prompts_have_texts_of_five_languages_and_lines_of_six(made):
    data, _, _ = made
    tables = read_data_dir(data / "train")
    for utterance, language in tables.languages.items():
        corpus = tables.labels["utt2dataset"][utterance]
        has = {t for t in GAME_LANGUAGES if tables.labels[f"text.{t}"][utterance] != "<na>"}
        written = {"asterisk": set(GAME_LANGUAGES) - {"de"}, "drascula": set(GAME_LANGUAGES)}
        assert has == written.get(corpus, {language}) - {language}
        assert tables.labels["text"][utterance] != "<na>"


def test_audio_without_labels_is_a_set_of_its_own_without_noises(made):
    data, sets, left_out = made
    tables = read_data_dir(data / "unlabeled", labelled=False)
    assert {"es_asterisk_july-vm-x", "fr_asterisk_armelle-digits_1"} <= set(tables.audio)
    assert {"en_allison-vm-5", "it_menardi-vm-5"} <= set(tables.audio)  # a number nobody can read
    assert not [key for key in tables.audio if "beep" in key]
    labelled = {speech.utterance for name in SETS for speech in sets[name]}
    assert not labelled & set(tables.audio)
    lines = (data / "removed.tsv").read_text().splitlines()
    assert len(lines) == len(left_out) + 1
    assert "asterisk\ten\tbeep\tnot speech" in lines


def test_a_line_in_several_languages_is_one_group(made):
    data, _, _ = made
    groups = read_data_dir(data / "train").groups
    by_line = Counter(group for key, group in groups.items() if "_drascula_" in key)
    assert set(by_line.values()) == {2, 4} or set(by_line.values()) == {2}


def make(corpus: str, key: str, language: str, **texts: str) -> Speech:
    return Speech(corpus, key, language, f"{language}_x", Path("x.wav"), texts)


def test_a_line_goes_where_a_prompt_with_its_text_is_and_nowhere_if_two_sets_have_it():
    prompts = [make("asterisk", key, "en", en=key) for key in ("yes", "no", "why")]
    lines = [
        make("drascula", "001", "es", es="si", en="yes"),
        make("drascula", "002", "es", es="no", en="no"),
        make("drascula", "003", "es", es="si", fr="oui"),  # hangs together with 001
        make("drascula", "004", "es", es="eh", en="why"),
        make("drascula", "005", "es", es="eh", en="no"),  # why is for training, no is a test
    ]
    fixed = {"yes": "test", "no": "dev", "why": "train"}
    sets, left_out = divide(Corpus(prompts), fixed, [Corpus(lines)])
    where = {s.key: name for name, found in sets.items() for s in found if s.corpus == "drascula"}
    clash = "unlabeled"
    assert where == {"001": "test_drascula", "003": "test_drascula"} | dict.fromkeys(
        ["002", "004", "005"], clash
    )
    assert {r.key for r in left_out} == {"002", "004", "005"}
    assert all(not speech.texts for speech in sets[clash])


def test_blocks_are_dealt_by_character_and_number():
    keys = [f"{name}{number:03d}" for name in ("", "VB") for number in range(200)]
    dealt = deal_blocks(keys, 10)
    for hero in (True, False):
        found = Counter(kind for key, kind in dealt.items() if key.startswith("VB") != hero)
        assert found == {"train": 160, "test": 30, "dev": 10}
    for first in range(0, 200, 10):
        for name in ("", "VB"):
            assert len({dealt[f"{name}{n:03d}"] for n in range(first, first + 10)}) == 1
    assert dealt == deal_blocks(reversed(keys), 10)


def test_the_command_says_how_much_of_each_language_there_is(made, capsys, tmp_path):
    data, sets, _ = made
    downloads = data.parent / "downloads"
    words = ["--downloads", str(downloads), "--asterisk", str(downloads), "--data", str(tmp_path)]
    main(words)
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["utterances,", "minutes", "en", "fr", "es", "it", "ru"]
    row = next(line for line in told if line.startswith("  test_festvox"))
    number = len(sets["test_festvox"])
    assert f"{number}, {2.0 * number / 60:.1f}" in row
    assert row.count("0, 0.0") == 4

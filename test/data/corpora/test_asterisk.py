"""The corpus on a faithful miniature of its packages, with its traps planted one by one."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet_soups.data.corpora.asterisk import LANGUAGES, Prompt, assign_sets, prepare_asterisk
from espnet_soups.data.corpora.asterisk_download import download_prompts
from espnet_soups.data.data_dir import read_data_dir

SPEAKERS = {
    "en": ["en_US_f_Allison"],
    "fr": ["fr_CA_f_June"],
    "es": ["es_MX_f_Allison"],
    "it": ["it_IT_f_Menardi", "it_IT_m_Carlo"],
    "ru": ["ru_RU_f_Voice"],
}
WORDS = {"en": "hello", "fr": "bonjour", "es": "hola", "it": "ciao", "ru": "привет"}


def write_corpus(downloads: Path, prompts: int = 60) -> None:
    """Write packages as Debian's are unpacked: gzipped texts, folders of wav files."""
    for language in LANGUAGES:
        texts = [f"; Core Asterisk Sounds in {language}", ""]
        texts += [
            f"say-{n}: {WORDS[language]} {chr(97 + n // 26)}{chr(97 + n % 26)}"
            for n in range(prompts)
        ]
        texts += ["digits/1: " + WORDS[language], "beep: [a tone]", "long: " + WORDS[language]]
        texts += ["twin-1: the same words", "twin-2: The same words."]
        if language == "en":
            texts.append("unspoken: nobody reads this")
        docs = downloads / language / "usr" / "share" / "doc"
        docs.mkdir(parents=True)
        mark = "\ufeff" if language == "it" else ""  # the Italian list begins with a BOM
        (docs / f"core-sounds-{language}.txt.gz").write_bytes(
            gzip.compress((mark + "\n".join(texts) + "\n").encode())
        )
        for speaker in SPEAKERS[language]:
            root = downloads / language / "usr" / "share" / "asterisk" / "sounds" / speaker
            (root / "digits").mkdir(parents=True)
            keys = [f"say-{n}" for n in range(prompts)] + ["digits/1", "beep", "twin-1", "twin-2"]
            keys += ["untold"]
            for key in keys:
                soundfile.write(root / f"{key}.wav", np.zeros(8000), 8000)
            soundfile.write(root / "long.wav", np.zeros(8000 * 74), 8000)
        (downloads / language / "complete").touch()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("asterisk")
    write_corpus(root / "downloads")
    counts, removals = prepare_asterisk(root / "downloads", root / "data")
    return root, counts, removals


def test_no_key_and_no_text_of_any_language_is_in_two_sets(corpus):
    root, _, _ = corpus
    seen: dict[tuple[str, str], str] = {}
    for name in ("train", "dev", "test"):
        data = read_data_dir(root / "data" / name)
        assert data.audio
        for utterance, language in data.languages.items():
            key = utterance.split("-", 1)[1]
            for mark in (("key", key), (language, data.labels["text"][utterance])):
                assert seen.setdefault(mark, name) == name


def test_what_shares_a_key_or_a_text_is_one_group_of_the_bootstrap(corpus):
    root, _, _ = corpus
    members: dict[str, set[str]] = {}
    for name in ("train", "dev", "test"):
        for utterance, group in read_data_dir(root / "data" / name).groups.items():
            members.setdefault(group, set()).add(utterance.split("-", 1)[1])
    assert len(members) == 62  # 60 sentences, a word, and the twins
    assert members["say-7"] == {"say-7"}
    assert members["digits_1"] == {"digits_1"}
    assert members["twin-1"] == {"twin-1", "twin-2"}


def test_every_language_and_both_italian_speakers_are_in_every_set(corpus):
    root, counts, _ = corpus
    for name in ("train", "dev", "test"):
        assert all(counts[f"{name} {language}"] > 0 for language in LANGUAGES)
        speakers = set(read_data_dir(root / "data" / name).speakers.values())
        assert {"it_menardi", "it_carlo"} <= speakers


def test_english_is_the_translation_of_the_others_and_has_none_itself(corpus):
    root, _, _ = corpus
    data = read_data_dir(root / "data" / "train")
    for utterance, language in data.languages.items():
        text, translation = data.labels["text"][utterance], data.labels["text.en"][utterance]
        if language == "en":
            assert translation == "<na>"
        elif "say" in utterance:
            assert translation == text.replace(WORDS[language], "hello")


def test_each_removal_has_its_reason(corpus):
    root, _, removals = corpus
    reasons = Counter(removal.reason for removal in removals)
    assert reasons["not speech"] == 6  # the beep of six speakers
    assert reasons["no text"] == 6
    assert reasons["too long for its text"] == 6  # 74 s under one word
    assert reasons["no recording by en_allison"] == 1
    assert len((root / "data" / "removed.tsv").read_text().splitlines()) == len(removals) + 1


def test_prompts_with_the_same_text_in_one_language_stay_together_across_keys():
    prompts = []
    for number in range(60):
        for twin in "ab":
            key = f"{number}-{twin}"
            prompts.append(Prompt(key, "en", "en_x", Path("x.wav"), f"text {key}"))
            prompts.append(Prompt(key, "fr", "fr_x", Path("x.wav"), f"texte {number}"))
    sets = assign_sets(prompts)
    assert set(sets.values()) == {"train", "dev", "test"}
    assert all(sets[f"{number}-a"] == sets[f"{number}-b"] for number in range(60))


def test_a_language_that_was_not_downloaded_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no core-sounds-en\.txt"):
        prepare_asterisk(tmp_path, tmp_path / "data")


def test_without_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no apt-get
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between attempts
    address = (tmp_path / "nowhere").as_uri()
    with pytest.raises(OSError, match=r"could not be fetched: .*by hand"):
        download_prompts(tmp_path / "downloads", ["en"], upstream=address)
    assert not (tmp_path / "downloads" / "en").exists()


def test_the_release_is_unpacked_where_there_is_no_debian(tmp_path, monkeypatch):
    import tarfile

    write_corpus(tmp_path / "made", prompts=2)
    release = tmp_path / "releases"
    release.mkdir()
    with tarfile.open(release / "asterisk-core-sounds-en-wav-1.6.1.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "made" / "en", arcname=".")
    monkeypatch.setenv("PATH", str(tmp_path))
    download_prompts(tmp_path / "downloads", ["en"], upstream=release.as_uri())
    assert (tmp_path / "downloads" / "en" / "complete").exists()
    assert list((tmp_path / "downloads" / "en").rglob("say-1.wav"))

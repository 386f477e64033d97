"""CoVoST 2 on miniatures of its real layout, with its traps planted one by one."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from espnet_soups.bin.prepare_covost2 import main
from espnet_soups.data.corpora.common_voice import RELEASE, describe_missing, find_language
from espnet_soups.data.corpora.covost2 import CovostConfig, flac_path, prepare_covost2
from espnet_soups.data.corpora.covost2_tables import directions_of, find_table
from espnet_soups.data.data_dir import read_data_dir
from espnet_soups.testing.miniature_corpora import write_common_voice, write_covost_table

FRENCH = {
    "1": "Ça va, « Zoé » ?",
    "2": 'Elle dit "non',
    "3": "NA",
    "4": "finit par \\",
    "5": "deux\u2028lignes",
    "6": "L’été.",
    "7": "...",
    "8": "Six mots.",
    "9": "Jamais traduit.",
}
FRENCH_ROWS = [
    ("1", "Are you OK, Zoé?", "train"),
    ("2", 'She says "no', "train"),
    ("3", "null", "train_covost"),
    ("4", "ends in a slash", "train"),
    ("5", "two\u2028lines", "train"),
    ("6", "Summer.", "dev"),
    ("7", "", "test"),
    ("8", "Six words.", "test"),
    ("8", "Six words again.", "test"),
    ("77", "not in Common Voice 4", "test"),
    ("9", "of version 1", "test_covost"),
]
ENGLISH = {"1": "One.", "2": "Two.", "3": "Three."}
ENGLISH_ROWS = [("1", "Eins.", "train"), ("2", "Zwei.", "dev"), ("3", "Drei.", "test")]
LAYOUTS = ["{lang}", f"{RELEASE}/{{lang}}", f"{{lang}}/{RELEASE}/{{lang}}"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> CovostConfig:
    root = tmp_path_factory.mktemp("covost2")
    voice, tables = root / "cv", root / "covost"
    write_common_voice(voice / RELEASE / "fr", "fr", FRENCH)
    write_common_voice(voice / "en" / RELEASE / "en", "en", ENGLISH, fs=44100)
    write_covost_table(voice / RELEASE / "fr", "fr_en", FRENCH_ROWS)  # where fairseq puts it
    write_covost_table(tables, "en_de", ENGLISH_ROWS, packed=True)
    return CovostConfig(
        common_voice=voice,
        tables=tables,
        data=root / "data",
        audio=root / "audio",
        asr_languages=["en", "fr"],
        st_pairs=["fr_en", "en_de"],
        jobs=1,
    )


@pytest.fixture(scope="module")
def prepared(corpus):
    return corpus, prepare_covost2(corpus)


def by_clip(config: CovostConfig, split: str, table: str) -> dict[str, str]:
    labels = read_data_dir(config.data / split).labels[table]
    return {key.partition("-common_voice_")[2]: text for key, text in labels.items()}


def test_no_row_is_lost_to_quotes_na_backslashes_or_odd_line_ends(prepared):
    config, report = prepared
    assert by_clip(config, "train", "text") == {
        "fr_1": "ça va zoé",
        "fr_2": "elle dit non",
        "fr_3": "na",
        "fr_4": "finit par",
        "fr_5": "deux lignes",
        "en_1": "one",
    }
    assert report.counts["train", "fr"] == 5


def test_translations_keep_their_case_and_what_is_missing_is_na(prepared):
    config, _ = prepared
    train, test = (by_clip(config, name, "text.en") for name in ("train", "test"))
    assert train["fr_1"] == "Are you OK, Zoé?"
    assert train["fr_2"] == 'She says "no'
    assert train["fr_3"] == "null"
    assert train["en_1"] == "<na>"
    assert test == {"fr_7": "<na>", "fr_8": "Six words.", "en_3": "<na>"}
    assert by_clip(config, "test", "text.de") == {"fr_7": "<na>", "fr_8": "<na>", "en_3": "Drei."}
    assert by_clip(config, "test", "text")["fr_7"] == "<na>"  # nothing but punctuation
    assert by_clip(config, "dev", "text")["fr_6"] == "l'été"


def test_the_extended_training_set_is_in_and_extended_test_sets_are_out(prepared):
    config, _ = prepared
    assert "fr_3" in by_clip(config, "train", "text")
    assert "fr_9" not in by_clip(config, "test", "text")


def test_differences_from_the_official_corpus_are_named(prepared):
    _, report = prepared
    notes = "\n".join(report.notes)
    assert "CoVoST 2 fr, test: 2 utterances, but officially 14,760 (-14,758)" in notes
    assert "fr: 1 rows of the tables have no clip in validated.tsv {'test': 1}" in notes
    assert "fr: 1 rows of the tables repeat a clip" in notes
    assert "speakers of the training set are in dev or test too" in notes


def test_clips_become_16_khz_flac_and_ids_begin_with_a_short_speaker(prepared):
    config, _ = prepared
    data = read_data_dir(config.data / "train")
    for key, audio in data.audio.items():
        info = soundfile.info(audio)
        assert (info.samplerate, info.channels, info.format) == (16000, 1, "FLAC")
        assert 0.25 < info.duration < 0.7
        assert key.startswith(f"{data.speakers[key]}-common_voice_")
        assert len(data.speakers[key]) == len("fr_") + 12
    assert list(data.audio) == sorted(data.audio)
    assert not list(config.data.glob(".covost2_*"))  # the databases are gone


def test_broken_and_missing_clips_are_listed_and_left_out(corpus, tmp_path):
    voice = tmp_path / "cv"
    write_common_voice(voice / "fr", "fr", FRENCH)
    clips = voice / "fr" / "clips"
    (clips / "common_voice_fr_1.mp3").write_bytes(b"")
    (clips / "common_voice_fr_2.mp3").write_bytes(b"no MP3 at all" * 40)
    (clips / "common_voice_fr_3.mp3").unlink()
    write_covost_table(tmp_path, "fr_en", FRENCH_ROWS)
    config = CovostConfig(
        voice, tmp_path, tmp_path / "data", tmp_path / "audio", ["fr"], ["fr_en"], jobs=1
    )
    report = prepare_covost2(config)
    assert (report.missing["fr"], report.corrupt["fr"]) == (1, 2)
    assert sorted(by_clip(config, "train", "text")) == ["fr_4", "fr_5"]
    lines = (config.data / "corrupt.tsv").read_text().splitlines()[1:]
    assert [Path(line.split("\t")[0]).stem[-1] for line in lines] == ["1", "2", "3"]
    assert lines[2].endswith("\tmissing")


def test_a_second_run_converts_only_what_is_missing(prepared):
    config, first = prepared
    flac = flac_path(config.audio, "fr", "common_voice_fr_1")
    other = flac_path(config.audio, "fr", "common_voice_fr_2")
    flac.unlink()
    before = other.stat().st_mtime_ns
    assert prepare_covost2(config).counts == first.counts
    assert flac.exists()
    assert other.stat().st_mtime_ns == before


def test_a_limit_keeps_the_same_part_every_time(prepared, tmp_path):
    config, _ = prepared
    small = replace(config, data=tmp_path / "data", limits={"train": 2, "test": 0})
    report = prepare_covost2(small)
    kept = by_clip(small, "train", "text")
    assert (report.counts["train", "fr"], report.counts["train", "en"]) == (2, 1)
    assert report.counts["test", "fr"] == 2
    prepare_covost2(small)
    assert by_clip(small, "train", "text") == kept


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_common_voice_is_found(tmp_path, layout):
    folder = tmp_path / layout.format(lang="zh-CN")
    (folder / "clips").mkdir(parents=True)
    (folder / "validated.tsv").touch()
    assert find_language(tmp_path, "zh-CN") == folder
    assert find_language(folder, "zh-CN") == folder  # the user points at the language itself


def test_the_release_of_covost_is_taken_before_others_and_others_are_warned_of(tmp_path, caplog):
    for release in ("cv-corpus-13.0-2023-03-09", RELEASE):
        (tmp_path / release / "fr" / "clips").mkdir(parents=True)
        (tmp_path / release / "fr" / "validated.tsv").touch()
    assert find_language(tmp_path, "fr") == tmp_path / RELEASE / "fr"
    (tmp_path / RELEASE / "fr" / "validated.tsv").unlink()
    with caplog.at_level(logging.WARNING):
        found = find_language(tmp_path, "fr")
    assert found == tmp_path / "cv-corpus-13.0-2023-03-09" / "fr"
    assert f"is not {RELEASE}" in caplog.text


def test_all_that_is_missing_is_listed_at_once_with_its_size(corpus, tmp_path):
    (tmp_path / "de").mkdir()
    (tmp_path / "es.tar.gz").touch()
    config = replace(corpus, common_voice=tmp_path, st_pairs=["de_en", "es_en", "ca_en"])
    with pytest.raises(FileNotFoundError) as caught:
        prepare_covost2(config)
    text = str(caught.value)
    assert "de lacks validated.tsv and clips" in text
    assert f"tar xzf {tmp_path}/es.tar.gz" in text
    assert f"{RELEASE}-ca.tar.gz, 8.2 GB" in text
    assert "11.6 GB" in text  # fr, which is recognised
    assert "mozilladatacollective" in text
    assert not describe_missing(tmp_path, "it").endswith("GB)")  # its size is not known


def test_directions_that_do_not_exist_are_refused():
    assert directions_of("en", ["fr_en", "en_zh-CN", "en_de"]) == ["en_zh-CN", "en_de"]
    assert directions_of("sv-SE", []) == ["sv-SE_en"]
    for pair in ("en_fr", "fr_de", "xx_en"):
        with pytest.raises(ValueError, match=f"no direction {pair}"):
            directions_of(pair.split("_")[0], [pair])


def test_a_table_is_fetched_unpacked_and_kept(tmp_path, monkeypatch):
    served = write_covost_table(tmp_path / "served", "fr_en", FRENCH_ROWS, packed=True)
    address = (served.parent / "covost_v2.{direction}.tsv.tar.gz").as_uri()
    monkeypatch.setattr(
        "espnet_soups.data.corpora.covost2_tables.URL",
        address.replace("%7B", "{").replace("%7D", "}"),
    )
    found = find_table("fr_en", [tmp_path], tmp_path / "downloads")
    assert found == tmp_path / "downloads" / "covost_v2.fr_en.tsv"
    assert found.read_text().count("\n") == len(FRENCH_ROWS) + 1
    served.unlink()
    assert find_table("fr_en", [tmp_path], tmp_path / "downloads") == found


def test_two_directions_that_disagree_on_a_split_are_refused(tmp_path):
    write_common_voice(tmp_path / "en", "en", ENGLISH)
    write_covost_table(tmp_path, "en_de", ENGLISH_ROWS)
    write_covost_table(tmp_path, "en_ca", [("1", "U.", "test")])
    config = CovostConfig(
        tmp_path, tmp_path, tmp_path / "data", tmp_path / "a", ["en"], ["en_de", "en_ca"]
    )
    with pytest.raises(ValueError, match="common_voice_en_1 in the set test, but another"):
        prepare_covost2(config)


def test_the_command_prints_a_table_of_what_it_made(prepared, capsys):
    config, _ = prepared
    options = {
        "common_voice": config.common_voice,
        "covost2": config.tables,
        "data": config.data,
        "audio": config.audio,
        "asr_langs": "en fr",
        "st_pairs": "fr_en",
        "nj": 1,
    }
    main([word for name, value in options.items() for word in (f"--{name}", str(value))])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["utterances", "en", "fr"]
    assert lines[1].split() == ["train", "1", "5"]


def small_config(root: Path) -> CovostConfig:
    for language, clips in (("de", ENGLISH), ("fr", FRENCH)):
        write_common_voice(root / language, language, clips)
        rows = FRENCH_ROWS if language == "fr" else ENGLISH_ROWS
        write_covost_table(root, f"{language}_en", rows)
    return CovostConfig(
        root, root, root / "data", root / "audio", ["de", "fr"], ["de_en", "fr_en"], jobs=1
    )


def test_a_table_that_is_cut_inside_a_letter_shows_before_any_clip_is_decoded(tmp_path):
    config = small_config(tmp_path)
    table = tmp_path / "fr" / "validated.tsv"
    content = table.read_bytes()
    table.write_bytes(content[: content.index("Ça".encode()) + 1])
    with pytest.raises(ValueError, match=r"fr/validated\.tsv:2: the line is not UTF-8"):
        prepare_covost2(config)
    assert not config.audio.exists()
    assert not list(config.data.iterdir())


def test_a_table_that_is_cut_inside_a_row_is_warned_of_with_its_line(tmp_path):
    config = small_config(tmp_path)
    table = tmp_path / "fr" / "validated.tsv"
    content = table.read_bytes()
    table.write_bytes(content[: content.rindex(b".mp3")])
    notes = "\n".join(prepare_covost2(config).notes)
    assert "validated.tsv:10: 2 fields, expected 8" in notes
    assert "CoVoST 2 fr, train: 5 utterances, but officially 207,374" in notes


def test_clips_that_are_missing_altogether_or_in_part_are_spoken_of(tmp_path):
    config = small_config(tmp_path)
    clips = sorted((tmp_path / "de" / "clips").glob("*.mp3"))
    clips[0].unlink()
    notes = "\n".join(prepare_covost2(config).notes)
    assert "de: 1 of 3 clips are missing or corrupt: the archive may have been unpacked" in notes
    for path in clips[1:]:
        path.unlink()
    again = replace(config, audio=tmp_path / "other", data=tmp_path / "other_data")
    with pytest.raises(FileNotFoundError, match=r"None of the 3 clips of de .*_1\.mp3 \(missing\)"):
        prepare_covost2(again)
    assert not list(again.data.iterdir())


def test_a_folder_that_does_not_exist_is_called_so(corpus, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder: Common Voice"):
        prepare_covost2(replace(corpus, common_voice=tmp_path / "nowhere"))

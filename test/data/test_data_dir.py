"""Data dirs: round trip, and errors that name files and keys."""

from dataclasses import replace
from pathlib import Path

import pytest

from espnet_soups.bin.combine_data_dirs import main
from espnet_soups.data.combine import combine_data_dirs
from espnet_soups.data.data_dir import BACKUPS, read_data_dir, write_data_dir
from espnet_soups.files import read_table, write_table


def test_a_data_dir_has_every_table_and_spk2utt(data_dir):
    assert set(data_dir.labels) == {"text", "text.en"}
    assert (data_dir.path / "spk2utt").read_text() == (
        "en_a en_a-one en_a-two\nfr_b fr_b-one fr_b-two\n"
    )


def test_keys_that_differ_are_named_with_both_files(data_dir):
    path = data_dir.path / "text"
    path.write_text(path.read_text().replace("fr_b-two", "fr_b-three"))
    with pytest.raises(ValueError, match=r"wav\.scp \(first: fr_b-two\).*text \(first: fr_b-three"):
        read_data_dir(data_dir.path)


def test_both_files_are_named_where_one_lacks_keys(data_dir):
    path = data_dir.path / "text.en"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    said = (
        r"ids of \S+/wav\.scp and \S+/text\.en differ: 1 only in \S+/wav\.scp \(first: en_a-one\)"
    )
    with pytest.raises(ValueError, match=said):
        read_data_dir(data_dir.path)


def test_a_missing_file_is_named(data_dir):
    (data_dir.path / "utt2lang").unlink()
    with pytest.raises(FileNotFoundError, match="has no utt2lang"):
        read_data_dir(data_dir.path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no data dir"):
        read_data_dir(tmp_path / "nowhere")


def test_keep_keeps_all_tables_together(data_dir):
    kept = data_dir.keep(["fr_b-one"])
    assert list(kept.audio) == list(kept.languages) == list(kept.labels["text.en"]) == ["fr_b-one"]


def test_utterances_that_are_channels_of_files_are_refused(data_dir):
    (data_dir.path / "reco2file_and_channel").write_text("en_a-one en_a-one A\n")
    with pytest.raises(ValueError, match="has `reco2file_and_channel`, but it is not read"):
        read_data_dir(data_dir.path)
    with pytest.raises(ValueError, match="has `reco2file_and_channel`"):
        combine_data_dirs([data_dir.path], data_dir.path.parent / "all")


def test_tables_of_labels_are_read_kept_and_written(data_dir, caplog):
    write_table(data_dir.path / "utt2gender", {"en_a-one": "f", "fr_b-one": "unknown"})
    for name in ("utt2uniq", "utt2num_frames"):
        write_table(data_dir.path / name, dict.fromkeys(data_dir.audio, "1"))
    with caplog.at_level("INFO"):
        data = read_data_dir(data_dir.path)
    assert "utt2gender: 2 utterances have no line and count as `<na>`, such as en_a-two" in (
        caplog.text
    )
    assert set(data.labels) == {"text", "text.en", "utt2gender"}
    assert dict(data.labels["utt2gender"]) == {
        "en_a-one": "f",
        "en_a-two": "<na>",
        "fr_b-one": "unknown",
        "fr_b-two": "<na>",
    }
    assert data.labels_of("utt2lang") == data.languages
    assert data.labels_of("utt2accent") is None
    target = data_dir.path.parent / "kept"
    write_data_dir(replace(data.keep(["en_a-one", "en_a-two"]), path=target))
    assert read_table(target / "utt2gender") == {"en_a-one": "f", "en_a-two": "<na>"}
    write_data_dir(replace(data_dir, path=target))
    assert not (target / "utt2gender").exists()  # of the set that was there before


def test_a_label_of_an_utterance_that_is_not_there_is_refused(data_dir):
    write_table(data_dir.path / "utt2gender", {"de_c-one": "f"})
    with pytest.raises(ValueError, match=r"1 only in \S+/utt2gender \(first: de_c-one\)"):
        read_data_dir(data_dir.path)


def test_a_set_whose_labels_are_no_texts_needs_none(data_dir):
    (data_dir.path / "text").unlink()
    (data_dir.path / "text.en").unlink()
    with pytest.raises(FileNotFoundError, match="has no text"):
        read_data_dir(data_dir.path)
    write_table(data_dir.path / "utt2gender", {"en_a-one": "f"})
    assert list(read_data_dir(data_dir.path).labels) == ["utt2gender"]


def test_a_second_recording_comes_along_where_it_is_asked_for(data_dir):
    (data_dir.path / "clean.scp").write_text((data_dir.path / "wav.scp").read_text())
    assert read_data_dir(data_dir.path).audio_labels == {}
    data = read_data_dir(data_dir.path, audio_labels=["clean.scp"])
    assert data.labels_of("clean.scp") == data.audio
    assert data.keep(["en_a-one"]).audio_labels["clean.scp"].keys() == {"en_a-one"}
    with pytest.raises(FileNotFoundError, match=r"has no noisy\.scp"):
        read_data_dir(data_dir.path, audio_labels=["noisy.scp"])


def test_tables_of_labels_are_combined_whatever_they_are_called(data_dir):
    folder = data_dir.path.parent
    other = replace(data_dir.keep(["fr_b-one"]), path=folder / "other")
    renamed = {"x_fr_b-one": "fr"}
    write_data_dir(
        replace(other, audio=renamed, languages=renamed, speakers=renamed, labels={"text": renamed})
    )
    write_table(data_dir.path / "utt2emotion", dict.fromkeys(data_dir.audio, "calm"))
    combine_data_dirs([data_dir.path, other.path], folder / "all")
    emotions = read_table(folder / "all" / "utt2emotion")
    assert emotions == {**dict.fromkeys(data_dir.audio, "calm"), "x_fr_b-one": "<na>"}


def test_second_recordings_are_combined_and_files_that_are_not_are_named(data_dir, capsys):
    folder = data_dir.path.parent
    other = replace(data_dir.keep(["fr_b-one"]), path=folder / "other")
    renamed = {"x_fr_b-one": "fr"}
    write_data_dir(
        replace(other, audio=renamed, languages=renamed, speakers=renamed, labels={"text": renamed})
    )
    write_table(data_dir.path / "clean.scp", data_dir.audio)
    (other.path / "trials").write_text("1 x_fr_b-one x_fr_b-one\n")
    main(["--target", str(folder / "all"), str(data_dir.path), str(other.path)])
    joined = read_table(folder / "all" / "clean.scp")
    assert joined == {**data_dir.audio, "x_fr_b-one": "<na>"}
    said = capsys.readouterr()
    assert said.out == f"{folder / 'all'}: 5 utterances of 2 data dirs\n"
    assert said.err == "warning: files that are not joined: trials\n"


def test_data_dirs_of_the_documented_files_alone_are_combined(data_dir):
    written = (data_dir.path / "spk2utt").read_text()
    (data_dir.path / "spk2utt").unlink()
    combine_data_dirs([data_dir.path], data_dir.path.parent / "all")
    assert (data_dir.path.parent / "all" / "spk2utt").read_text() == written
    for name in ("text", "text.en"):
        (data_dir.path / name).unlink()
    combine_data_dirs([data_dir.path], data_dir.path.parent / "untold")
    assert not (data_dir.path.parent / "untold" / "text").exists()


def test_corpora_are_named_where_data_dirs_are_combined(data_dir):
    folder = data_dir.path.parent
    other = replace(data_dir.keep(["fr_b-one"]), path=folder / "other")
    renamed = {"x_fr_b-one": "fr"}
    write_data_dir(
        replace(other, audio=renamed, languages=renamed, speakers=renamed, labels={"text": renamed})
    )
    combine_data_dirs([data_dir.path, other.path], folder / "all", ["cv", "mls"])
    named = {**dict.fromkeys(data_dir.audio, "cv"), "x_fr_b-one": "mls"}
    assert read_table(folder / "all" / "utt2dataset") == named
    write_table(other.path / "utt2dataset", {"x_fr_b-one": "its_own"})
    combine_data_dirs([data_dir.path, other.path], folder / "again", ["cv", "mls"])
    assert read_table(folder / "again" / "utt2dataset") == {**named, "x_fr_b-one": "its_own"}
    with pytest.raises(ValueError, match="`--datasets` needs a name for each of 2 data dirs"):
        combine_data_dirs([data_dir.path, other.path], folder / "all", ["cv"])


def test_backups_beside_tables_are_no_labels(data_dir):
    expected = read_data_dir(data_dir.path)
    for name in ("text.bak", "text~", "text.en~", "text.orig", "utt2lang.bak", "utt2spk~"):
        (data_dir.path / name).write_bytes(b"another_id \xff\n\n")
    assert read_data_dir(data_dir.path) == expected


def test_a_target_that_would_be_taken_for_a_backup_is_refused():
    from espnet_soups.objectives.translation import Translation

    with pytest.raises(ValueError, match=r"^text\.bak is taken for a backup of another file"):
        Translation().objective("st_fr_bak", {})


def test_stages_and_data_dirs_know_the_same_backups():
    script = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1/scripts/stage_inputs.sh"
    for ending in BACKUPS:
        assert f"'*{ending}'" in script.read_text(encoding="utf-8")

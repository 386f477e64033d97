"""What a test set shares with the training set is named."""

from dataclasses import replace
from pathlib import Path

from espnet_soups.bin.check_data_dir import main as check
from espnet_soups.data.data_dir import write_data_dir
from espnet_soups.data.overlap import describe_overlap, find_overlap


def test_sets_that_share_nothing_pass_without_a_word(data_dir):
    train, other = data_dir.keep(["en_a-one", "fr_b-one"]), data_dir.keep(["en_a-two", "fr_b-two"])
    other = replace(other, path=data_dir.path.parent / "test")
    assert describe_overlap(find_overlap(train, other), train, other) == []


def test_ids_files_and_groups_on_both_sides_are_counted_and_named(data_dir, tmp_path):
    link = tmp_path / "link.wav"
    link.symlink_to(Path(data_dir.audio["fr_b-one"]))
    groups = dict.fromkeys(data_dir.audio, "sentence1")
    train = replace(data_dir, groups=groups)
    other = replace(
        data_dir,
        path=tmp_path / "test",
        audio={"new": str(link), "en_a-two": "other.wav"},
        groups={"new": "sentence1", "en_a-two": "sentence2"},
    )
    overlap = find_overlap(train, other)
    assert (overlap.ids, overlap.audio, overlap.groups) == (["en_a-two"], ["new"], ["sentence1"])
    said = "\n".join(describe_overlap(overlap, train, other))
    assert "1 of 2 utterances of" in said
    assert "en_a-two; scores" in said
    assert "1 of 2 audio files of" in said
    assert "1 groups (utt2group) of" in said


def test_stage_1_warns_and_goes_on(data_dir, capsys):
    write_data_dir(replace(data_dir, path=data_dir.path.parent / "test"))
    words = ["--asr_langs", "en fr", "--train", str(data_dir.path)]
    check([str(data_dir.path.parent / "test"), *words])
    assert "warning: 4 of 4 utterances of" in capsys.readouterr().err
    check([str(data_dir.path), *words])
    assert "is the training set" in capsys.readouterr().err

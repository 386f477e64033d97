import kaldiio
import numpy as np
import pytest

from espnet_soups.data.audio_union import unite_audio
from espnet_soups.data.data_dir import DataDir, read_data_dir, write_data_dir
from espnet_soups.data.length_filter import filter_lengths
from espnet_soups.files import read_table, write_table


def dump(path, keys, language, dimension=4, labels=None):
    path.mkdir()
    features = {key: np.zeros((5 + n, dimension), np.float32) for n, key in enumerate(keys)}
    kaldiio.save_ark(str(path / "feats.ark"), features, scp=str(path / "feats.scp"))
    data = DataDir(
        path=path,
        audio=read_table(path / "feats.scp"),
        languages=dict.fromkeys(keys, language),
        speakers=dict.fromkeys(keys, "a"),
        labels=labels or {},
    )
    write_data_dir(data, "feats.scp")
    write_table(path / "utt2num_frames", {key: str(len(f)) for key, f in features.items()})
    return path


def test_audio_of_all_sets_comes_together_with_shapes_and_languages(tmp_path):
    labels = {"text": {"fr-1": "oui", "fr-2": "non"}}
    first = dump(tmp_path / "train", ["fr-1", "fr-2"], "fr", labels=labels)
    second = dump(tmp_path / "more", ["br-1"], "br")
    unite_audio(first, [second], tmp_path / "all", "fbank")
    assert read_table(tmp_path / "all/speech_shape") == {
        "br-1": "5,4",
        "fr-1": "5,4",
        "fr-2": "6,4",
    }
    assert (tmp_path / "all/languages").read_text() == "br\nfr\n"
    assert not (tmp_path / "all/text").exists()


def test_labels_are_kept_and_audio_without_any_becomes_a_group_of_its_own(tmp_path):
    first = dump(tmp_path / "train", ["fr-1"], "fr", labels={"text": {"fr-1": "oui"}})
    second = dump(tmp_path / "more", ["fr-9"], "fr")
    union = unite_audio(first, [second], tmp_path / "all", "fbank", keep_labels=True)
    assert read_table(tmp_path / "all/labels/text") == {"fr-1": "oui", "fr-9": "<na>"}
    assert union.languages == {"fr-1": "fr", "fr-9": "unlabeled"}
    assert read_table(tmp_path / "all/utt2lang") == union.languages


def test_who_speaks_and_which_language_are_no_labels_of_audio_without_labels(tmp_path):
    first = dump(tmp_path / "train", ["fr-1"], "fr", labels={"text": {"fr-1": "oui"}})
    second = dump(tmp_path / "more", ["fr-9"], "fr")
    unite_audio(first, [second], tmp_path / "all", "fbank", keep_labels=True)
    assert read_table(tmp_path / "all/labels/utt2spk") == {"fr-1": "a", "fr-9": "<na>"}
    assert read_table(tmp_path / "all/labels/utt2lang") == {"fr-1": "fr", "fr-9": "<na>"}
    assert read_table(tmp_path / "all/utt2spk") == {"fr-1": "a", "fr-9": "a"}


def test_other_features_and_ids_that_come_twice_are_refused(tmp_path):
    first = dump(tmp_path / "train", ["fr-1"], "fr", labels={"text": {"fr-1": "oui"}})
    wide = dump(tmp_path / "wide", ["fr-2"], "fr", dimension=8)
    with pytest.raises(ValueError, match=r"wide has feature dimension 8, but .*train has 4"):
        unite_audio(first, [wide], tmp_path / "all", "fbank")
    raw = dump(tmp_path / "raw", ["fr-2"], "fr")
    (raw / "feats.scp").rename(raw / "wav.scp")
    with pytest.raises(
        ValueError, match=r"raw has feature type raw \(wav.scp\), but .*train has fb"
    ):
        unite_audio(first, [raw], tmp_path / "all", "fbank")
    twin = dump(tmp_path / "twin", ["fr-1"], "fr")
    with pytest.raises(ValueError, match=r"fr-1 is in .*train and in .*twin"):
        unite_audio(first, [twin], tmp_path / "all", "fbank")


def test_audio_alone_needs_no_label_and_is_not_filtered_for_want_of_one(tmp_path):
    path = dump(tmp_path / "more", ["fr-1", "fr-2"], "fr")
    with pytest.raises(FileNotFoundError, match="has no text"):
        read_data_dir(path, "feats.scp")
    data = read_data_dir(path, "feats.scp", labelled=False)
    kept, report = filter_lengths(data, {"fr-1": 1.0, "fr-2": 9.0}, 0.1, 5.0)
    assert list(kept.audio) == ["fr-1"]
    assert (report.too_long, report.no_label) == (1, 0)


def test_a_second_recording_cannot_be_asked_of_audio_without_labels(tmp_path):
    first = dump(tmp_path / "train", ["fr-1"], "fr", labels={"text": {"fr-1": "oui"}})
    second = dump(tmp_path / "more", ["br-1"], "br")
    (first / "clean.scp").write_text((first / "feats.scp").read_text())
    words = (tmp_path / "all", "fbank")
    assert unite_audio(first, [], *words, True, ["clean.scp"]).audio_labels.keys() == {"clean.scp"}
    assert unite_audio(first, [second], *words, False, ["clean.scp"]).audio_labels == {}
    with pytest.raises(ValueError, match=r"more has no clean\.scp, which an objective learns from"):
        unite_audio(first, [second], *words, True, ["clean.scp"])


@pytest.mark.parametrize("feats_type", ["fbank", "raw"])
def test_no_command_of_a_table_is_run(tmp_path, feats_type):
    name = {"fbank": "feats.scp", "raw": "wav.scp"}[feats_type]
    folder = dump(tmp_path / "train", ["fr-1", "fr-2"], "fr", labels={"text": {"fr-1": "oui"}})
    table = read_table(folder / "feats.scp")
    write_table(folder / name, {**table, "fr-2": f"touch {tmp_path / 'made'} |"})
    with pytest.raises(ValueError, match=rf"{name}: fr-2 is a pipe .*are not run"):
        unite_audio(folder, [], tmp_path / "all", feats_type)
    assert not (tmp_path / "made").exists()


def test_features_that_are_no_matrix_are_named(tmp_path):
    folder = dump(tmp_path / "train", ["fr-1"], "fr", labels={"text": {"fr-1": "oui"}})
    (tmp_path / "a.ark").write_bytes(b"PKL" + b"x" * 20)
    write_table(folder / "feats.scp", {"fr-1": f"{tmp_path / 'a.ark'}:0"})
    with pytest.raises(ValueError, match=r"train: the audio of fr-1 cannot .*pickled object"):
        unite_audio(folder, [], tmp_path / "all", "fbank")

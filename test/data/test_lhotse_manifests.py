"""Manifests of lhotse become data dirs, against the audio that lhotse itself loads."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

lhotse = pytest.importorskip("lhotse", reason="needs pip install 'espnet-soups[lhotse]'")

from espnet_soups.bin.import_lhotse import main as import_lhotse  # noqa: E402
from espnet_soups.data.audio import read_audio  # noqa: E402
from espnet_soups.data.data_dir import DataDir, read_data_dir  # noqa: E402
from espnet_soups.files import read_table  # noqa: E402

FS = 8000
KINDS = ("cuts", "recordings", "shar")


def write_manifests(folder: Path):
    """Write two recordings, five supervisions, and each kind of manifest of them."""
    random = np.random.default_rng(0)
    recordings, supervisions = [], []
    for name, language, seconds in (("talk", "English", 3), ("word", "fr", 1)):
        path = folder / f"{name}.flac"
        soundfile.write(path, random.uniform(-0.5, 0.5, seconds * FS), FS)
        recordings.append(lhotse.Recording.from_file(path, recording_id=name))
        for index in range(4 if seconds > 1 else 1):
            custom = {"english": f"word {index}"} if language == "fr" else None
            supervisions.append(
                lhotse.SupervisionSegment(
                    id=f"{name}-{index}",
                    recording_id=name,
                    start=0.75 * index,
                    duration=0.7 if seconds > 1 else 1.0,
                    text=f"text\n{index}" if index != 1 else None,
                    language=language,
                    speaker="anne b" if seconds > 1 else None,
                    gender="f" if seconds > 1 else None,
                    custom=custom,
                )
            )
    sets = (
        lhotse.RecordingSet.from_recordings(recordings),
        lhotse.SupervisionSet.from_segments(supervisions),
    )
    sets[0].to_file(folder / "recordings.jsonl.gz")
    sets[1].to_file(folder / "supervisions.jsonl.gz")
    cuts = lhotse.CutSet.from_manifests(recordings=sets[0], supervisions=sets[1])
    cuts.to_file(folder / "cuts.jsonl.gz")
    (folder / "shar").mkdir()
    single = cuts.trim_to_supervisions()
    single.to_shar(folder / "shar", fields={"recording": "flac"}, shard_size=2)
    return cuts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lhotse")
    write_manifests(folder)
    return folder


def manifests(folder: Path, kind: str) -> list[str]:
    """Return the options that name a kind of manifest."""
    if kind == "cuts":
        return ["--cuts", str(folder / "cuts.jsonl.gz")]
    if kind == "shar":
        return ["--shar", str(folder / "shar")]
    names = ("recordings", "supervisions")
    return [word for name in names for word in (f"--{name}", str(folder / f"{name}.jsonl.gz"))]


def imported(folder: Path, target: Path, kind: str, *options: str) -> DataDir:
    import_lhotse(["--target", str(target), *manifests(folder, kind), *options])
    return read_data_dir(target)


@pytest.mark.parametrize("kind", KINDS)
def test_every_supervision_is_an_utterance_with_the_audio_that_lhotse_loads(kind, folder, tmp_path):
    tables = ("--tables", "text.en=english", "utt2gender=gender")
    data = imported(folder, tmp_path / "train", kind, "--languages", "English=en", "fr", *tables)
    cuts = lhotse.CutSet.from_file(folder / "cuts.jsonl.gz").trim_to_supervisions()
    expected = {cut.supervisions[0].id: cut for cut in cuts}
    assert data.audio.keys() == expected.keys()
    for key, cut in expected.items():
        np.testing.assert_allclose(
            read_audio(data.audio[key], FS), cut.load_audio()[0], atol=2**-15
        )
    assert data.languages["talk-0"] == "en"
    assert (data.speakers["talk-0"], data.speakers["word-0"]) == ("anne_b", "word-0")
    assert (data.labels["text"]["talk-0"], data.labels["text"]["talk-1"]) == ("text 0", "<na>")
    assert data.labels["text.en"] == dict.fromkeys(expected, "<na>") | {"word-0": "word 0"}
    assert data.labels["utt2gender"]["talk-3"] == "f"
    assert not list(tmp_path.rglob("*.flac"))


@pytest.mark.parametrize("kind", ["cuts", "shar"])
def test_cuts_are_audio_without_labels(kind, folder, tmp_path):
    options = ("--unlabeled", "true", "--language", "any")
    import_lhotse(["--target", str(tmp_path / "more"), *manifests(folder, kind), *options])
    assert not (tmp_path / "more" / "text").exists()
    data = read_data_dir(tmp_path / "more", labelled=False)
    assert set(data.languages.values()) == {"any"}
    assert len(data.audio) == (5 if kind == "shar" else 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--languages", "fr"],
            r"4 of 5 utterances have a language .*such as talk-0: English; add",
        ),
        (
            ["--tables", "text.en=en"],
            r"no supervision has a field 'en'; their `custom` has english",
        ),
        (["--tables", "text=en"], "expected `text.<language>=<field>`"),
        (["--tables", "text.en"], "must look like text.en=translation"),
        (["--audio_root", "/nowhere", "--shar", "."], "Expected one of --cuts, --shar"),
    ],
)
def test_options_that_do_not_fit_the_manifest_are_refused(folder, tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        imported(folder, tmp_path / "train", "cuts", *options)
    assert not (tmp_path / "train").exists()


def with_cuts(folder: Path, change) -> list[str]:
    """Write a manifest of changed cuts and return the option that names it."""
    cuts = lhotse.CutSet.from_file(folder / "cuts.jsonl.gz")
    path = folder / "changed.jsonl"
    lhotse.CutSet.from_cuts(change(cut) for cut in cuts).to_file(path)
    return ["--cuts", str(path)]


def by_command(cut):
    """Return a cut whose audio is what a command prints."""
    (source,) = cut.recording.sources
    source = lhotse.utils.fastcopy(source, type="command", source=f"cat {source.source}")
    cut.recording = lhotse.utils.fastcopy(cut.recording, sources=[source])
    return cut


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cut: cut.drop_supervisions(), "has no supervisions, so there are no utterances"),
        (lambda cut: cut.perturb_speed(0.9), r"recording \S+ has the transform Speed"),
        (lambda cut: cut.pad(5.0), r"\(item 1\): it is a MixedCut; mixtures are not read"),
        (by_command, "1 sources of type command, but one `file`"),
    ],
)
def test_cuts_that_cannot_be_read_in_place_are_refused(folder, tmp_path, change, said):
    with pytest.raises(ValueError, match=said):
        import_lhotse(["--target", str(tmp_path / "train"), *with_cuts(folder, change)])


def test_channels_of_a_call_are_refused(tmp_path):
    soundfile.write(tmp_path / "call.wav", np.zeros((FS, 2)), FS)
    call = lhotse.Recording.from_file(tmp_path / "call.wav")
    told = lhotse.SupervisionSegment("call-0", "call", 0.0, 1.0, channel=0, text="a", language="en")
    sets = {"recordings": lhotse.RecordingSet.from_recordings([call])}
    sets["supervisions"] = lhotse.SupervisionSet.from_segments([told])
    mono = lhotse.MonoCut("cut", 0.0, 1.0, 0, [told], recording=call)
    both = lhotse.MultiCut("cut", 0.0, 1.0, [0, 1], [told], recording=call)
    for name, items in sets.items():
        items.to_file(tmp_path / f"{name}.jsonl.gz")
    for cut in (mono, both, None):
        kind = "recordings" if cut is None else "cuts"
        if cut is not None:
            lhotse.CutSet.from_cuts([cut]).to_file(tmp_path / "cuts.jsonl.gz")
        with pytest.raises(ValueError, match=r"is of channel \[0\] of \[0, 1\], but all channels"):
            imported(tmp_path, tmp_path / "train", kind)


def test_missing_audio_is_counted_and_named(tmp_path):
    write_manifests(tmp_path)
    (tmp_path / "talk.flac").unlink()
    with pytest.raises(FileNotFoundError, match=r"4 of 5 audio files do not exist.*talk\.flac"):
        imported(tmp_path, tmp_path / "train", "cuts")
    known = lhotse.RecordingSet.from_file(tmp_path / "recordings.jsonl.gz")
    lhotse.RecordingSet.from_recordings(r for r in known if r.id == "word").to_file(
        tmp_path / "recordings.jsonl.gz"
    )
    with pytest.raises(ValueError, match="supervision talk-0 is of recording talk, which"):
        imported(tmp_path, tmp_path / "train", "recordings")
    next((tmp_path / "shar").glob("recording.*.tar")).unlink()
    with pytest.raises(ValueError, match=r"has 3 shards of cuts .* and 2 of audio"):
        imported(tmp_path, tmp_path / "train", "shar")


def test_a_manifest_that_is_none_is_refused(folder, tmp_path):
    options = ["--target", str(tmp_path / "train"), "--cuts"]
    with pytest.raises(FileNotFoundError, match="There is no manifest"):
        import_lhotse([*options, str(tmp_path / "cuts.jsonl.gz")])
    (tmp_path / "cuts.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match=r"manifest of cuts of lhotse \(item 0\)"):
        import_lhotse([*options, str(tmp_path / "cuts.jsonl")])
    with pytest.raises(
        ValueError, match=r"manifest of cuts of lhotse \(item 1\): it is a Recording"
    ):
        import_lhotse([*options, str(folder / "recordings.jsonl.gz")])
    with pytest.raises(ValueError, match="Utterance id talk-0 occurs twice"):
        import_lhotse([*options, *[str(folder / "cuts.jsonl.gz")] * 2])


def test_a_language_that_is_missing_is_asked_for(folder, tmp_path):
    def without(cut):
        return cut.map_supervisions(lambda item: lhotse.utils.fastcopy(item, language=None))

    options = with_cuts(folder, without)
    with pytest.raises(ValueError, match=r"5 of 5 utterances have no language.*`--language`"):
        import_lhotse(["--target", str(tmp_path / "train"), *options])
    import_lhotse(["--target", str(tmp_path / "train"), *options, "--language", "en"])
    assert set(read_table(tmp_path / "train" / "utt2lang").values()) == {"en"}

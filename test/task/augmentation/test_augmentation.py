"""Noise and speeds in training: what ESPnet's options do, and that nothing but the seed decides."""

import argparse
import random

import numpy as np
import pytest
import soundfile
from espnet2.train.dataset import ESPnetDataset
from torch.utils.data import DataLoader

from espnet_soups.task.augmentation.build_augmentation import build_augmentation
from espnet_soups.task.augmentation.check_augmentation import EXAMPLE, check_augmentation
from espnet_soups.task.augmentation.options import add_augmentation_options
from espnet_soups.task.augmentation.seeded_dataset import SeededDataset
from espnet_soups.task.preprocessor import MSPPreprocessor

FS = 8000
SPEEDS = ("--preprocessor_conf", f"data_aug_effects={EXAMPLE}")
ALWAYS = (*SPEEDS, "--preprocessor_conf", "data_aug_prob=1.0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    generator = np.random.default_rng(0)
    for name, size in (("a", 8000), ("b", 6000), ("c", 7000), ("noise", 20000)):
        soundfile.write(folder / f"{name}.wav", generator.uniform(-0.1, 0.1, size), FS)
    soundfile.write(folder / "stereo.wav", generator.uniform(-0.1, 0.1, (20000, 2)), FS)
    for name in ("noise", "stereo"):
        (folder / f"{name}.scp").write_text(f"{folder / name}.wav\n")
    (folder / "wav.scp").write_text("".join(f"{n} {folder / n}.wav\n" for n in "abc"))
    (folder / "utt2lang").write_text("a en\nb en\nc en\n")
    return folder


def options(*words, **given):
    parser = argparse.ArgumentParser()
    add_augmentation_options(parser)
    fixed = {"feats_conf": {"fs": FS}, "input_size": None, "frontend_conf": {}, "max_cache_size": 0}
    data = [("clean.scp", "clean", "sound")] if given.pop("second", False) else []
    args = argparse.Namespace(**fixed, train_data_path_and_name_and_type=data)
    args.__dict__ |= vars(parser.parse_args(words)) | given
    return args


def noisy(folder, *words):
    return options("--noise_scp", str(folder / "noise.scp"), *words)


@pytest.mark.parametrize("recordings", ["noise.scp", "stereo.scp"])
def test_noise_has_the_ratio_that_is_asked_for(folder, recordings):
    args = options("--noise_scp", str(folder / recordings), "--noise_db_range", "6_6")
    check_augmentation(args)
    speech = soundfile.read(folder / "a.wav", dtype="float32")[0]
    changed = build_augmentation(args)(speech)
    assert changed.dtype == np.float32
    assert changed.shape == speech.shape
    ratio = 10 * np.log10(np.mean(speech**2) / np.mean((changed - speech) ** 2))
    # the mean of two channels of independent noise has half of its power
    assert ratio == pytest.approx(6.0 if recordings == "noise.scp" else 9.0, abs=0.2)


def test_speeds_change_the_length(folder):
    args = options(*ALWAYS)
    check_augmentation(args)
    change = build_augmentation(args)
    assert {len(change(np.ones(9900, np.float32))) for _ in range(20)} == {9000, 11000}


def test_without_options_nothing_is_changed():
    check_augmentation(options())
    assert build_augmentation(options()) is None


def batches_of(folder, epoch, workers, batches, seed=1):
    """Return the samples of mini-batches, as training loads them."""
    args = noisy(folder, *ALWAYS)
    prepare = MSPPreprocessor(True, ["en"], {}, build_augmentation(args))
    files = [
        (str(folder / "wav.scp"), "speech", "sound"),
        (str(folder / "utt2lang"), "lang", "text"),
    ]
    dataset = SeededDataset(ESPnetDataset(files, preprocess=prepare), seed)
    dataset.epoch = epoch
    loader = DataLoader(dataset, batch_sampler=batches, num_workers=workers, collate_fn=list)
    return [[data["speech"] for _, data in batch] for batch in loader]


def equal(first, second):
    return all(
        np.array_equal(one, other)
        for ours, theirs in zip(first, second, strict=True)
        for one, other in zip(ours, theirs, strict=True)
    )


def test_changes_follow_from_seed_epoch_and_mini_batch_alone(folder):
    batches = [["a", "b"], ["c"], ["b", "a"]]
    before = (random.getstate(), np.random.get_state()[1].tolist())
    first = batches_of(folder, 1, 0, batches)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert equal(first, batches_of(folder, 1, 2, batches))
    assert equal(first[1:], batches_of(folder, 1, 1, batches[1:]))  # as after an interruption
    for other in (batches_of(folder, 2, 0, batches), batches_of(folder, 1, 0, batches, seed=2)):
        assert not any(equal([one], [two]) for one, two in zip(first, other, strict=True))
    assert not np.array_equal(first[0][0], first[2][1])  # an utterance that occurs twice


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (SPEEDS, {}, "`data_aug_prob` .* must lie above 0 and at most at 1, but got 0.0"),
        (ALWAYS, {"input_size": 80}, "but this run reads features from disk"),
        (ALWAYS, {"max_cache_size": "1GB"}, "a cache would keep the first change"),
        (ALWAYS, {"feats_conf": {}}, "need the sampling rate of the audio"),
        (ALWAYS, {"second": True}, "would change the speech, but not 'clean'"),
        (("--preprocessor_conf", "effects=1"), {}, "`preprocessor_conf` has no 'effects'"),
        (("--preprocessor_conf", "data_aug_prob=0.5"), {}, "needs `data_aug_effects`, such as"),
        ((*ALWAYS, "--preprocessor_conf", "data_aug_num=[1,3]"), {}, "ascending numbers from 1 to"),
        ((*ALWAYS, "--noise_apply_prob", "2"), {}, r"`noise_apply_prob` must lie in \[0, 1\]"),
        ((*ALWAYS, "--noise_db_range", "0-20"), {}, "`noise_db_range` must look like 0_20"),
    ],
)
def test_options_that_would_do_nothing_or_fail_are_refused(words, given, said):
    with pytest.raises(ValueError, match=said):
        check_augmentation(options(*words, **given))


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        ("[[1.0, speed, {factor: 0.9}]]", "there is no effect 'speed'; ESPnet has .*speed_perturb"),
        ("[[1.0, speed_perturb, {rate: 0.9}]]", "speed_perturb has no 'rate'"),
        ("[[0.0, speed_perturb, {factor: 0.9}]]", r"must be a list of \[weight, name, settings\]"),
        ("[speed_perturb]", r"must be a list of \[weight, name, settings\]"),
        ("[[1.0, [[1.0, reverse, {}]]]]", "ESPnet needs two"),
        ("3", "`data_aug_effects` must be a list"),
    ],
)
def test_effects_that_espnet_would_not_understand_are_refused(effects, said):
    words = ("--preprocessor_conf", f"data_aug_effects={effects}")
    with pytest.raises(ValueError, match=said):
        check_augmentation(options(*words, "--preprocessor_conf", "data_aug_prob=1.0"))


def test_noise_of_another_rate_or_none_is_refused(folder, tmp_path):
    soundfile.write(tmp_path / "n.wav", np.zeros(100), 16000)
    table = tmp_path / "noise.scp"
    said = {
        f"n1 {tmp_path}/n.wav\n": "noise.scp:1 has 16000 Hz, but the speech has 8000 Hz",
        f"n1 {folder}/noise.wav\nn2 {table}\n": "noise.scp:2 cannot be read as audio",
        "": "noise.scp names no recording",
    }
    for content, message in said.items():
        table.write_text(content)
        with pytest.raises(ValueError, match=message):
            check_augmentation(options("--noise_scp", str(table)))
    table.write_text("n1 nowhere.wav\n")
    with pytest.raises(FileNotFoundError, match=r"noise\.scp:1: there is no file 'n1 nowhere.wav'"):
        check_augmentation(options("--noise_scp", str(table)))
    with pytest.raises(FileNotFoundError, match="`rir_scp`: there is no file nowhere"):
        check_augmentation(options("--rir_scp", "nowhere"))

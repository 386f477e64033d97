"""Stage 7 and what follows from it, with the real command on the toy corpus."""

import json

import pytest
import torch

from espnet_soups.task.training.checkpoint import check_init_param
from espnet_soups.task.training.epoch_record import review_epoch
from espnet_soups.testing.toy_objectives import build_objectives

CPC = ("--ssl", "cpc", *("--ssl_conf", "context_frames=8", "--ssl_conf", "future_frames=4"))
CPC = (*CPC, "--ssl_conf", "min_context_frames=4", "--ssl_conf", "hidden_size=8")
JOINT = (*CPC, "--trainer", "msp", "--trainer_conf", "soup=vm", "--trainer_conf", "order=USA")
JOINT = (
    *JOINT,
    "--trainer_conf",
    "penalty=[{level: 2, increment: 0.02}, {level: 3, init: 0.3, increment: 0.02}]",
)
RATES = ("--heads_lr_scale", "2", "--scheduler", "onecyclelr")
RATES = (*RATES, "--scheduler_conf", "max_lr=0.01", "--scheduler_conf", "total_steps=200")


def load(path):
    return torch.load(path, weights_only=True)


def last_record(folder):
    return json.loads((folder / "soup.jsonl").read_text(encoding="utf-8").splitlines()[-1])


@pytest.fixture(scope="module")
def pretrained(runs):
    """An encoder that was pre-trained on audio alone, without label files and token lists."""
    from espnet_soups.bin.msp_train import main

    root = runs.root
    words = ["--input_size", "8", "--normalize", "none", "--num_workers", "0"]
    for name in ("train", "valid"):
        data = f"--{name}_data_path_and_name_and_type"
        words += [data, f"{root}/{name}/feats.scp,speech,kaldi_ark"]
        words += [data, f"{root}/{name}/utt2lang,lang,text"]
        words += [f"--{name}_shape_file", f"{root}/{name}/speech_shape"]
    model = runs.options[len(runs.corpus.arguments) :]
    folder = runs.root / "pretrained"
    languages = ("--ssl_languages", "en", "es", "fr")
    main([*words, *model, "--output_dir", str(folder), *CPC, *languages, "--max_epoch", "2"])
    return folder


def test_pre_training_needs_audio_alone_and_reports_what_it_watches(pretrained):
    record = last_record(pretrained)
    assert record["objectives"] == ["ssl"]
    assert record["valid_ssl"].keys() == {"encoder_variance", "candidates"}
    assert record["ssl"]["encoder_variance"] > 1e-4
    assert 0 < record["valid_accuracy"]["ssl"] <= 1
    assert record["labels"]["ssl"] >= 18
    assert (pretrained / "valid.loss.ave.pth").exists()


def test_the_encoder_is_handed_over_and_u_becomes_the_lowest_level(runs, pretrained):
    model = f"{pretrained / 'valid.loss.ave.pth'}:encoder:encoder"
    options = (*JOINT, *RATES, "--init_param", model)
    freeze = ("--freeze_param", "encoder")
    folder = runs.train("handed_over", "--max_epoch", "1", "--init_param", model, *freeze)
    before, after = load(pretrained / "valid.loss.ave.pth"), load(folder / "1epoch.pth")
    encoder = [name for name in before if name.startswith("encoder.")]
    assert len(encoder) > 20
    assert all(torch.equal(before[name], after[name]) for name in encoder)

    whole = runs.train("u_whole", *options, "--max_epoch", "2")
    record = last_record(whole)
    assert [level["objectives"][0] for level in record["levels"]] == ["asr_en", "st_fr_en", "ssl"]
    assert record["levels"][2]["penalty"] == pytest.approx(0.32)
    assert record["ssl_cosine"] is None or abs(record["ssl_cosine"]) < 2  # None: lost in noise
    assert record["delta"] != 0
    runs.train("u_stopped", *options, "--max_epoch", "1")
    resumed = runs.train("u_stopped", *options, "--max_epoch", "2")
    ours, theirs = (load(path / "checkpoint.pth") for path in (resumed, whole))
    for name, tensor in theirs["model"].items():
        assert torch.equal(ours["model"][name], tensor), name
    assert str(ours["optimizers"]) == str(theirs["optimizers"])
    assert last_record(resumed)["delta"] == record["delta"]

    from espnet_soups import Speech2Text
    from espnet_soups.report.history import read_history
    from espnet_soups.report.plots.cosine_plots import plot_cosine_groups, plot_cosines
    from espnet_soups.report.plots.training_plots import plot_losses, plot_weights
    from espnet_soups.report.train_log import read_train_log

    speech2text = Speech2Text.from_pretrained(whole)
    assert [objective.name for objective in speech2text.objectives] == record["objectives"][:-1]
    (whole / "train.log").touch()
    history = read_history(whole, read_train_log(whole))
    assert history.objectives[-1] == "ssl"
    for plot in (plot_losses, plot_weights, plot_cosines, plot_cosine_groups):
        assert plot(history).axes


def test_an_encoder_of_another_size_is_refused_by_its_first_tensor(pretrained):
    path = pretrained / "valid.loss.ave.pth"
    expected = load(path)
    name = next(name for name in expected if name.startswith("encoder."))
    expected[name] = expected[name].new_zeros(3, 5)
    said = rf"tensor {name[len('encoder.') :]} is \(.*\) there and \(3, 5\) here\. Train with"
    with pytest.raises(ValueError, match=said):
        check_init_param(f"{path}:encoder:encoder", expected)


def test_self_supervision_that_no_utterance_is_long_enough_for_ends_the_run():
    objectives = build_objectives(["fr"], [], ssl=True)
    short = {"asr_fr": 0, "ssl": 1}

    def review(ssl, variance=1.0):
        labels = {"asr_fr": (4, 4), "ssl": ssl}
        watched = {"ssl": {"encoder_variance": variance}}
        return review_epoch(objectives, labels, short, watched)

    assert review((4, 3)) == [
        "Labels longer than their frames took no part: 4 of 4 of asr_fr. Utterances too short for"
        " self-supervision took no part: 3 of 4 of ssl (1 more were used in part)"
    ]
    assert "has collapsed" in review((4, 3), variance=0.0)[1]
    assert len(review((0, 0))) == 1
    with pytest.raises(ValueError, match="All 4 utterances of the epoch are too short for `ssl`"):
        review((4, 4))

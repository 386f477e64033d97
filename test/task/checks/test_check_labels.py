"""Labels are looked at before the first step."""

import numpy as np
import pytest
import torch

from espnet_soups.bin.follow_training import Remarks
from espnet_soups.files import read_table, write_table
from espnet_soups.task.checks.check_labels import REMARKS, LabelledSet, check_objective
from espnet_soups.task.checks.encoded_frames import encoded_frames
from espnet_soups.task.preprocessor import build_preprocessor
from espnet_soups.testing.toy_model import ENCODER_CONF, make_toy_arguments, make_toy_model


def with_labels(runs, name, change, parts=("train", "valid")):
    """Return the options of a corpus whose transcripts are changed."""
    folder = runs.root / name
    options = list(runs.options)
    for part in parts:
        table = read_table(runs.root / part / "text")
        changed = {key: change(key, text) for key, text in table.items()}
        write_table(folder / part / "text", changed)
        old = f"{runs.root}/{part}/text,text,text"
        options[options.index(old)] = f"{folder}/{part}/text,text,text"
    return options


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: "ab" * 99,
            r"All 6 of 6 labels of \S+/train/text \(asr_fr\) have more tokens",
        ),
        (lambda text: "<na>", r"train/text has no label of asr_fr in 18 utterances"),
        (lambda text: "щ" * len(text), r"asr_fr\): .* \(100\.0%\) .* become `<unk>`, such as 'щ'"),
    ],
)
def test_an_objective_that_can_learn_from_no_label_is_refused_before_training(runs, change, said):
    options = with_labels(
        runs, "none", lambda key, text: change(text) if key < "g" and key[0] == "f" else text
    )
    with pytest.raises(ValueError, match=said):
        runs._train(options, "refused", ("--max_epoch", "1"))
    assert not list((runs.root / "refused").glob("*epoch.pth"))


def test_labels_that_are_left_out_are_told_in_the_log_and_on_the_terminal(runs, capsys):
    options = with_labels(runs, "some", lambda key, text: "ab" * 99 if key == "fr-001" else text)
    remarks = Remarks(runs.root / "warned" / REMARKS)
    folder = runs._train(options, "warned", ("--max_epoch", "1"))
    assert (folder / "1epoch.pth").exists()
    remarks.tell()
    remarks.tell()
    printed = capsys.readouterr().out
    assert printed.count("(asr_fr) have more tokens than frames (17%)") == 2  # train and valid
    assert "warning: 1 of 6 labels" in printed


@pytest.mark.filterwarnings("ignore:No valid stats")
def test_validation_that_says_nothing_of_an_objective_is_told(runs):
    def change(key, text):
        return "<na>" if key[:2] == "fr" else text

    options = with_labels(runs, "silent", change, parts=["valid"])
    folder = runs._train(options, "silent_run", ("--max_epoch", "1"))
    assert "valid/text has no label of asr_fr" in (folder / REMARKS).read_text()


def test_labels_that_all_fit_are_passed_without_a_word(runs):
    folder = runs.train("fine", "--max_epoch", "1")
    assert not (folder / REMARKS).exists()


@pytest.mark.parametrize("input_layer", ["linear", "conv2d"])
def test_frames_after_the_encoder_are_estimated_to_a_frame(input_layer):
    model = make_toy_model(encoder_conf={**ENCODER_CONF, "input_layer": input_layer}, input_size=8)
    lengths = list(range(3, 90, 3))
    state = torch.random.get_rng_state()
    found = encoded_frames(model, lengths, 8)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.training
    exact = lengths if input_layer == "linear" else [((n - 1) // 2 - 1) // 2 for n in lengths]
    assert np.abs(found - np.maximum(exact, 0)).max() <= 1.0


def test_a_rare_class_is_not_missed_among_many_unknown_labels():
    rows = 45_000
    settings = {"cls_gender": {"classes": {"f": 9000, "m": 8999, "other": 1}}}
    model, arguments = (make(objectives=settings) for make in (make_toy_model, make_toy_arguments))
    keys = [f"fr-{number:05d}" for number in range(rows)]
    labels = {key: "unknown" if i % 5 > 1 else "fm"[i % 5] for i, key in enumerate(keys)}
    labels["fr-00031"] = "other"
    found = LabelledSet(
        {"cls_gender": ("utt2gender", labels)}, dict.fromkeys(keys, "fr"), dict.fromkeys(keys, 40)
    )
    prepare = build_preprocessor(arguments, train=True)
    assert check_objective(model.objectives[-1], found, model, prepare, arguments, True) == []

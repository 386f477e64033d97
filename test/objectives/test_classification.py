"""Classification: classes, settings, losses against PyTorch's own, and scores against sklearn's."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from espnet_soups.files import write_table
from espnet_soups.network.batch import ABSENT
from espnet_soups.objectives.class_list import ClassEncoder, class_vocabulary
from espnet_soups.objectives.classification import Classification, read_class_settings
from espnet_soups.objectives.metrics.class_errors import measure_classes
from espnet_soups.objectives.metrics.text_pairs import TextPairs
from espnet_soups.objectives.registry import declared_objectives, find_kind, parse_objective
from espnet_soups.task.preprocessor import build_preprocessor
from espnet_soups.testing.toy_model import make_toy_arguments, make_toy_batch, make_toy_model

GENDER = {"cls_gender": {"classes": {"f": 30, "m": 10}}}


def test_the_name_tells_the_file_and_all_languages_take_part():
    objective = parse_objective("cls_gender")
    assert (objective.label, objective.label_file) == ("cls_gender", "utt2gender")
    assert objective.language == ""
    assert not objective.selects  # it must not choose the model of recognition
    own = Classification().objective("cls_accent", {"label_file": "utt2dialect", "language": "en"})
    assert (own.label_file, own.language) == ("utt2dialect", "en")


@pytest.mark.parametrize(
    ("name", "settings", "identifies"),
    [
        ("cls_language", {}, True),
        ("cls_spoken", {"label_file": "utt2lang"}, True),
        ("cls_gender", {}, False),
        ("cls_language", {"language": "en"}, False),  # it hears one language alone
    ],
)
def test_labels_of_the_language_identify_it(name, settings, identifies):
    kind = Classification()
    assert kind.identifies_language(kind.objective(name, settings)) is identifies


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("cls", {}, "is named cls_<label>"),
        ("cls_x", {"poling": "max"}, r"`objectives: cls_x` has no 'poling' \(closest: 'pooling'\)"),
        ("cls_x", {"pooling": "attention"}, "`pooling` must be one of"),
        ("cls_x", {"dropout": 1.0}, r"`dropout` must lie in \[0, 1\)"),
        ("cls_x", {"class_weights": "even"}, "`class_weights` must be one of"),
        ("cls_x", {"label_file": "text"}, "`label_file` must be named utt2<label>"),
        ("cls_x", {"label_file": "utt2../x"}, "`label_file` names files, so it must hold no slash"),
        ("cls_x", {"language": False}, "`language` must be a text, but got False; in YAML"),
        (
            "cls_x",
            {"class_weights": {"f": 1, 0: 2}},
            "of `class_weights` must be a text, but got 0",
        ),
        ("cls_x", {"class_weights": {"f": -1.0}}, "`class_weights: f` must be 0 or more"),
        ("cls_x", {"class_weights": {"f": "much"}}, "`class_weights: f` must be a number"),
        ("cls_x", {"classes": ["f", "m"]}, r"cls_x`: `classes` must map .* but got \['f', 'm'\]"),
        ("cls_x", {"classes": {}}, "`classes` must map"),
        ("cls_x", {"classes": {True: 3}}, "A class of `classes` must be a text, but got True"),
        ("cls_x", {"classes": {"a": 0}, "class_weights": "balanced"}, "1 or more, but got 0"),
    ],
)
def test_settings_that_are_not_valid_name_the_objective(name, settings, said):
    with pytest.raises(ValueError, match=said):
        declared_objectives({"objectives": {name: settings}})


@pytest.mark.parametrize(
    ("settings", "classes"),
    [
        (None, ["a", "b"]),
        ({"class_weights": {"f": 1.0, "m": 2.0, "x": 0.5}}, ["f", "m", "x"]),  # must fit the head
        ({"classes": {"f": 30, "m": 10}}, ["f", "m"]),
    ],
)
def test_stand_ins_are_classes_that_the_settings_allow(settings, classes):
    args = argparse.Namespace(objectives={"cls_gender": settings})
    kind, (objective,) = find_kind("cls"), declared_objectives(vars(args))
    kind.stand_in([objective], args)
    own = kind.settings(objective, args)
    assert list(own.counts) == classes
    assert len(own.weights()) == len(classes)


def test_weights_are_balanced_given_or_even():
    def weights(**more):
        return read_class_settings("cls_gender", {**GENDER["cls_gender"], **more}).weights()

    assert weights() == [1.0, 1.0]
    balanced = weights(class_weights="balanced")
    assert balanced[0] * 30 == pytest.approx(balanced[1] * 10)
    assert (30 * balanced[0] + 10 * balanced[1]) / 40 == pytest.approx(1.0)
    assert weights(class_weights={"m": 3, "f": 1}) == [1.0, 3.0]
    with pytest.raises(ValueError, match=r"must name the classes \['f', 'm'\], but names \['m'\]"):
        weights(class_weights={"m": 3})


def write_set(folder: Path, labels: dict[str, str]) -> Path:
    write_table(folder / "utt2gender", labels)
    write_table(folder / "utt2lang", dict.fromkeys(labels, "en"))
    return folder


def test_stage_5_lists_the_classes_and_refuses_what_cannot_be_learnt(tmp_path):
    train = write_set(
        tmp_path / "train", {"a": "f", "b": "m", "c": "f", "d": "unknown", "e": "<na>"}
    )
    dev = write_set(tmp_path / "dev", {"x": "m"})
    vocabulary = class_vocabulary(parse_objective("cls_gender"), tmp_path / "classes")
    line, warnings = vocabulary.make(train, [dev])
    assert line.endswith("2 classes: f 2, m 1")
    assert warnings == []
    assert (tmp_path / "classes" / vocabulary.file).read_text() == "f 2\nm 1\n"
    strange = write_set(tmp_path / "strange", {"x": "m", "y": "x"})
    with pytest.raises(
        ValueError, match=r"strange/utt2gender: 1 labels are of classes .*: x \(1\)"
    ):
        vocabulary.make(train, [strange])
    one = write_set(tmp_path / "one", {"a": "f", "b": "unknown"})
    with pytest.raises(
        ValueError, match=r"needs utterances of two classes or more, but has \{'f': 1\}"
    ):
        vocabulary.make(one, [])
    spaced = write_set(tmp_path / "spaced", {"a": "very happy", "b": "f"})
    with pytest.raises(ValueError, match="a has 'very happy'; a class is one word"):
        vocabulary.make(spaced, [])


def test_a_class_becomes_its_index_and_a_missing_one_no_label():
    encode = ClassEncoder(["f", "m"])
    assert encode("m").tolist() == [1]
    assert encode("unknown").tolist() == encode("<na>").tolist() == [ABSENT]
    with pytest.raises(ValueError, match="'x' is none of the classes"):
        encode("x")


def batch_with_genders(per_language: int = 4):
    batch = make_toy_batch(per_language=per_language)
    size = len(batch["speech"])
    classes = torch.arange(size) % 2
    classes[1] = ABSENT
    batch["cls_gender"], batch["cls_gender_lengths"] = classes.unsqueeze(1), torch.ones(size).long()
    return batch, classes


def test_its_loss_is_the_mean_cross_entropy_over_the_labelled_utterances_of_all_languages():
    settings = {"cls_gender": {**GENDER["cls_gender"], "class_weights": {"f": 1.0, "m": 2.0}}}
    model = make_toy_model(objectives=settings).eval()
    batch, classes = batch_with_genders()
    _, stats, _ = model(**batch)
    known = classes != ABSENT
    encoded, lengths = model.encode(batch["speech"], batch["speech_lengths"])
    mean = torch.stack([row[:n].mean(dim=0) for row, n in zip(encoded, lengths, strict=True)])
    logits = model.heads["cls_gender"].decoder.linear_out(mean)[known]
    weights = torch.tensor([1.0, 2.0], dtype=torch.double)
    losses = torch.nn.functional.cross_entropy(logits, classes[known], weights, reduction="none")
    assert stats["loss/cls_gender"] == pytest.approx(float(losses.mean().detach()), abs=1e-9)
    right = (logits.argmax(dim=1) == classes[known]).double().mean()
    assert stats["acc/cls_gender"] == pytest.approx(float(right))
    others = [stats[f"acc/{o.name}"] for o in model.objectives if o.selects]
    assert stats["acc"] == pytest.approx(float(torch.stack(others).nanmean()))


def test_it_stands_on_a_level_and_its_weight_moves_with_the_others():
    conf = {"soup": "custom", "levels": [["cls_*", "asr_*"], ["st_*"]], "penalty": [{"level": 2}]}
    model = make_toy_model("msp", {**conf, "mode": "exact"}, objectives=GENDER).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model.soup.bind(model, optimizer)
    model.soup.open_epoch(1, 1, 1)
    before = model.soup.weights.values.clone()
    loss, _, _ = model(**batch_with_genders()[0])
    loss.backward()
    assert float(model.heads["cls_gender"].decoder.linear_out.weight.grad.norm()) > 0
    optimizer.step()
    row = [o.name for o in model.objectives].index("cls_gender")
    assert float(model.soup.weights.values[row]) != float(before[row])


def test_a_batch_without_any_label_of_it_still_touches_its_head():
    model = make_toy_model(objectives=GENDER).train()
    batch, _ = batch_with_genders()
    batch["cls_gender"][:] = ABSENT
    loss, stats, _ = model(**batch)
    loss.backward()
    assert torch.isnan(stats["loss/cls_gender"])
    assert float(model.heads["cls_gender"].decoder.linear_out.weight.grad.abs().sum()) == 0.0


def test_scores_are_those_of_sklearn():
    random = np.random.default_rng(0)
    wanted, found = (random.choice(list("abcd"), 200, p=[0.5, 0.3, 0.15, 0.05]) for _ in range(2))
    keys = [f"u{number}" for number in range(200)]
    pairs = TextPairs(parse_objective("cls_x"), keys, list(wanted), list(found), 3)
    measured = measure_classes(pairs)
    assert measured.values() == pytest.approx(
        {
            "accuracy": 100 * accuracy_score(wanted, found),
            "macro_f1": 100 * f1_score(wanted, found, average="macro"),
        }
    )
    details = measured.details["accuracy"]
    assert (
        details["confusion"] == confusion_matrix(wanted, found, labels=details["labels"]).tolist()
    )
    assert measured.entries[0].head.endswith("wrong")
    assert measured.entries[-1].head.endswith("right")


def test_two_objectives_of_one_file_and_different_languages_have_classes_of_their_own():
    accents = {"de_x": 1, "fr_p": 2, "fr_q": 3}
    french = {"label_file": "utt2accent", "language": "fr", "classes": {"fr_p": 2, "fr_q": 3}}
    args = make_toy_arguments(
        objectives={"cls_accent": {"classes": accents}, "cls_fr": french}, languages=[]
    )
    prepare = build_preprocessor(args, train=True)
    prepared = prepare("u", {"lang": "fr", "cls_accent": "fr_q", "cls_fr": "fr_q"})
    assert (prepared["cls_accent"].tolist(), prepared["cls_fr"].tolist()) == ([2], [1])
    assert prepare("v", {"lang": "en", "cls_fr": "fr_q"})["cls_fr"].tolist() == [ABSENT]


def test_options_of_recognition_are_not_declared_below_objectives():
    options = argparse.Namespace(asr_token_list={"en": []}, objectives={"asr_fr": {}})
    with pytest.raises(ValueError, match=r"`objectives` names 'asr_fr'.*declared by options of"):
        declared_objectives(vars(options))

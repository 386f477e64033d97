"""Speaker verification as a kind: settings, strangers in validation, lists of speakers."""

import argparse
from dataclasses import asdict

import pytest

from espnet_soups.files import read_table, write_table
from espnet_soups.objectives.class_list import ABSENT
from espnet_soups.objectives.kind import Parts
from espnet_soups.objectives.labels import LabelledObjective, NothingToLearnError
from espnet_soups.objectives.metrics.measured import NothingToScoreError
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import declared_objectives, find_kind, kind_of
from espnet_soups.objectives.speaker import SpeakerVerification
from espnet_soups.objectives.speaker_settings import read_speaker_settings

CLASSES = {"ann": 4, "bob": 3}


def options(**settings):
    return argparse.Namespace(objectives={"spk": {"classes": CLASSES, **settings}})


def labelled(texts, training):
    return LabelledObjective(
        objective=Objective("spk", "spk", label="spk"),
        where="dev/utt2spk (spk)",
        texts=texts,
        training=training,
        encoder=None,
        head=None,
        settings={"classes": CLASSES},
    )


def test_the_objective_has_its_own_data_name_and_takes_no_part_in_selection():
    named = {"spk": None, "spk_room": {"label_file": "utt2room", "trials": "pairs"}}
    found = declared_objectives({"objectives": named})
    assert [asdict(item) for item in found] == [
        asdict(Objective("spk", "spk", label="spk", label_file="utt2spk", score_file="trials")),
        asdict(
            Objective(
                "spk_room", "spk", label="spk_room", label_file="utt2room", score_file="pairs"
            )
        ),
    ]
    assert not any(item.selects for item in found)
    assert isinstance(kind_of(found[0]), SpeakerVerification)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "max"}, r"`pooling` must be one of \['mean', 'stats', 'attention'\]"),
        ({"embedding_size": 0}, "`embedding_size` must be a whole number, 1 or more"),
        ({"embedding_size": 1.5}, "`embedding_size` must be a whole number, 1 or more"),
        ({"margin": 2.0}, r"`margin` must lie in \[0, 1.5\]"),
        ({"margin": "2e-1"}, "`margin` must be a number, but got the text '2e-1'"),
        ({"scale": 0}, "`scale` must be positive"),
        ({"trials": "../trials"}, "must hold no slash"),
        ({"label_file": "spk"}, "must be named utt2<label>"),
        ({"trials": 3}, "`trials` must be a text, but got 3"),
        ({"classes": ["ann", "bob"]}, "`classes` must map each class to its utterances"),
        ({"poling": "mean"}, r"has no 'poling' \(closest: 'pooling'\)"),
    ],
)
def test_settings_that_are_not_valid_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=rf"`objectives: spk`.* {message}"):
        read_speaker_settings("spk", settings)


def test_strangers_have_no_label_in_a_batch():
    kind = find_kind("spk")
    encoders = kind.encoders(kind.declared(vars(options())), options())
    (encode,) = encoders.values()
    assert list(encoders) == [("spk", "")]
    assert [encode(name).tolist() for name in ("ann", "bob", "eve", *ABSENT)] == [
        [0],
        [1],
        *[[-1]] * 3,
    ]


def test_a_validation_set_of_strangers_alone_has_no_loss_and_says_so():
    kind = find_kind("spk")
    assert kind.check_labels(labelled({"u": "ann", "v": "eve"}, training=False)) == []
    with pytest.raises(NothingToLearnError, match="none of its 2 speakers is one of the 2 of the"):
        kind.check_labels(labelled({"u": "eve", "v": "mia"}, training=False))


def test_strangers_in_training_are_refused():
    with pytest.raises(ValueError, match=r"1 labels are of classes .* lacks: eve \(1\)"):
        find_kind("spk").check_labels(labelled({"u": "ann", "v": "eve"}, training=True))


def test_stage_5_counts_the_speakers_of_training_whoever_else_there_is(tmp_path):
    for name, speakers in (("train", ["ann", "bob", "ann"]), ("dev", ["eve"])):
        table = {f"{name}{number}": speaker for number, speaker in enumerate(speakers)}
        write_table(tmp_path / name / "utt2spk", table)
    kind = find_kind("spk")
    objectives = kind.declared({"objectives": {"spk": {}}})
    (made,) = kind.vocabularies(
        objectives, {"datadir": str(tmp_path), "speeds": "_sp", "selection": ""}
    )
    line, warnings = made.make(tmp_path / "train", [tmp_path / "dev"])
    path = made.folder / made.file
    assert path.parent.parent == tmp_path
    assert path.parent.name.startswith("spk_classes_sp_")
    assert line == f"{path}: 2 classes: ann 2, bob 1"
    assert warnings == []
    assert read_table(path) == {"ann": "2", "bob": "1"}
    args = argparse.Namespace(objectives={"spk": {"classes": str(path)}})
    kind.inline(args)
    assert args.objectives["spk"]["classes"] == {"ann": 2, "bob": 1}


def test_trials_are_looked_at_in_stage_1_and_none_are_warned_of(tmp_path):
    kind = find_kind("spk")
    (objective,) = kind.declared({"objectives": {"spk": {}}})
    write_table(tmp_path / "utt2spk", {"u": "ann", "v": "ann", "w": "bob", "x": "<na>"})
    (warning,) = kind.check_test_set(objective, tmp_path)
    assert warning.startswith(f"spk will not be scored on {tmp_path.name}: {tmp_path}/trials is")
    with pytest.raises(NothingToScoreError, match="trials is missing; put a list"):
        kind.measure(objective, tmp_path, tmp_path, ScoreConfig())
    (tmp_path / "trials").write_text("u v target\nu w nontarget\n")
    assert kind.check_test_set(objective, tmp_path) == []
    (tmp_path / "trials").write_text("u v target\nu x nontarget\n")
    with pytest.raises(ValueError, match=r"trials:2: x is no utterance with a speaker"):
        kind.check_test_set(objective, tmp_path)


def test_heads_are_built_as_the_settings_say():
    kind, args = find_kind("spk"), options(pooling="mean", embedding_size=8, margin=0.3)
    parts = Parts(feature_size=20, encoder_size=16, encoder=None, preencoder=None)
    head = kind.build_heads(kind.declared(vars(args)), args, parts).own["spk"]
    assert {name: tuple(value.shape) for name, value in head.named_parameters()} == {
        "projector.weight": (8, 16),
        "projector.bias": (8,),
        "loss.weight": (2, 8),
    }
    assert (head.loss.m, head.loss.s) == (0.3, 30.0)

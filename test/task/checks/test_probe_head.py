"""Kinds of a user's own that break the contract are named before anything is trained."""

import sys

import numpy as np
import pytest
import torch

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.objectives.heads.head import Head
from espnet_soups.objectives.kind import Heads, Kind
from espnet_soups.objectives.labels import LabelledObjective
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import find_kind
from espnet_soups.task.checks.check_labels import LabelledSet, check_objective
from espnet_soups.task.checks.probe_head import probe_head
from espnet_soups.task.preprocessor import build_preprocessor
from espnet_soups.testing.toy_model import make_toy_arguments, make_toy_model

MODULE = __name__


class OwnHead(Head):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, encoded, frame_lengths, labels, label_lengths):
        total = self.scale * (encoded.mean(dim=(1, 2)) - labels[:, 0]).abs().sum()
        return LossSum(total, total.new_tensor(len(labels)), total.detach(), len(labels))


class Own(Kind):
    name, title, sign = "own", "Own", "OWN"
    head = OwnHead

    def objective(self, name, settings):
        return Objective(
            name, f"{MODULE}:{type(self).__name__}", label="utt2own", label_file="utt2own"
        )

    def encoders(self, objectives, args):
        return {("utt2own", ""): lambda label: np.array([int(label)])}

    def build_heads(self, objectives, args, parts):
        return Heads({objective.name: self.head() for objective in objectives})


class NoObjective(Own):
    def objective(self, name, settings):
        return name


class NoHeads(Own):
    def build_heads(self, objectives, args, parts):
        return {objective.name: self.head() for objective in objectives}


class OneMissing(Own):
    def build_heads(self, objectives, args, parts):
        return Heads({})


class Halved(Kind):
    name, title, sign = "halved", "Halved", "H"

    def objective(self, name, settings):
        return Objective(name, f"{MODULE}:Halved")


class MeanHead(OwnHead):
    def forward(self, *inputs):
        return super().forward(*inputs).total


class VectorHead(OwnHead):
    def forward(self, encoded, frame_lengths, labels, label_lengths):
        loss = super().forward(encoded, frame_lengths, labels, label_lengths)
        return LossSum(loss.total.expand(2), loss.count, loss.correct, loss.utterances)


class WrongHead(OwnHead):
    def forward(self, encoded, frame_lengths, labels, label_lengths):
        return encoded @ labels.double()


def options(name):
    sys.modules.setdefault(MODULE, sys.modules[__name__])
    return {"own": {"kind": f"{MODULE}:{name}"}}


def probe(head):
    model = make_toy_model(objectives=options("Own")).train()
    objective = model.objectives[-1]
    labels = LabelledObjective(
        objective, "train/utt2own (own)", {"a": "3"}, True, lambda text: np.array([int(text)]), head
    )
    state = torch.random.get_rng_state()
    probe_head(model, labels, 12, 8)
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_sound_kind_is_found_built_and_passes():
    assert find_kind(f"{MODULE}:Own").title == "Own"
    probe(OwnHead().double())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NoObjective", "`objective` of NoObjective must return what it learns .Objective., but"),
        (
            "NoHeads",
            "`build_heads` of NoHeads must return the heads by name .Heads., but returned a",
        ),
        ("OneMissing", r"must return a head for each of its objectives, but \['own'\] have none"),
        ("Halved", f"`kind: {MODULE}:Halved` lacks build_heads, which every kind must have"),
        ("Absent", "must be a class derived from .* has none of that name"),
    ],
)
def test_a_kind_that_breaks_the_contract_is_named_with_the_method(name, said):
    with pytest.raises(ValueError, match=said):
        make_toy_model(objectives=options(name))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (MeanHead, "`forward` of MeanHead must return a sum and a count .LossSum., but returned a"),
        (VectorHead, r"must return a scalar sum .* a sum of shape \(2,\)"),
        (WrongHead, "The head WrongHead of own cannot learn from a label of train/utt2own"),
    ],
)
def test_a_head_that_returns_something_else_is_named(head, said):
    with pytest.raises(ValueError, match=said):
        probe(head().double())


class Features(OwnHead):
    reads = "features"


class Mistyped(OwnHead):
    reads = "encode"


class FeaturesWithLabels(Own):
    head = Features


class MistypedReads(Own):
    head = Mistyped


class Floats(Own):
    def encoders(self, objectives, args):
        return {("utt2own", ""): lambda label: np.array([float(label)])}


class Forgotten(Own):
    def encoders(self, objectives, args):
        return {}


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("FeaturesWithLabels", "own", "reads 'features', so that its objective own must have no"),
        ("MistypedReads", "own", "`reads` of Mistyped must be one of .* but is 'encode'"),
        ("Own", "type", "An objective cannot be named 'type': PyTorch's modules have"),
        ("Own", "own_1.0", "must hold no dot"),
    ],
)
def test_heads_and_names_that_do_not_fit_are_refused(kind, name, said):
    with pytest.raises(ValueError, match=said):
        make_toy_model(objectives={name: options(kind)["own"]})


def test_labels_become_whole_numbers_or_are_refused():
    prepare = build_preprocessor(make_toy_arguments(objectives=options("Floats")), train=True)
    with pytest.raises(ValueError, match="Utterance u, `utt2own`: labels become whole numbers"):
        prepare("u", {"lang": "fr", "utt2own": "0.7"})


def test_two_kinds_must_not_encode_the_same_labels():
    both = {"own": options("Own")["own"], "other": options("Floats")["own"]}
    args = make_toy_arguments(objectives=both)
    with pytest.raises(ValueError, match="Two objectives encode the labels 'utt2own'"):
        build_preprocessor(args, train=True)


def test_a_kind_that_forgets_its_encoder_is_refused_before_training():
    model = make_toy_model(objectives=options("Forgotten"))
    args = make_toy_arguments(objectives=options("Forgotten"))
    data = LabelledSet({"utt2own": ("utt2own", {"a": "1"})}, {"a": "fr"}, {"a": 9})
    with pytest.raises(ValueError, match=r"`encoders` of Forgotten must return an encoder of"):
        check_objective(
            model.objectives[-1], data, model, build_preprocessor(args, True), args, training=True
        )

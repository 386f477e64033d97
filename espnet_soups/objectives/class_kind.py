"""Base of classification and speaker verification: labels from a list of classes."""

import argparse
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from espnet_soups.objectives.class_list import (
    ABSENT,
    ClassEncoder,
    ListSettings,
    check_classes,
    class_folder,
    class_vocabulary,
    inline_classes,
    read_counts,
)
from espnet_soups.objectives.kind import Encoder, Kind, Options, Vocabulary
from espnet_soups.objectives.objective import Objective

STAND_IN = ("a", "b")  # placeholders until stage 5 has counted the classes


class ClassKind[S: ListSettings](Kind):
    """A kind whose labels are classes of the training set, counted in stage 5.

    Attributes:
        closed: Whether other sets may have only the classes of the training set; if not, labels of
            other classes count as missing.
    """

    closed: ClassVar[bool] = True

    @abstractmethod
    def read_settings(self, name: str, options: Options | None) -> S:
        """Return the settings of an objective from its entry below `objectives:`.

        Args:
            name: Name of the objective.
            options: Its entry; None for all defaults.

        Raises:
            ValueError: If a key or a value is not valid; the message names the objective.
        """

    def settings(self, objective: Objective, args: argparse.Namespace) -> S:
        """Return the settings of an objective.

        Args:
            objective: The objective.
            args: The options of `msp_train`.

        Raises:
            ValueError: If a key or a value is not valid.
        """
        return self.read_settings(objective.name, (args.objectives or {}).get(objective.name))

    def check_settings(
        self,
        objective: Objective,
        settings: Options,
        labels: Mapping[str, str],
        where: str,
        training: bool,
    ) -> None:
        """Refuse labels of classes that the setting `classes` lacks, if it is set.

        Raises:
            OSError: If `classes` names a file that cannot be read.
            ValueError: If there are such labels.
        """
        given = self.read_settings(objective.name, settings).classes
        if given is not None and (self.closed or training):
            known = read_counts(given)
            check_classes(present(labels), known, where, f"`classes` of {objective.name}")

    def vocabularies(
        self, objectives: Sequence[Objective], run: Mapping[str, str]
    ) -> list[Vocabulary]:
        """Return the list of classes of each objective."""
        return [
            class_vocabulary(objective, class_folder(objective, run), self.closed)
            for objective in objectives
        ]

    def stand_in(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Set placeholder classes where stage 5 has yet to list them."""
        for objective in objectives:
            own = dict(args.objectives[objective.name] or {})
            if not isinstance(own.get("classes"), Mapping):
                own["classes"] = dict.fromkeys(self.stand_in_classes(own), 1)
                args.objectives = {**args.objectives, objective.name: own}

    def stand_in_classes(self, settings: Options) -> Sequence[str]:
        """Return placeholder classes, two or more, that suit the settings of an objective.

        Args:
            settings: Its entry below `objectives:`.
        """
        return STAND_IN

    def inline(self, args: argparse.Namespace) -> None:
        """Read the lists of classes into the options.

        Raises:
            OSError: If a file does not exist.
            ValueError: If it is no table of classes and numbers, or an objective names none.
        """
        inline_classes(self.declared(vars(args)), args)

    def encoders(
        self, objectives: Sequence[Objective], args: argparse.Namespace
    ) -> dict[tuple[str, str], Encoder]:
        """Return the encoder of each objective, which looks up the index of a class."""
        return {
            (objective.label, objective.language): ClassEncoder(
                list(self.settings(objective, args).counts), self.closed
            )
            for objective in objectives
        }


def present(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that name a class.

    Args:
        labels: Utterance id to label.
    """
    return {key: label for key, label in labels.items() if label not in ABSENT}

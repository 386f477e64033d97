"""What classification and speaker verification have in common: labels from a list of classes."""

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

STAND_IN = ("a", "b")  # stand for the classes that stage 5 has yet to count


class ClassKind[S: ListSettings](Kind):
    """A kind whose labels are classes of the training set, counted in stage 5.

    Attributes:
        closed: Whether other sets may have only the classes of the training set; if not, labels of
            other classes count as missing.
    """

    closed: ClassVar[bool] = True

    @abstractmethod
    def read_settings(self, name: str, options: Options | None) -> S:
        """Return the settings of an objective from what `objectives:` says of it.

        Raises:
            ValueError: If a key or a value is not valid; the message names the objective.
        """

    def settings(self, objective: Objective, args: argparse.Namespace) -> S:
        """Return the settings of an objective from the options of `msp_train`."""
        return self.read_settings(objective.name, (args.objectives or {}).get(objective.name))

    def check_settings(
        self,
        objective: Objective,
        settings: Options,
        labels: Mapping[str, str],
        where: str,
        training: bool,
    ) -> None:
        """Refuse labels of classes that `classes` lacks, where it is set.

        Raises:
            OSError: If it is a file that cannot be read.
            ValueError: If there are some.
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
        """Put stand-ins where the list of classes is yet to be made."""
        for objective in objectives:
            own = dict(args.objectives[objective.name] or {})
            if not isinstance(own.get("classes"), Mapping):
                own["classes"] = dict.fromkeys(self.stand_in_classes(own), 1)
                args.objectives = {**args.objectives, objective.name: own}

    def stand_in_classes(self, settings: Options) -> Sequence[str]:
        """Return two classes or more that the settings of an objective allow."""
        return STAND_IN

    def inline(self, args: argparse.Namespace) -> None:
        """Read the lists of classes into the options.

        Raises:
            OSError: If there is no such file.
            ValueError: If it is no table of classes and numbers, or none was named.
        """
        inline_classes(self.declared(vars(args)), args)

    def encoders(
        self, objectives: Sequence[Objective], args: argparse.Namespace
    ) -> dict[tuple[str, str], Encoder]:
        """Return what looks up the index of a class."""
        return {
            (objective.label, objective.language): ClassEncoder(
                list(self.settings(objective, args).counts), self.closed
            )
            for objective in objectives
        }


def present(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that name a class."""
    return {key: label for key, label in labels.items() if label not in ABSENT}

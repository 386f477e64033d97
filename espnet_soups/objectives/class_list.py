"""The classes of a label file, with the number of training utterances of each."""

import argparse
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from espnet_soups.files import read_table, write_table
from espnet_soups.objectives.kind import Vocabulary
from espnet_soups.objectives.labels import NO_LABEL
from espnet_soups.objectives.objective import Objective
from espnet_soups.settings import require_number, require_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ABSENT = (NO_LABEL, "unknown")  # marks of missing labels in a table
SHOWN = 8
FILE = "classes.txt"


@dataclass(frozen=True)
class ListSettings:
    """Settings, below `objectives:`, of every objective whose labels are classes.

    Attributes:
        classes: Class to its number of utterances in the training set, or a file of these, which
            stage 5 writes.
        pooling: Pooling over the frames of an utterance, one of `poolings`.
    """

    poolings: ClassVar[Sequence[str]]

    classes: Mapping[str, int] | str | None = None
    pooling: str = ""

    def __post_init__(self) -> None:
        """Refuse settings from which no head can be built.

        Raises:
            ValueError: If a value is not valid.
        """
        if self.pooling not in self.poolings:
            raise ValueError(
                f"`pooling` must be one of {list(self.poolings)}, but got {self.pooling!r}."
            )
        require_counts(self.classes)

    @property
    def counts(self) -> dict[str, int]:
        """Number of utterances of each class in the training set; empty before stage 5."""
        return dict(self.classes) if isinstance(self.classes, Mapping) else {}


def read_classes(folder: Path, objective: Objective) -> dict[str, str]:
    """Return the class of each utterance of a data dir that has one.

    Args:
        folder: The data dir.
        objective: The objective, which names the label file and, perhaps, a language.

    Returns:
        Utterance id to class.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is malformed, or a class has white space.
    """
    path = folder / objective.label_file
    table = read_table(path)
    spoken = read_table(folder / "utt2lang") if objective.language else {}
    found = {
        key: label
        for key, label in table.items()
        if label not in ABSENT and objective.language in ("", spoken.get(key))
    }
    split = next((key for key, label in found.items() if " " in label), None)
    if split is not None:
        raise ValueError(
            f"{path}: {split} has {found[split]!r}; a class is one word (join words by `_`)."
        )
    return found


def class_folder(objective: Objective, run: Mapping[str, str]) -> Path:
    """Return the folder of an objective's class list; runs with other lists have other folders.

    Args:
        objective: The objective.
        run: See `Kind.vocabularies`.
    """
    content = "\n".join([objective.label_file, objective.language, run["selection"]])
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    return Path(run["datadir"]) / f"{objective.name}_classes{run['speeds']}_{digest}"


def class_vocabulary(objective: Objective, folder: Path, closed: bool = True) -> Vocabulary:
    """Return the list of classes of an objective as a vocabulary, `classes.txt` in a folder.

    Args:
        objective: The objective.
        folder: The folder to write it to.
        closed: Whether other sets may have only the classes of the training set.
    """
    path = folder / FILE

    def make(train: Path, others: Sequence[Path]) -> tuple[str, list[str]]:
        counts = Counter(read_classes(train, objective).values())
        where = train / objective.label_file
        if len(counts) < 2:
            raise ValueError(
                f"{where} ({objective.name}) needs utterances of two classes or more, but has"
                f" {dict(counts) or 'no label'}."
            )
        for other in others if closed else ():
            check_classes(read_classes(other, objective), counts, other / objective.label_file)
        numbers = {name: str(count) for name, count in sorted(counts.items())}
        if not path.is_file() or read_table(path) != numbers:  # runs that share it compare its time
            write_table(path, numbers)
        shown = ", ".join(f"{name} {count}" for name, count in counts.most_common(SHOWN))
        more = f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
        return f"{path}: {len(counts)} classes: {shown}{more}", []

    return Vocabulary(folder, ("--objectives", f"{objective.name}.classes={path}"), make, FILE)


def inline_classes(objectives: Sequence[Objective], args: argparse.Namespace) -> None:
    """Read the lists of classes of objectives into their settings, below `objectives:`.

    Args:
        objectives: The objectives.
        args: The options of `msp_train`; changed in place.

    Raises:
        OSError: If a file does not exist.
        ValueError: If it is no table of classes and numbers, or an objective names none.
    """
    for objective in objectives:
        own = dict(args.objectives[objective.name] or {})
        if own.get("classes") is None:
            raise ValueError(
                f"`objectives: {objective.name}` lacks `classes`, a file of stage 5:"
                f" `--objectives {objective.name}.classes=FILE`."
            )
        own["classes"] = read_counts(own["classes"])
        args.objectives = {**args.objectives, objective.name: own}


def read_counts(classes: Mapping[str, int] | str) -> dict[str, int]:
    """Return the number of utterances of each class.

    Args:
        classes: The setting `classes`: these numbers, or the file that holds them.

    Raises:
        OSError: If the file does not exist.
    """
    if not isinstance(classes, str):
        return dict(classes)
    table = read_table(Path(classes))
    strange = [name for name, count in table.items() if not count.isdecimal()]
    if strange:
        raise ValueError(
            f"{classes} must have lines `class number`, but {strange[0]} has"
            f" {table[strange[0]]!r}; run stage 5 again."
        )
    return {name: int(count) for name, count in table.items()}


def require_counts(classes: object) -> None:
    """Refuse a value that is neither a table of classes and numbers nor the name of such a file.

    Args:
        classes: The setting `classes`; None if stage 5 has yet to make it.

    Raises:
        ValueError: If the value is neither.

    >>> require_counts({"happy": 12, "sad": 9})
    """
    if classes is None or isinstance(classes, str):
        return
    if not isinstance(classes, Mapping) or not classes:
        raise ValueError(
            "`classes` must map each class to its utterances in the training set, such as {happy:"
            f" 12, sad: 9}}, or name a file of these, but got {classes!r}."
        )
    for name, count in classes.items():
        require_text("A class of `classes`", name)
        require_number(f"`classes: {name}`", count)
        if not isinstance(count, int) or count < 1:
            raise ValueError(
                f"`classes: {name}` must be how many utterances of the training set are of it, 1"
                f" or more, but got {count}: remove classes without utterances."
            )


def check_classes(
    labels: Mapping[str, str],
    known: Collection[str],
    where: Path | str,
    lister: str = "the training set",
) -> None:
    """Refuse labels of classes without training data.

    Args:
        labels: Utterance id to class.
        known: The known classes.
        where: File of the labels, for the message.
        lister: Holder of the known classes, for the message.

    Raises:
        ValueError: If there are such labels.
    """
    strange = Counter(label for label in labels.values() if label not in known)
    if strange:
        names = ", ".join(f"{name} ({count})" for name, count in strange.most_common(SHOWN))
        some = sorted(known)[:SHOWN]
        raise ValueError(
            f"{where}: {sum(strange.values())} labels are of classes that {lister} lacks:"
            f" {names}; it has {', '.join(some)}{' …' if len(known) > SHOWN else ''}. Correct them,"
            f" or write `{NO_LABEL}`."
        )


class ClassEncoder:
    """Encoder of a class as its index.

    Args:
        classes: The classes, in order.
        closed: Whether there are no other classes; if there are, they count as missing.

    >>> ClassEncoder(["f", "m"])("m").tolist()
    [1]
    """

    def __init__(self, classes: Sequence[str], closed: bool = True) -> None:
        self.closed = closed
        self.index = {name: position for position, name in enumerate(classes)}

    def __call__(self, label: str) -> "NDArray[np.int64]":
        """Return the index of a class, [1]; -1 if the label is marked as missing.

        Args:
            label: The label of an utterance.

        Raises:
            ValueError: If there is no such class.
        """
        import numpy as np

        if label in ABSENT or (not self.closed and label not in self.index):
            return np.array([-1], dtype=np.int64)
        if label not in self.index:
            raise ValueError(f"{label!r} is none of the classes {list(self.index)[:SHOWN]}.")
        return np.array([self.index[label]], dtype=np.int64)

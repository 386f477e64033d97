"""Types that pass between a kind of objective and the other packages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from torch.nn import Module

    from espnet_soups.objectives.heads.head import Head

Options = Mapping[str, Any]  # of msp_train, by name
Encoder = Callable[[str], "np.ndarray"]  # the label of one utterance to an array


class Finder(Protocol):
    """Search for the files that the configuration of a trained model names."""

    def __call__(self, file: str, fits: Callable[[Path], bool] | None = None) -> str:
        """Return the path of a file.

        Args:
            file: The file, as the configuration names it.
            fits: Test whether a file is the model's own, and not another of that name; None to
                accept any.

        Raises:
            FileNotFoundError: If there is none.
        """
        ...


@dataclass(frozen=True)
class Metric:
    """A score of decoded sets.

    Attributes:
        name: Key in `scores.json`.
        title: Name in tables and pictures.
        unit: Unit such as `%`, or empty.
        lower_is_better: Whether lower values are better.
        headline: Whether it appears in comparisons of experiments, on cards and in pictures.
        digits: Number of decimals shown.
        counts: Unit that an error rate counts, such as `Wrd`: the head of that column.
    """

    name: str
    title: str
    unit: str = "%"
    lower_is_better: bool = True
    headline: bool = True
    digits: int = 1
    counts: str = ""

    @property
    def heading(self) -> str:
        """Title and unit, for the head of a column."""
        return f"{self.title} {self.unit}".rstrip()


@dataclass(frozen=True)
class Vocabulary:
    """List that stage 5 makes from the labels of the training set: tokens or classes.

    Attributes:
        folder: The folder that holds it.
        words: Options of `msp_train` that name it.
        make: Function that makes it from (training set, sets whose labels it must cover too), and
            returns a line for the log and a list of warnings.
        file: The file that is written last; later stages compare it to detect a change.
    """

    folder: Path
    words: tuple[str, ...]
    make: Callable[[Path, Sequence[Path]], tuple[str, list[str]]] = field(repr=False)
    file: str = "tokens.txt"


@dataclass(frozen=True)
class Parts:
    """The parts of the network that heads are built for.

    Attributes:
        feature_size: Size of a frame before the encoder.
        encoder_size: Size of an encoded frame.
        encoder: ESPnet's encoder.
        preencoder: ESPnet's pre-encoder, or None.
        normalize: ESPnet's normalisation of features, or None.
        shared: Modules that earlier kinds have built for several heads, by name.
    """

    feature_size: int
    encoder_size: int
    encoder: "Module"
    preencoder: "Module | None" = None
    normalize: "Module | None" = None
    shared: "Mapping[str, Any]" = field(default_factory=dict)


@dataclass(frozen=True)
class Heads:
    """Result of a kind that builds the heads of its objectives.

    Attributes:
        own: The head of each objective, by name.
        shared: Modules that several heads use, by name; they count as backbone.
    """

    own: "Mapping[str, Head]"
    shared: "Mapping[str, Module]" = field(default_factory=dict)

"""The contract of a kind of objective: all that is particular to a task stands behind it.

A kind is one file of this folder, or a class of a user's own, named in YAML as `kind: module:Class`
(docs/own_objective.md); `registry.py` finds it. Everything else works with any kind. Importing a
kind imports neither torch nor ESPnet: what needs them is imported inside its methods.

Three members are asked of the kinds that come along alone, since options are read before the
configuration that names others: `add_options`, `run_options` and `data_names`. A class of a user's
own with one of them is refused, and so is one that derives from a kind with options, such as those
of texts; what it needs are settings below `objectives:`.
"""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from espnet_soups.objectives.exchange import (
    Encoder,
    Finder,
    Heads,
    Metric,
    Options,
    Parts,
    Vocabulary,
)
from espnet_soups.objectives.objective import Objective

if TYPE_CHECKING:
    from espnet_soups.objectives.decoding.decode_config import DecodeConfig
    from espnet_soups.objectives.decoding.result import Decoder, SpeechDecoder
    from espnet_soups.objectives.heads.head import Head
    from espnet_soups.objectives.labels import LabelledObjective
    from espnet_soups.objectives.metrics.measured import Measured
    from espnet_soups.objectives.metrics.score_config import ScoreConfig
    from espnet_soups.objectives.stock_model import StockModel

__all__ = ["Encoder", "Finder", "Heads", "Kind", "Metric", "Options", "Parts", "Vocabulary"]


class Kind(ABC):
    """A kind of objective.

    Attributes:
        name: The objectives of the kind are called `<name>` or `<name>_<rest>`.
        title: Heading of its scores.
        sign: In the description of levels, such as `ASR×5 > ST×4`.
        letters: Letters of `order: USA` that stand for its objectives, to globs over their names,
            several with white space between; none that another kind has.
        metrics: Its scores, the most telling first; a name that another kind has must mean the same
            there: title, unit and direction.
        data_names: Globs over the data names of its labels, for data that a run may bring along
            although no objective of it learns from them.
        run_options: Options of `run.sh` that it reads: name to (default, help).
        decode_config: Dataclass of the options that it reads from the decoding configuration; kinds
            may share options. None: none.
        left_out: What the log says of utterances that its head could not use.
        loss_unit: Of its loss; empty: it has several, or none.
        loss_per: What its loss is a mean over; empty: tokens, labels or predictions, as it has.
        hub_tag: Task of the Hugging Face hub under which its models are found; empty: none.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    sign: ClassVar[str]
    letters: ClassVar[Mapping[str, str]] = {}
    metrics: ClassVar[tuple[Metric, ...]] = ()
    data_names: ClassVar[tuple[str, ...]] = ()
    run_options: ClassVar[Mapping[str, tuple[str, str]]] = {}
    decode_config: ClassVar[type[Any] | None] = None
    left_out: ClassVar[str] = "Labels that could not be used took no part"
    loss_unit: ClassVar[str] = "nats"
    loss_per: ClassVar[str] = ""
    hub_tag: ClassVar[str] = ""

    # --- which objectives there are ------------------------------------------------------------

    @abstractmethod
    def objective(self, name: str, settings: Options) -> Objective:
        """Return the objective of a name.

        Args:
            name: Of the objective.
            settings: What `objectives:` of the training configuration says of it.

        Raises:
            ValueError: If the name or a setting is not valid.
        """

    def named(self, name: str, others: Sequence[str]) -> Objective:
        """Return the objective that a name alone stands for, as in a folder or a log.

        Args:
            name: Of the objective.
            others: Names of the objectives beside it.

        Raises:
            ValueError: If the name is not valid, or does not suffice.
        """
        return self.objective(name, {})

    def declared(self, options: Options) -> list[Objective]:
        """Return the objectives that the options of `msp_train` declare, in their order.

        The default: those of this kind below `objectives:`.
        """
        from espnet_soups.objectives.registry import kind_of_name

        return [
            self.objective(name, settings)
            for name, settings in (options.get("objectives") or {}).items()
            if kind_of_name(name, settings) is self
        ]

    def languages(self, options: Options) -> list[str]:
        """Return languages of `utt2lang` that only objectives of all languages hear; often none."""
        return []

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add options of its own to `msp_train`; the default: none, see `objectives:`."""
        return None

    def check(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Refuse settings that do not fit, before any work; the default refuses none.

        Raises:
            ValueError: If one does not.
        """
        return None

    def check_set(
        self,
        objective: Objective,
        labels: Mapping[str, str],
        trained: Mapping[str, str],
        where: str,
    ) -> None:
        """Compare the labels of a validation or test set with those of training, in stage 1.

        Args:
            objective: The objective.
            labels: Utterance id to label, `<na>` left out.
            trained: The same of the training set.
            where: The file of `labels`, for messages.

        Raises:
            NothingToLearnError: If none of them could be used in validation: refused where no
                other objective has one that can.
            ValueError: If they do not fit, such as labels of a class that training lacks.
        """
        return None

    def check_settings(
        self,
        objective: Objective,
        settings: Options,
        labels: Mapping[str, str],
        where: str,
        training: bool,
    ) -> None:
        """Compare the labels of a set with the settings of the objective, in stage 1.

        Args:
            objective: The objective.
            settings: What `objectives:` of the training configuration says of it.
            labels: Utterance id to label, `<na>` left out.
            where: The file of `labels`, for messages.
            training: Whether the set is trained on.

        Raises:
            OSError: If a file that settings name cannot be read.
            ValueError: If they do not fit, such as labels of a class that settings lack.
        """
        return None

    def check_test_set(self, objective: Objective, folder: Path) -> list[str]:
        """Look, in stage 1, at what `measure` will score a test set by, and return warnings.

        Args:
            objective: The objective.
            folder: Data dir of the set.

        Raises:
            OSError: If a file cannot be read.
            ValueError: If a file that scores are computed from is malformed, such as trials.
        """
        return []

    # --- a run: from the options of run.sh to those of msp_train -------------------------------

    def options_of_run(self, run: Mapping[str, str]) -> dict[str, Any]:
        """Return what options of `run.sh` are among those of `msp_train`; the default: none.

        Args:
            run: The options of `run.sh`, those that the kinds name in `run_options` among them, and
                `speeds` (what stage 2 adds to names).

        Returns:
            Option to value, vocabularies left out: an option that maps languages to vocabularies
            maps them to stand-ins, with which a model can be built on trial.

        Raises:
            ValueError: If an option is not valid; see `run_words.py`.
        """
        return {}

    def experiment_tag(self, run: Mapping[str, str]) -> str:
        """Return what its options of `run.sh` add to names of experiments; the default: nothing."""
        return ""

    def statistics_tag(self, objectives: Sequence[Objective], run: Mapping[str, str]) -> str:
        """Return what tells statistics apart that are taken with other labels or vocabularies."""
        return "_".join(objective.name for objective in objectives if objective.label)

    def vocabularies(
        self, objectives: Sequence[Objective], run: Mapping[str, str]
    ) -> list[Vocabulary]:
        """Return the vocabularies that stage 5 makes; the default: none.

        Those that settings of an objective name already are left out, see `Vocabulary.words`.

        Args:
            objectives: Those of this kind.
            run: The options of `run.sh`, `speeds`, and `selection`: what tells runs apart that
                train on other utterances of a corpus.
        """
        return []

    def ctc_cutter(
        self, objective: Objective, run: Mapping[str, str], options: Options, token_type: str
    ) -> Callable[[str], Sequence[str]] | None:
        """Return what cuts labels into the tokens that CTC learns; the default: no CTC learns them.

        Args:
            objective: The objective.
            run: The options of `run.sh`.
            options: The options of `msp_train`, as far as they are known.
            token_type: Asked for by stage 4 (`char`) and stage 5 (`bpe`).

        Returns:
            The function; None: its tokens are of another type, too.
        """
        return None

    def longer_tokens(self, token_type: str) -> str:
        """Return the option of `run.sh` by which a label has fewer tokens."""
        return "see its settings"

    def stand_in(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Put stand-ins where the options lack vocabularies, to build a model before stage 5."""
        return None

    # --- labels --------------------------------------------------------------------------------

    def inline(self, args: argparse.Namespace) -> None:
        """Read the files that options name into the options, so that `config.yaml` is portable."""
        return None

    def encoders(
        self, objectives: Sequence[Objective], args: argparse.Namespace
    ) -> dict[tuple[str, str], Encoder]:
        """Return what turns labels into arrays of integers, by (data name, spoken language).

        An empty language stands for all. An absent label (`<na>`) never comes here: it is the one
        number -1 in the batch, in labels of floats NaN. The default: none, as for audio.
        """
        return {}

    def check_labels(self, labels: "LabelledObjective") -> list[str]:
        """Look at the labels of a set before the first step, and return warnings.

        Raises:
            NothingToLearnError: If none of them can be used: refused in training, and in validation
                where no other objective has one that can.
            ValueError: If they are wrong.
        """
        return []

    # --- the network ---------------------------------------------------------------------------

    @abstractmethod
    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build a head for each of its objectives.

        Raises:
            ValueError: If an option is not valid.
        """

    def review_epoch(self, seen: int, left_out: int, watched: Mapping[str, float]) -> list[str]:
        """Look at what an epoch of training has shown of an objective, and return warnings.

        Args:
            seen: Utterances with a label.
            left_out: Those of them that the head could not use.
            watched: Means of the numbers that the head reports, by name.

        Raises:
            ValueError: If training on makes no sense.
        """
        return []

    # --- decoding and scores -------------------------------------------------------------------

    def identifies_language(self, objective: Objective) -> bool:
        """Return whether the texts of an objective are languages as `utt2lang` has them; no."""
        return False

    def has(self, method: str) -> bool:
        """Return whether the kind has a method of its own, such as `build_decoder` or `export`."""
        return getattr(type(self), method) is not getattr(Kind, method)

    def locate(self, args: argparse.Namespace, find: Finder) -> None:
        """Replace the files that decoding needs by where they lie; the default: there are none.

        Args:
            args: Options of `config.yaml`, which may lie on another machine than it was written on.
            find: Returns where the file of an option is: `find(file)`, or `find(file, fits)`, where
                `fits` tells of a path whether that file is the model's own, not a namesake's.

        Raises:
            FileNotFoundError: If `find` does not find one.
        """
        return None

    def check_decoding(self, objective: Objective, head: "Head", config: "DecodeConfig") -> None:
        """Refuse what `build_decoder` would refuse, before stage 5 and any training.

        Raises:
            ValueError: If the head lacks what the configuration asks for.
        """
        return None

    def check_scoring(self, objective: Objective, config: "ScoreConfig") -> None:
        """Refuse, before stage 1, what `measure` lacks, such as a package; the default: nothing.

        Raises:
            ValueError: If it lacks something.
        """
        return None

    def build_decoder(
        self,
        objective: Objective,
        head: "Head",
        args: argparse.Namespace,
        config: "DecodeConfig",
    ) -> "Decoder | SpeechDecoder | None":
        """Return what turns encoded speech into hypotheses; the default, None: nothing is decoded.

        Raises:
            ValueError: If the head lacks what the configuration asks for.
        """
        return None

    def measure(
        self, objective: Objective, reference_dir: Path, decode_dir: Path, config: "ScoreConfig"
    ) -> "Measured":
        """Score what was decoded.

        Args:
            objective: The objective.
            reference_dir: Data dir of the set.
            decode_dir: Holds `<objective>/text` and, where the decoder returned arrays,
                `<objective>/array.scp`.
            config: How to score.

        Raises:
            OSError: If a file is missing.
            ValueError: If a file is malformed or keys differ; a `NothingToScoreError` if the set
                has no labels to score it by, which leaves it out with a note.
        """
        raise ValueError(f"{objective.name} is not scored: {type(self).__name__} has no measure.")

    def export(self, objective: Objective, model: Any, args: argparse.Namespace) -> "StockModel":
        """Return the configuration and the tensors of a stock ESPnet model of the objective.

        Raises:
            ValueError: If ESPnet has no model of the kind, which is the default.
        """
        raise ValueError(
            f"{objective.name} cannot be exported: ESPnet has no model of this kind ({self.title});"
            " use espnet_soups.Speech2Text."
        )

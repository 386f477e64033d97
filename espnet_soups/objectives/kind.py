"""The contract of a kind of objective: everything particular to a task is behind it.

A kind is one file of this folder, or a user's own class, named in YAML as `kind: module:Class`
(docs/own_objective.md); `registry.py` finds it. Everything else works with any kind. Importing a
kind imports neither torch nor ESPnet: methods that need them import them.

Three members apply to built-in kinds only, since options are read before the configuration that
names others: `add_options`, `run_options` and `data_names`. A user's own class with one of them is
refused, and so is one that derives from a kind with options, such as those of texts; its settings
belong below `objectives:`.
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
    """Kind of objectives.

    Attributes:
        name: Name of the kind; its objectives are called `<name>` or `<name>_<rest>`.
        title: Heading of its scores.
        sign: Abbreviation in the description of levels, such as `ASR×5 > ST×4`.
        letters: Letters of `order: USA` that stand for its objectives, each mapped to globs over
            their names, separated by white space; no two kinds may share a letter.
        metrics: Its scores, the most telling first; a name that another kind also has must mean the
            same there: title, unit and direction.
        data_names: Globs over the data names of its labels, for data that a run may contain
            although no objective of it learns from them.
        run_options: Options of `run.sh` that it reads: name to (default, help).
        decode_config: Dataclass of the options that it reads from the decoding configuration; kinds
            may share options. None if it reads none.
        left_out: Text in the log about utterances that its head could not use.
        loss_unit: Unit of its loss; empty if it has several, or none.
        loss_per: The item over which its loss is a mean; empty for tokens, labels or predictions.
        hub_tag: Task of the Hugging Face hub under which its models are found; empty if there is
            none.
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

    # --- names and settings --------------------------------------------------------------------

    @abstractmethod
    def objective(self, name: str, settings: Options) -> Objective:
        """Return the objective of a name.

        Args:
            name: Name of the objective.
            settings: Its entry below `objectives:` of the training configuration.

        Raises:
            ValueError: If the name or a setting is not valid.
        """

    def named(self, name: str, others: Sequence[str]) -> Objective:
        """Return the objective of a name alone, as found in a folder or a log.

        Args:
            name: Name of the objective.
            others: Names of the objectives beside it.

        Raises:
            ValueError: If the name is not valid, or not sufficient.
        """
        return self.objective(name, {})

    def declared(self, options: Options) -> list[Objective]:
        """Return the objectives that the options of `msp_train` declare, in their order.

        By default, these are the objectives of this kind below `objectives:`.

        Args:
            options: The options of `msp_train`, by name.

        Raises:
            ValueError: If a name or a setting is not valid.
        """
        from espnet_soups.objectives.registry import kind_of_name

        return [
            self.objective(name, settings)
            for name, settings in (options.get("objectives") or {}).items()
            if kind_of_name(name, settings) is self
        ]

    def languages(self, options: Options) -> list[str]:
        """Return the languages of `utt2lang` that only objectives of all languages use; often none.

        Args:
            options: The options of `msp_train`, by name.
        """
        return []

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of the kind to `msp_train`; by default none, see `objectives:`.

        Args:
            parser: The parser of `msp_train`.
        """
        return None

    def check(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Refuse settings that do not fit, before any work; by default none are refused.

        Args:
            objectives: The objectives of this kind.
            args: The options of `msp_train`.

        Raises:
            ValueError: If one does not fit.
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
            labels: Utterance id to label, without `<na>`.
            trained: The same for the training set.
            where: The file of `labels`, for messages.

        Raises:
            NothingToLearnError: If none of them is usable in validation; it is refused if no other
                objective has a usable one.
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
            settings: Its entry below `objectives:` of the training configuration.
            labels: Utterance id to label, without `<na>`.
            where: The file of `labels`, for messages.
            training: Whether the set is used for training.

        Raises:
            OSError: If a file that settings name cannot be read.
            ValueError: If they do not fit, such as labels of a class that settings lack.
        """
        return None

    def check_test_set(self, objective: Objective, folder: Path) -> list[str]:
        """Check, in stage 1, the files from which `measure` will score a test set.

        Args:
            objective: The objective.
            folder: Data dir of the set.

        Returns:
            Warnings; by default none.

        Raises:
            OSError: If a file cannot be read.
            ValueError: If a file that scores are computed from is malformed, such as trials.
        """
        return []

    # --- a run: from the options of run.sh to those of msp_train -------------------------------

    def options_of_run(self, run: Mapping[str, str]) -> dict[str, Any]:
        """Translate options of `run.sh` to those of `msp_train`; by default none.

        Args:
            run: The options of `run.sh`, including those in `run_options` of the kinds, and
                `speeds` (the suffix that stage 2 adds to names).

        Returns:
            Option to value, without vocabularies: an option that maps languages to vocabularies
            maps them to placeholders, with which a model can be built on trial.

        Raises:
            ValueError: If an option is not valid; see `run_words.py`.
        """
        return {}

    def experiment_tag(self, run: Mapping[str, str]) -> str:
        """Return the part of experiment names that its options of `run.sh` add; by default nothing.

        Args:
            run: The options of `run.sh`.
        """
        return ""

    def statistics_tag(self, objectives: Sequence[Objective], run: Mapping[str, str]) -> str:
        """Return a tag that tells apart statistics of different labels or vocabularies.

        Args:
            objectives: The objectives of this kind.
            run: The options of `run.sh`.
        """
        return "_".join(objective.name for objective in objectives if objective.label)

    def vocabularies(
        self, objectives: Sequence[Objective], run: Mapping[str, str]
    ) -> list[Vocabulary]:
        """Return the vocabularies that stage 5 makes; by default none.

        Those that settings of an objective already name are left out, see `Vocabulary.words`.

        Args:
            objectives: The objectives of this kind.
            run: The options of `run.sh`, `speeds`, and `selection`: a tag that tells apart runs
                that train on different utterances of a corpus.
        """
        return []

    def ctc_cutter(
        self, objective: Objective, run: Mapping[str, str], options: Options, token_type: str
    ) -> Callable[[str], Sequence[str]] | None:
        """Return a function that splits labels into the tokens that CTC learns; by default None.

        Args:
            objective: The objective.
            run: The options of `run.sh`.
            options: The options of `msp_train`, as far as they are known.
            token_type: Type of tokens, as stage 4 (`char`) or stage 5 (`bpe`) asks for it.

        Returns:
            The function; None if no CTC learns the labels, or its tokens are of another type.
        """
        return None

    def longer_tokens(self, token_type: str) -> str:
        """Return the option of `run.sh` that makes tokens longer, so that labels have fewer.

        Args:
            token_type: `char` or `bpe`.
        """
        return "see its settings"

    def stand_in(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Set placeholders where the options lack vocabularies, to build a model before stage 5.

        Args:
            objectives: The objectives of this kind.
            args: The options of `msp_train`; changed in place.
        """
        return None

    # --- labels --------------------------------------------------------------------------------

    def inline(self, args: argparse.Namespace) -> None:
        """Read the files that options name into the options, so that `config.yaml` is portable.

        Args:
            args: The options of `msp_train`; changed in place.
        """
        return None

    def encoders(
        self, objectives: Sequence[Objective], args: argparse.Namespace
    ) -> dict[tuple[str, str], Encoder]:
        """Return encoders of labels to arrays of integers, by (data name, spoken language).

        An empty language stands for all. An absent label (`<na>`) is never passed to an encoder: in
        the batch it is the single number -1, in labels of floats NaN. By default there are none, as
        for audio.

        Args:
            objectives: The objectives of this kind.
            args: The options of `msp_train`.
        """
        return {}

    def check_labels(self, labels: "LabelledObjective") -> list[str]:
        """Check the labels of a set before the first step, and return warnings.

        Args:
            labels: The labels of one objective in one set.

        Raises:
            NothingToLearnError: If none of them is usable; it is refused in training, and in
                validation if no other objective has a usable one.
            ValueError: If they are wrong.
        """
        return []

    # --- the network ---------------------------------------------------------------------------

    @abstractmethod
    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build a head for each objective of this kind.

        Args:
            objectives: The objectives of this kind, in order.
            args: The options of `msp_train`.
            parts: The parts of the network, built before.

        Returns:
            The heads, and the modules that they share.

        Raises:
            ValueError: If an option is not valid.
        """

    def review_epoch(self, seen: int, left_out: int, watched: Mapping[str, float]) -> list[str]:
        """Check the statistics of an objective after an epoch of training, and return warnings.

        Args:
            seen: Number of utterances with a label.
            left_out: Number of those that the head could not use.
            watched: Means of the numbers that the head reports, by name.

        Raises:
            ValueError: If further training makes no sense.
        """
        return []

    # --- decoding and scores -------------------------------------------------------------------

    def identifies_language(self, objective: Objective) -> bool:
        """Return True if an objective's texts are languages, as in `utt2lang`; by default False.

        Args:
            objective: The objective.
        """
        return False

    def has(self, method: str) -> bool:
        """Return True if the kind overrides a method such as `build_decoder` or `export`.

        Args:
            method: Name of the method.
        """
        return getattr(type(self), method) is not getattr(Kind, method)

    def locate(self, args: argparse.Namespace, find: Finder) -> None:
        """Replace the files that decoding needs by their actual paths; by default there are none.

        Args:
            args: Options of `config.yaml`, which may come from another machine; changed in place.
            find: Search that returns the path of a file: `find(file)`, or `find(file, fits)` with a
                test of whether a path is the model's own file and not another of that name.

        Raises:
            FileNotFoundError: If `find` does not find one.
        """
        return None

    def check_decoding(self, objective: Objective, head: "Head", config: "DecodeConfig") -> None:
        """Refuse settings that `build_decoder` would refuse, before stage 5 and any training.

        Args:
            objective: The objective.
            head: Its head, not yet trained.
            config: Settings of decoding.

        Raises:
            ValueError: If the head lacks a part that the configuration needs.
        """
        return None

    def check_scoring(self, objective: Objective, config: "ScoreConfig") -> None:
        """Check, before stage 1, the requirements of `measure`, such as a package; by default none.

        Args:
            objective: The objective.
            config: Settings of scoring.

        Raises:
            ValueError: If one is not met.
        """
        return None

    def score_names(
        self, objective: Objective, options: Options, config: "ScoreConfig"
    ) -> list[str]:
        """Return the names of the scores that `measure` returns; by default all of `metrics`.

        Args:
            objective: The objective.
            options: The options of `msp_train`.
            config: Settings of scoring.
        """
        return [metric.name for metric in self.metrics]

    def prepare_scoring(self, objective: Objective, source: Path, folder: Path) -> None:
        """Write what `measure` reads beside labels, for scores while training; by default nothing.

        Args:
            objective: The objective.
            source: Folder of the labels of the validation set.
            folder: Data dir of a part of that set, with `utt2lang`, the labels and the speech.

        Raises:
            NothingToScoreError: If the part cannot be scored.
            OSError: If a file is missing.
            ValueError: If a file is malformed.
        """
        return None

    def build_decoder(
        self,
        objective: Objective,
        head: "Head",
        args: argparse.Namespace,
        config: "DecodeConfig",
    ) -> "Decoder | SpeechDecoder | None":
        """Return a decoder of encoded speech to hypotheses; by default None, nothing is decoded.

        Args:
            objective: The objective.
            head: Its trained head.
            args: The options of its training.
            config: Settings of decoding.

        Raises:
            ValueError: If the head lacks a part that the configuration needs.
        """
        return None

    def measure(
        self, objective: Objective, reference_dir: Path, decode_dir: Path, config: "ScoreConfig"
    ) -> "Measured":
        """Score the decoded results of a set.

        Args:
            objective: The objective.
            reference_dir: Data dir of the set.
            decode_dir: Folder with `<objective>/text` and, if the decoder returned arrays,
                `<objective>/array.scp`.
            config: Settings of scoring.

        Returns:
            The measured scores.

        Raises:
            OSError: If a file is missing.
            ValueError: If a file is malformed, keys differ, or the kind has no scores; a
                `NothingToScoreError` if the set has no labels to score against, which leaves it out
                with a note.
        """
        raise ValueError(f"{objective.name} is not scored: {type(self).__name__} has no measure.")

    def export(self, objective: Objective, model: Any, args: argparse.Namespace) -> "StockModel":
        """Return the configuration and the tensors of a stock ESPnet model of the objective.

        Args:
            objective: The objective.
            model: The trained model.
            args: The options of its training.

        Raises:
            ValueError: If ESPnet has no model of the kind, which is the default.
        """
        raise ValueError(
            f"{objective.name} cannot be exported: ESPnet has no model of this kind ({self.title});"
            " use espnet_soups.Speech2Text."
        )

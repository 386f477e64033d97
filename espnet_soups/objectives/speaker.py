"""Speaker verification, whether two utterances have one speaker: embeddings, scored on trials."""

import argparse
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from espnet_soups.objectives.class_kind import ClassKind, present
from espnet_soups.objectives.class_list import check_classes
from espnet_soups.objectives.kind import Heads, Metric, Options, Parts
from espnet_soups.objectives.labels import NothingToLearnError
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.speaker_settings import SpeakerSettings, read_speaker_settings

if TYPE_CHECKING:
    from espnet_soups.objectives.decoding.decode_config import DecodeConfig
    from espnet_soups.objectives.decoding.result import Decoder
    from espnet_soups.objectives.heads.head import Head
    from espnet_soups.objectives.labels import LabelledObjective
    from espnet_soups.objectives.metrics.measured import Measured
    from espnet_soups.objectives.metrics.score_config import ScoreConfig
    from espnet_soups.objectives.metrics.trial_list import Trial

MOST_TRIALS = 100  # of one speaker, drawn for scores while training


class SpeakerVerification(ClassKind[SpeakerSettings]):
    """Speaker verification by embeddings: the objective `spk`, or `spk_<name>`.

    Training distinguishes the speakers of the training set, with an additive angular margin. Other
    sets mostly have other speakers: in validation, their labels count as missing. Test sets are
    scored on lists of trials. Utterances of all languages take part.
    """

    name: ClassVar[str] = "spk"
    title: ClassVar[str] = "Speaker verification"
    sign: ClassVar[str] = "SPK"
    hub_tag: ClassVar[str] = "speaker-verification"
    letters: ClassVar[Mapping[str, str]] = {"K": "spk*"}
    data_names: ClassVar[tuple[str, ...]] = ("spk", "spk_*")
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("eer", "EER", "%", digits=2),
        Metric("min_dcf_001", "minDCF(0.01)", "", digits=3),
        Metric("min_dcf_005", "minDCF(0.05)", "", digits=3, headline=False),
    )

    closed: ClassVar[bool] = False

    # --- names and settings --------------------------------------------------------------------

    def objective(self, name: str, settings: Options) -> Objective:
        """Return the objective, with its own data name, so that classifications may share its file.

        Raises:
            ValueError: If a setting is not valid.
        """
        own = read_speaker_settings(name, settings)
        return Objective(
            name, own.kind, label=name, label_file=own.label_file, score_file=own.trials
        )

    def read_settings(self, name: str, options: Options | None) -> SpeakerSettings:
        """Return the settings of an objective.

        Raises:
            ValueError: If a key or a value is not valid; the message names the objective.
        """
        return read_speaker_settings(name, options)

    def check_set(
        self,
        objective: Objective,
        labels: Mapping[str, str],
        trained: Mapping[str, str],
        where: str,
    ) -> None:
        """Require a speaker of the training set in a validation set.

        Raises:
            NothingToLearnError: If there is none.
        """
        found, known = (set(present(table).values()) for table in (labels, trained))
        _check_known(objective, found, known, where)

    def check_test_set(self, objective: Objective, folder: Path) -> list[str]:
        """Read the trials of a test set, and warn if there are none.

        Raises:
            OSError: If a file cannot be read.
            ValueError: If the trials are malformed.
        """
        from espnet_soups.objectives.metrics.measured import NothingToScoreError

        try:
            self._read_trials(objective, folder)
        except NothingToScoreError as error:
            return [f"{objective.name} will not be scored on {folder.name}: {error}"]
        return []

    # --- labels --------------------------------------------------------------------------------

    def check_labels(self, labels: "LabelledObjective") -> list[str]:
        """Refuse unknown speakers in training, and a validation set without a known one.

        Raises:
            NothingToLearnError: If there is no label, or none of a known speaker.
            ValueError: If the training set has speakers that the list lacks.
        """
        known = read_speaker_settings(labels.objective.name, labels.settings).counts
        found = present(labels.texts)
        if labels.training:
            check_classes(found, known, labels.where)
        _check_known(labels.objective, set(found.values()), set(known), labels.where)
        return []

    # --- the network ---------------------------------------------------------------------------

    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build a pooling, a linear layer and ESPnet's additive angular margin for each objective.

        Raises:
            ValueError: If a setting is not valid.
        """
        from espnet_soups.objectives.heads.speaker_head import SpeakerHead

        heads: dict[str, Head] = {}
        for objective in objectives:
            own = self.settings(objective, args)
            heads[objective.name] = SpeakerHead(
                input_size=parts.encoder_size,
                pooling=own.pooling,
                embedding_size=int(own.embedding_size),
                speakers=len(own.counts),
                margin=float(own.margin),
                scale=float(own.scale),
            )
        return Heads(heads)

    # --- decoding and scores -------------------------------------------------------------------

    def build_decoder(
        self,
        objective: Objective,
        head: "Head",
        args: argparse.Namespace,
        config: "DecodeConfig",
    ) -> "Decoder":
        """Return a decoder that computes embeddings."""
        from espnet_soups.objectives.decoding.speaker_decoder import SpeakerDecoder
        from espnet_soups.objectives.heads.speaker_head import SpeakerHead

        assert isinstance(head, SpeakerHead)  # as `build_heads` made it
        return SpeakerDecoder(head)

    def prepare_scoring(self, objective: Objective, source: Path, folder: Path) -> None:
        """Draw trials from the utterances of a part, of one language if these allow it.

        Raises:
            NothingToScoreError: If no speaker has two utterances, or there is one speaker alone.
            OSError: If a file is missing.
            ValueError: If a file is malformed.
        """
        from espnet_soups.data.trials import make_trials
        from espnet_soups.files import read_table, write_text
        from espnet_soups.objectives.metrics.measured import NothingToScoreError

        speakers = read_table(folder / objective.label_file)
        for languages in (read_table(folder / "utt2lang"), None):
            try:
                trials = make_trials(speakers, languages, MOST_TRIALS, seed=0)
            except ValueError as error:
                reason = error
            else:
                write_text(folder / objective.score_file, trials.lines())
                return
        raise NothingToScoreError(str(reason).rstrip("."))

    def measure(
        self, objective: Objective, reference_dir: Path, decode_dir: Path, config: "ScoreConfig"
    ) -> "Measured":
        """Score the trials of a set by the cosine of its embeddings.

        Raises:
            OSError: If a file is missing.
            ValueError: If the trials are malformed, or an utterance of theirs was not decoded; a
                `NothingToScoreError` if there are no trials.
        """
        from espnet_soups.data.ark import ArrayTable
        from espnet_soups.objectives.metrics.trials import measure_trials

        trials, speakers = self._read_trials(objective, reference_dir)
        embeddings = ArrayTable(decode_dir / objective.name / "array.scp")
        return measure_trials(objective.name, trials, speakers, embeddings)

    @staticmethod
    def _read_trials(objective: Objective, folder: Path) -> "tuple[list[Trial], dict[str, str]]":
        """Return the trials of a data dir, and the speaker of each utterance that has one."""
        from espnet_soups.files import read_table
        from espnet_soups.objectives.metrics.trial_list import read_trials

        table = read_table(folder / objective.label_file)
        speakers = present(table)
        return read_trials(folder / objective.score_file, speakers), speakers


def _check_known(objective: Objective, found: Set[str], known: Set[str], where: str) -> None:
    if found.isdisjoint(known):
        raise NothingToLearnError(
            f"{where}: none of its {len(found)} speakers is one of the {len(known)} of the training"
            f" set, so that {objective.name} has neither loss nor accuracy here."
        )

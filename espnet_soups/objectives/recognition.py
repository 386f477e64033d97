"""Recognition (ASR): the text of the speech, in the spoken language."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from espnet_soups.file_names import require_file_name
from espnet_soups.objectives.decoding.text_search import RecognitionSearch, SearchPlan
from espnet_soups.objectives.kind import Encoder, Metric, Options, Vocabulary
from espnet_soups.objectives.language_codes import writes_spaces
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.run_words import read_choice, read_names, read_words
from espnet_soups.objectives.text_kind import STAND_IN, TextKind

if TYPE_CHECKING:
    from espnet_soups.objectives.decoding.decode_config import DecodeConfig
    from espnet_soups.objectives.heads.head import Head
    from espnet_soups.objectives.metrics.measured import Measured
    from espnet_soups.objectives.metrics.score_config import ScoreConfig
    from espnet_soups.objectives.stock_model import StockModel

WINDOW_MARGIN = 100  # the default of espnet2.bin.asr_inference


class Recognition(TextKind):
    """Recognition of languages: `asr_<language>`, a CTC head for each (hybrid as a setting)."""

    name: ClassVar[str] = "asr"
    title: ClassVar[str] = "Recognition"
    sign: ClassVar[str] = "ASR"
    hub_tag: ClassVar[str] = "automatic-speech-recognition"
    letters: ClassVar[Mapping[str, str]] = {
        "A": "asr_*",
        "E": "asr_en asr_en[-_]*",  # whatever the region
        "C": "asr_zh asr_zh[-_]* asr_cmn asr_cmn[-_]*",
    }
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("wer", "WER", counts="Wrd"),
        Metric("cer", "CER", counts="Chr"),
        Metric("sentence_error", "S.Err", headline=False),
    )
    run_options: ClassVar[Mapping[str, tuple[str, str]]] = {
        "asr_langs": ("", "Languages to recognise, such as 'en fr'"),
        "asr_token_type": ("char", "Tokens of recognition: char or bpe"),
        "asr_char_langs": ("", "Languages in single characters although asr_token_type is bpe"),
        "asr_nbpe": ("500", "Sentencepiece units of each recognised language"),
        "bpemode": ("unigram", "Kind of sentencepiece model: unigram or bpe"),
    }
    decode_config: ClassVar[type[Any]] = RecognitionSearch
    ctc_share: ClassVar[float] = 1.0
    in_order: ClassVar[bool] = True
    owner: ClassVar[str] = "language"

    def objective(self, name: str, settings: Options) -> Objective:
        """Return the objective of recognising one language.

        Raises:
            ValueError: If the name is not `asr_<language>`, or the language cannot name a file.
        """
        prefix, _, language = name.partition("_")
        if prefix != self.name or not language:
            raise ValueError(f"A recognition objective is named asr_<language>, not {name!r}.")
        require_file_name("A language", language)
        return Objective(
            name,
            self.name,
            language,
            label="text",
            label_file="text",
            selects=True,
            transcribes=True,
        )

    def declared(self, options: Options) -> list[Objective]:
        """Return an objective for each language of `asr_token_list`."""
        languages = options.get("asr_token_list") or {}
        return [self.objective(f"{self.name}_{language}", {}) for language in languages]

    def written(self, objective: Objective) -> str:
        """Return the spoken language."""
        return objective.language

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add its options to `msp_train`, and those of a head for the texts of all kinds."""
        from espnet_soups.objectives import one_decoder

        super().add_options(parser)
        one_decoder.add_options(parser)

    def options_of_run(self, run: Mapping[str, str]) -> dict[str, Any]:
        """Return placeholders of token lists, and the type of tokens."""
        read_words("asr_char_langs", run)
        read_choice("bpemode", run, ("unigram", "bpe"))
        languages = read_names("asr_langs", run)
        return {
            "asr_token_list": {language: list(STAND_IN) for language in languages},
            "asr_token_type": read_choice("asr_token_type", run, ("char", "bpe")),
        }

    def experiment_tag(self, run: Mapping[str, str]) -> str:
        """Return the type of tokens, and their number."""
        tokens = run["asr_token_type"]
        return tokens if tokens == "char" else f"{tokens}{run['asr_nbpe']}"

    def statistics_tag(self, objectives: Sequence[Objective], run: Mapping[str, str]) -> str:
        """Return the tag of the experiment."""
        return self.experiment_tag(run)

    def encoders(
        self, objectives: Sequence[Objective], args: argparse.Namespace
    ) -> dict[tuple[str, str], Encoder]:
        """Return an encoder of texts to token ids for each language."""
        languages = [objective.language for objective in objectives]
        return {("text", language): self.text_encoder(language, args) for language in languages}

    def vocabularies(
        self, objectives: Sequence[Objective], run: Mapping[str, str]
    ) -> list[Vocabulary]:
        """Return the token list of each language."""
        from espnet_soups.objectives.token_lists import TokenList, token_mode

        lists = []
        for objective in objectives:
            language = objective.language
            lists.append(
                TokenList(
                    kind=self.name,
                    owner=language,
                    spoken=language,
                    label_file=objective.label_file,
                    folder=self.token_folder(language, run),
                    token_type=run["asr_token_type"],
                    bpemode=token_mode(self.name, language, run),
                    nbpe=int(run["asr_nbpe"]),
                ).vocabulary()
            )
        return lists

    def score_names(
        self, objective: Objective, options: Options, config: "ScoreConfig"
    ) -> list[str]:
        """Return the error rates; a language without spaces has none of words."""
        names = [metric.name for metric in self.metrics]
        return names if writes_spaces(objective.language) else [n for n in names if n != "wer"]

    def measure(
        self, objective: Objective, reference_dir: Path, decode_dir: Path, config: "ScoreConfig"
    ) -> "Measured":
        """Return word, character and sentence error rates of a decoded set."""
        from espnet_soups.objectives.metrics.text_errors import measure_errors
        from espnet_soups.objectives.metrics.text_pairs import read_pairs

        return measure_errors(read_pairs(reference_dir, decode_dir, objective))

    def plan_search(self, objective: Objective, head: "Head", config: "DecodeConfig") -> SearchPlan:
        """Return the plan of the search for `asr_method`.

        Raises:
            ValueError: If the head lacks CTC or the decoder that it needs.
        """
        from espnet_soups.objectives.heads.shared_head import has_ctc, inner_head

        search = config.of(self)
        if search.asr_method != "hybrid":
            if not has_ctc(head):
                raise ValueError(
                    f"`asr_method: {search.asr_method}` needs CTC, but the head of"
                    f" {objective.name} has none: use `hybrid` with `ctc_weight: 0`."
                )
            return SearchPlan(1.0, search.asr_method == "ctc_greedy", WINDOW_MARGIN)
        if inner_head(head).decoder is None:
            raise ValueError(
                f"`asr_method: hybrid` needs an attention decoder, but the head of"
                f" {objective.name} has CTC alone: use ctc_greedy or ctc_prefix."
            )
        if search.ctc_weight > 0.0 and not has_ctc(head):
            raise ValueError(
                f"`ctc_weight: {search.ctc_weight}` needs CTC, but the head of {objective.name} has"
                " none: set it to 0."
            )
        return SearchPlan(float(search.ctc_weight), window_margin=WINDOW_MARGIN)

    def export(self, objective: Objective, model: Any, args: argparse.Namespace) -> "StockModel":
        """Return ESPnet's ASR model of an objective.

        Raises:
            ValueError: If its head is a shared one with CTC alone.
        """
        from espnet2.tasks.asr import ASRTask

        from espnet_soups.objectives.heads.export_text import text_config, text_tensors
        from espnet_soups.objectives.stock_model import StockModel

        tensors = text_tensors(model, objective, "ctc")
        config = text_config(self, objective, model, args, ASRTask, "ctc_weight")
        return StockModel(ASRTask, config, tensors, ("bpemodel",))

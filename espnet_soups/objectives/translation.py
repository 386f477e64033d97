"""Speech translation (ST): text in another language than the spoken one."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from espnet_soups.data.data_dir import is_backup
from espnet_soups.file_names import require_file_name
from espnet_soups.objectives.decoding.text_search import SearchPlan, TranslationSearch
from espnet_soups.objectives.kind import Encoder, Metric, Options, Vocabulary
from espnet_soups.objectives.language_codes import codes_of, split_pair, split_pairs
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.run_words import read_choice, read_names, read_words
from espnet_soups.objectives.text_kind import STAND_IN, TextKind

if TYPE_CHECKING:
    from espnet_soups.objectives.decoding.decode_config import DecodeConfig
    from espnet_soups.objectives.heads.head import Head
    from espnet_soups.objectives.metrics.measured import Measured
    from espnet_soups.objectives.metrics.score_config import ScoreConfig
    from espnet_soups.objectives.stock_model import StockModel

NO_SOURCE = ("<blank>", "<unk>", "<sos/eos>")  # stock ST models need source tokens to be built


class Translation(TextKind):
    """Translation of pairs of languages: `st_<source>_<target>`, an attention decoder for each."""

    name: ClassVar[str] = "st"
    title: ClassVar[str] = "Translation"
    sign: ClassVar[str] = "ST"
    hub_tag: ClassVar[str] = "automatic-speech-translation"
    letters: ClassVar[Mapping[str, str]] = {"S": "st_*"}
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("bleu", "BLEU", "", lower_is_better=False),
        Metric("chrf", "chrF", "", lower_is_better=False),
        Metric("bleu_lc_rm", "BLEU lc.rm", "", lower_is_better=False, headline=False),
    )
    run_options: ClassVar[Mapping[str, tuple[str, str]]] = {
        "st_pairs": ("", "Pairs to translate, such as 'fr_en es_en'"),
        "st_token_type": ("bpe", "Tokens of translation: char or bpe"),
        "st_char_langs": (
            "",
            "Target languages in single characters although st_token_type is bpe",
        ),
        "st_nbpe": ("500", "Sentencepiece units of each target language"),
        "bpemode": ("unigram", "Kind of sentencepiece model: unigram or bpe"),
    }
    decode_config: ClassVar[type[Any]] = TranslationSearch
    ctc_share: ClassVar[float] = 0.0
    owner: ClassVar[str] = "target language"

    def objective(self, name: str, settings: Options) -> Objective:
        """Return the objective of translating one language into another.

        Raises:
            ValueError: If the name is not `st_<source>_<target>`, or a language cannot name a file.
        """
        return self.named(name, [])

    def named(self, name: str, others: Sequence[str]) -> Objective:
        """Return the objective of a name alone.

        Raises:
            ValueError: If the name is not `st_<source>_<target>`, can be read in several ways, or a
                language cannot name a file.
        """
        prefix = f"{self.name}_"
        if not name.startswith(prefix):
            raise ValueError(
                f"A translation objective is named st_<source>_<target>, not {name!r}."
            )
        known = {other.partition("_")[2] for other in others if not other.startswith(prefix)}
        known |= codes_of(o.removeprefix(prefix) for o in others if o.startswith(prefix))
        return self._of_pair(name, *split_pair(name.removeprefix(prefix), known))

    def declared(self, options: Options) -> list[Objective]:
        """Return an objective for each of `st_pairs`.

        Raises:
            ValueError: If a pair is malformed, or can be read in several ways.
        """
        pairs = [str(pair) for pair in options.get("st_pairs") or []]
        known = [
            *(options.get("asr_token_list") or {}),
            *(options.get("st_token_list") or {}),
            *(options.get("languages") or []),
        ]
        languages = split_pairs(pairs, known)
        names = [f"{self.name}_{pair}" for pair in pairs]
        return [self._of_pair(name, *own) for name, own in zip(names, languages, strict=True)]

    def _of_pair(self, name: str, source: str, target: str) -> Objective:
        for language in (source, target):
            require_file_name("A language", language)
        if is_backup(f"text.{target}"):
            raise ValueError(
                f"text.{target} is taken for a backup of another file, so that nothing can be"
                f" translated into {target!r}: name the language in another way."
            )
        return Objective(
            name,
            self.name,
            source,
            target,
            label=f"text_{target}",
            label_file=f"text.{target}",
            selects=True,
            transcribes=True,
        )

    def written(self, objective: Objective) -> str:
        """Return the target language."""
        return objective.target or objective.language

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add its options to `msp_train`."""
        super().add_options(parser)
        parser.add_argument(
            "--st_pairs", nargs="*", default=[], help="Pairs to translate: fr_en es_en ..."
        )

    def options_of_run(self, run: Mapping[str, str]) -> dict[str, Any]:
        """Return the pairs, placeholders of token lists, and the type of tokens."""
        read_words("st_char_langs", run)
        read_choice("bpemode", run, ("unigram", "bpe"))
        pairs = read_names(
            "st_pairs", run, r"[^_]+_.+", "pairs of source_target such as 'fr_en es_en'"
        )
        known = [*run["asr_langs"].split(), *run["languages"].split()]
        targets = sorted({target for _, target in split_pairs(pairs, known)})
        return {
            "st_pairs": pairs,
            "st_token_list": {target: list(STAND_IN) for target in targets},
            "st_token_type": read_choice("st_token_type", run, ("char", "bpe")),
        }

    def statistics_tag(self, objectives: Sequence[Objective], run: Mapping[str, str]) -> str:
        """Return the description of the tokens in the names of token-list folders."""
        return self.token_folder("", run).name.removeprefix(f"{self.name}_")

    def encoders(
        self, objectives: Sequence[Objective], args: argparse.Namespace
    ) -> dict[tuple[str, str], Encoder]:
        """Return an encoder of texts to token ids for each target, whatever the spoken language."""
        return {
            (f"text_{target}", ""): self.text_encoder(target, args) for target in args.st_token_list
        }

    def vocabularies(
        self, objectives: Sequence[Objective], run: Mapping[str, str]
    ) -> list[Vocabulary]:
        """Return the token list of each target language."""
        from espnet_soups.objectives.token_lists import TokenList, token_mode

        return [
            TokenList(
                kind=self.name,
                owner=target,
                spoken=None,
                label_file=f"text.{target}",
                folder=self.token_folder(target, run),
                token_type=run["st_token_type"],
                bpemode=token_mode(self.name, target, run),
                nbpe=int(run["st_nbpe"]),
            ).vocabulary()
            for target in sorted({self.written(objective) for objective in objectives})
        ]

    def score_names(
        self, objective: Objective, options: Options, config: "ScoreConfig"
    ) -> list[str]:
        """Return BLEU and chrF, and BLEU in lower case without punctuation if it is asked for."""
        return ["bleu", "chrf", *(["bleu_lc_rm"] if config.bleu_lc_rm else [])]

    def measure(
        self, objective: Objective, reference_dir: Path, decode_dir: Path, config: "ScoreConfig"
    ) -> "Measured":
        """Return BLEU and chrF of a decoded set.

        Raises:
            ValueError: If the tokenizer of BLEU is unknown or not installed.
        """
        from espnet_soups.objectives.metrics.text_pairs import read_pairs
        from espnet_soups.objectives.metrics.translation_scores import measure_translation

        return measure_translation(read_pairs(reference_dir, decode_dir, objective), config)

    def check_scoring(self, objective: Objective, config: "ScoreConfig") -> None:
        """Refuse a tokenizer of BLEU that is unknown or not installed.

        Raises:
            ValueError: If it is.
        """
        from espnet_soups.objectives.metrics.bleu_chrf import check_tokenizer, tokenizer_for

        try:
            check_tokenizer(config.bleu_tokenizer or tokenizer_for(self.written(objective)))
        except ValueError as error:
            raise ValueError(f"{objective.name} cannot be scored (stage 12): {error}") from error

    def plan_search(self, objective: Objective, head: "Head", config: "DecodeConfig") -> SearchPlan:
        """Return the beam search over the decoder, with `st_ctc_weight` of CTC, or CTC alone.

        Raises:
            ValueError: If the head lacks the CTC that it needs.
        """
        from espnet_soups.objectives.heads.shared_head import HeadView, has_ctc, inner_head

        alone = inner_head(head).decoder is None
        weight = 1.0 if alone else float(config.of(self).st_ctc_weight)
        if weight > 0.0 and not has_ctc(head):
            kept_out = isinstance(head, HeadView) and not head.with_ctc
            option = "--text_ctc all" if kept_out else "--st_ctc_weight"
            raise ValueError(
                f"`st_ctc_weight: {weight}` needs ST-CTC, but the head of {objective.name} has"
                f" none: set it to 0, or train with `{option}`."
            )
        return SearchPlan(weight)

    def export(self, objective: Objective, model: Any, args: argparse.Namespace) -> "StockModel":
        """Return ESPnet's ST model of an objective.

        Raises:
            ValueError: If its head has CTC alone.
        """
        from espnet2.tasks.st import STTask

        from espnet_soups.objectives.heads.export_text import text_config, text_tensors
        from espnet_soups.objectives.heads.shared_head import inner_head
        from espnet_soups.objectives.stock_model import StockModel

        tensors = text_tensors(model, objective, "st_ctc")
        if inner_head(model.heads[objective.name]).decoder is None:
            raise ValueError(
                f"{objective.name} has CTC alone, but ESPnet's ST models need an attention"
                " decoder: train with `--st_ctc_weight` below 1 to export."
            )
        config = text_config(self, objective, model, args, STTask, "st_mtlalpha")
        config |= {
            "src_token_list": list(args.asr_token_list.get(objective.language, NO_SOURCE)),
            "src_token_type": args.asr_token_type,
            "src_bpemodel": args.asr_bpemodel.get(objective.language),
        }
        return StockModel(STTask, config, tensors, ("bpemodel", "src_bpemodel"))

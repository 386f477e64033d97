"""Base of recognition and translation: texts as labels, heads with CTC and attention."""

import argparse
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from espnet_soups.data.token_list import check_tokens, read_token_list
from espnet_soups.objectives.kind import Encoder, Finder, Heads, Kind, Options, Parts
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.one_decoder import (
    DEFAULTS,
    HOW,
    NAME,
    check_options,
    is_used,
    learns_by_ctc,
)
from espnet_soups.objectives.run_words import option_of
from espnet_soups.objectives.text_prefix import language_token, task_token

if TYPE_CHECKING:
    from espnet_soups.objectives.decoding.decode_config import DecodeConfig
    from espnet_soups.objectives.decoding.result import Decoder
    from espnet_soups.objectives.decoding.text_search import SearchPlan
    from espnet_soups.objectives.heads.head import Head
    from espnet_soups.objectives.labels import LabelledObjective

# Placeholder for token lists that stage 5 has yet to make.
STAND_IN = ("<blank>", "<unk>", "a", "<sos/eos>")
ROUNDING = 2  # frames that an estimate may lack
TOLD = 0.01  # share of left-out labels above which there is a warning


class TextKind(Kind):
    """Kind whose labels are texts; its options begin with its name, as ESPnet's do.

    Only built-in kinds can derive from it, since only they can have options.

    Attributes:
        ctc_share: Default of `<name>_ctc_weight`.
        owner: Description of the owner of a token list, in the help.
        in_order: Whether its texts follow the order of the speech, as transcripts do; CTC of a head
            for all texts learns from these (`text_ctc: transcripts`).
    """

    ctc_share: ClassVar[float]
    owner: ClassVar[str]
    in_order: ClassVar[bool] = False
    data_names: ClassVar[tuple[str, ...]] = ("text", "text_*")
    left_out: ClassVar[str] = "Labels longer than their frames took no part"

    # --- options -------------------------------------------------------------------------------

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add its options to `msp_train`."""
        from espnet2.utils.nested_dict_action import NestedDictAction
        from espnet2.utils.types import str_or_none

        def add(name: str, **settings: Any) -> None:
            parser.add_argument(f"--{self.name}_{name}", **settings)

        add(
            "token_list",
            action=NestedDictAction,
            default={},
            help=f"Token list of each {self.owner}: fr=path, or a list in the YAML",
        )
        add(
            "bpemodel",
            action=NestedDictAction,
            default={},
            help=f"Sentencepiece model of each {self.owner}: fr=path",
        )
        add("token_type", default="char", choices=["char", "bpe"])
        defaults = self.head_options()
        add(
            "heads",
            default=defaults["heads"],
            help="separate (one head per objective) or shared (one for all, language tokens)",
        )
        share = defaults["ctc_weight"]
        add("ctc_weight", type=float, default=share, help="Share of CTC, 0 to 1")
        decoder = defaults["decoder"]
        add("decoder", type=str_or_none, default=decoder, help="ESPnet's attention decoder")
        add("decoder_conf", action=NestedDictAction, default=defaults["decoder_conf"])

    def head_options(self) -> dict[str, Any]:
        """Return the options of its heads with defaults; a head for all texts has other options."""
        return {
            "heads": "separate",
            "ctc_weight": self.ctc_share,
            "decoder": "transformer",
            "decoder_conf": {},
        }

    def check(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Refuse options of heads that have no effect.

        Raises:
            ValueError: If there is one.
        """
        check_options(self, objectives, vars(args))

    def option(self, options: Options, name: str) -> Any:
        """Return the value of one of the options of this kind.

        Args:
            options: The options of `msp_train`.
            name: Name of the option, without the name of the kind.
        """
        return options[f"{self.name}_{name}"]

    @abstractmethod
    def written(self, objective: Objective) -> str:
        """Return the language in which the labels of an objective are written.

        Args:
            objective: The objective.
        """

    def prefix(self, objective: Objective) -> tuple[str, ...]:
        """Return the tokens that make a head for all texts write those of an objective.

        Args:
            objective: The objective.
        """
        spoken = (language_token(objective.language),) if objective.language else ()
        return (*spoken, task_token(self.name, objective.target))

    def token_folder(self, language: str, run: Mapping[str, str]) -> Path:
        """Return the folder of the token list of a language.

        Args:
            language: Code of the language.
            run: The options of `run.sh`.
        """
        from espnet_soups.objectives.token_lists import token_folder

        return token_folder(self.name, language, run)

    # --- a run ---------------------------------------------------------------------------------

    def stand_in(self, objectives: Sequence[Objective], args: argparse.Namespace) -> None:
        """Set a short token list in place of each that stage 5 has yet to make."""
        lists = {self.written(objective): list(STAND_IN) for objective in objectives}
        setattr(args, f"{self.name}_token_list", lists)

    def ctc_cutter(
        self, objective: Objective, run: Mapping[str, str], options: Options, token_type: str
    ) -> Callable[[str], Sequence[str]] | None:
        """Return a function that splits texts into characters, or into the pieces of stage 5."""
        from espnet_soups.data.token_list import token_cutter

        words = run["train_args"].split()
        if run[f"{self.name}_token_type"] != token_type or not self._uses_ctc(options, words):
            return None
        return token_cutter(token_type, self.token_folder(self.written(objective), run))

    def longer_tokens(self, token_type: str) -> str:
        """Return the option for the type of tokens, or for their number."""
        return (
            f"`--{self.name}_token_type bpe`" if token_type == "char" else f"`--{self.name}_nbpe`"
        )

    def _uses_ctc(self, options: Options, words: Sequence[str]) -> bool:
        """Return True if CTC learns its texts, given the configuration and further words."""

        def value(name: str, default: Any) -> Any:
            return option_of(f"--{name}", words) or options.get(name, default)

        if is_used({f"{NAME}_heads": value(f"{NAME}_heads", HOW[0])}):
            learns = learns_by_ctc(self, {f"{NAME}_ctc": value(f"{NAME}_ctc", DEFAULTS["ctc"])})
            return learns and float(value(f"{NAME}_ctc_weight", DEFAULTS["ctc_weight"])) > 0
        return float(value(f"{self.name}_ctc_weight", self.ctc_share)) > 0

    # --- labels --------------------------------------------------------------------------------

    def inline(self, args: argparse.Namespace) -> None:
        """Replace the paths of token lists by the lists.

        Raises:
            OSError: If there is no such file.
            ValueError: If one is no token list; the message names the file.
        """
        lists = self.option(vars(args), "token_list")
        for language, value in lists.items():
            if isinstance(value, str):
                lists[language] = read_token_list(Path(value))

    def text_encoder(self, language: str, args: argparse.Namespace) -> "Encoder":
        """Return an encoder of the texts of a language to token ids.

        Args:
            language: Code of the language.
            args: The options of `msp_train`.
        """
        from espnet_soups.objectives.text_encoder import TextEncoder

        options = vars(args)
        return TextEncoder(
            self.option(options, "token_list")[language],
            self.option(options, "token_type"),
            self.option(options, "bpemodel").get(language),
        )

    def check_labels(self, labels: "LabelledObjective") -> list[str]:
        """Check for unknown characters and, with CTC, for labels longer than their frames.

        Raises:
            ValueError: If most characters are unknown, or no label fits into its frames.
        """
        from espnet_soups.data.unknown_tokens import count_unknown, judge_unknown
        from espnet_soups.objectives.heads.shared_head import has_ctc
        from espnet_soups.objectives.label_lengths import frames_needed

        encoder: Any = labels.encoder
        known = set(encoder.converter.token2id)
        count = count_unknown(labels.texts, encoder.tokenizer.text2tokens, known)
        found = [judge_unknown(count, labels.where, "the token list")]
        if has_ctc(labels.head):
            needed = [frames_needed(encoder(text).tolist()) for text in labels.texts.values()]
            frames = labels.encoded_frames()
            too_long = sum(
                need > have + ROUNDING for need, have in zip(needed, frames.tolist(), strict=True)
            )
            found.append(_judge_length(too_long, len(needed), labels.where))
        return [warning for warning in found if warning is not None]

    # --- the network ---------------------------------------------------------------------------

    def build_heads(
        self, objectives: Sequence[Objective], args: argparse.Namespace, parts: Parts
    ) -> Heads:
        """Build a head per objective, or a shared one for the kind or for all texts, with views.

        Raises:
            ValueError: If an option is not valid.
        """
        from espnet_soups.objectives.heads.build_one_head import build_one_head, view_of
        from espnet_soups.objectives.heads.build_text_heads import build_text_heads

        if is_used(vars(args)):
            shared = parts.shared.get(NAME) or build_one_head(args, parts.encoder_size)
            views = {one.name: view_of(shared, self, one, args) for one in objectives}
            return Heads(views, {NAME: shared})
        lists = {objective.name: self.token_list(args, objective) for objective in objectives}
        return build_text_heads(self.name, vars(args), objectives, lists, parts.encoder_size)

    def token_list(self, args: argparse.Namespace, objective: Objective) -> list[str]:
        """Return the token list of the labels of an objective.

        Args:
            args: The options of `msp_train`.
            objective: The objective.

        Raises:
            ValueError: If there is none for its language, or it lacks a required token.
        """
        lists: Mapping[str, list[str]] = self.option(vars(args), "token_list")
        language = self.written(objective)
        if language not in lists:
            raise ValueError(
                f"`{self.name}_token_list` has no list for {language}, which {objective.name}"
                f" needs; it has {sorted(lists)}."
            )
        check_tokens(lists[language], f"`{self.name}_token_list: {language}`")
        return list(lists[language])

    # --- decoding ---------------------------------------------------------------------------------

    @abstractmethod
    def plan_search(
        self, objective: Objective, head: "Head", config: "DecodeConfig"
    ) -> "SearchPlan":
        """Return the plan of the search for the texts of an objective.

        Args:
            objective: The objective.
            head: Its head.
            config: Settings of decoding.

        Raises:
            ValueError: If the head lacks a part that the configuration needs.
        """

    def locate(self, args: argparse.Namespace, find: Finder) -> None:
        """Replace sentencepiece models by the paths of those that fit their token lists."""
        from espnet_soups.data.token_list import has_pieces

        options = vars(args)
        lists: Mapping[str, list[str]] = self.option(options, "token_list")
        found = {
            language: find(file, partial(has_pieces, tokens=lists.get(language, ())))
            for language, file in self.option(options, "bpemodel").items()
        }
        setattr(args, f"{self.name}_bpemodel", found)

    def check_decoding(self, objective: Objective, head: "Head", config: "DecodeConfig") -> None:
        """Refuse a search for which the head lacks CTC or a decoder.

        Raises:
            ValueError: If it has not.
        """
        self.plan_search(objective, head, config)

    def build_decoder(
        self,
        objective: Objective,
        head: "Head",
        args: argparse.Namespace,
        config: "DecodeConfig",
    ) -> "Decoder":
        """Return a decoder that searches the texts of an objective.

        Raises:
            ValueError: If its head lacks what the configuration asks for.
        """
        from espnet_soups.objectives.decoding.text_decoder import TextDecoder

        return TextDecoder(
            head,  # type: ignore[arg-type]
            self.token_list(args, objective),
            self.option(vars(args), "token_type"),
            self.option(vars(args), "bpemodel").get(self.written(objective)),
            self.plan_search(objective, head, config),
            config.of(self),
            config.nbest,
        )


def _judge_length(too_long: int, labels: int, name: str) -> str | None:
    from espnet_soups.objectives.labels import NothingToLearnError

    finding = f"{too_long:,} of {labels:,} labels of {name} have more tokens than frames"
    remedy = "frames of fewer milliseconds (`--stack` of run.sh, the encoder's `input_layer`) or"
    remedy += " longer tokens (bpe)"
    if too_long == labels:
        raise NothingToLearnError(f"All {finding}, so that CTC leaves out every one: use {remedy}.")
    if too_long > TOLD * labels:
        return f"{finding} ({too_long / labels:.0%}), and CTC leaves them out: use {remedy}."
    return None

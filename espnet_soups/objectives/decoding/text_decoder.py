"""One objective's way from encoded speech to text."""

from collections.abc import Callable

from espnet2.text.build_tokenizer import build_tokenizer
from torch import Tensor

from espnet_soups.inference.result import Hypothesis
from espnet_soups.objectives.decoding.beam_decoder import BeamDecoder
from espnet_soups.objectives.decoding.ctc_greedy import GreedyDecoder, Scored
from espnet_soups.objectives.decoding.decode_config import DecodeConfig
from espnet_soups.objectives.decoding.head_scorers import ctc_of, decoder_of
from espnet_soups.objectives.heads.shared_head import HeadView
from espnet_soups.objectives.heads.text_head import SOS_EOS, Head
from espnet_soups.objectives.objective import Objective

ASR_WINDOW_MARGIN = 100  # what espnet2.bin.asr_inference has by default


class ObjectiveDecoder:
    """Decodes one objective.

    Args:
        objective: The objective.
        head: Its head.
        token_list: Its own tokens.
        token_type: `char` or `bpe`.
        bpemodel: Sentencepiece model, for `bpe`.
        config: How to decode.

    Raises:
        ValueError: If its head lacks what the method needs.
    """

    def __init__(
        self,
        objective: Objective,
        head: Head | HeadView,
        token_list: list[str],
        token_type: str,
        bpemodel: str | None,
        config: DecodeConfig,
    ) -> None:
        self.token_list = token_list
        self.tokenizer = build_tokenizer(token_type=token_type, bpemodel=bpemodel)
        self.decode: Callable[[Tensor, Tensor], list[list[Scored]]]
        self.decode = build_decoder(objective, head, token_list, config)

    def __call__(self, encoded: Tensor, lengths: Tensor) -> list[tuple[Hypothesis, ...]]:
        """Gives the n best hypotheses of each utterance, best first."""
        return [
            tuple(self._hypothesis(token_int, score) for token_int, score in found)
            for found in self.decode(encoded, lengths)
        ]

    def _hypothesis(self, token_int: list[int], score: float) -> Hypothesis:
        tokens = [self.token_list[index] for index in token_int]
        text = self.tokenizer.tokens2text(tokens)
        return Hypothesis(text, tuple(tokens), tuple(token_int), score)


def build_decoder(
    objective: Objective, head: Head | HeadView, token_list: list[str], config: DecodeConfig
) -> GreedyDecoder | BeamDecoder:
    """Builds the search of an objective.

    Raises:
        ValueError: If its head lacks what the method needs.
    """
    ctc, decoder = ctc_of(head), decoder_of(head)
    if objective.task == "st":
        weight = 1.0 if decoder is None else float(config.st_ctc_weight)
        if weight > 0.0 and ctc is None:
            raise ValueError(
                f"`st_ctc_weight: {weight}` needs ST-CTC, but the head of {objective.name} has"
                " none: set it to 0, or train with `--st_ctc_weight`."
            )
        return BeamDecoder(ctc, decoder, weight, token_list, config)
    if config.asr_method == "hybrid":
        if decoder is None:
            raise ValueError(
                f"`asr_method: hybrid` needs an attention decoder, but the head of"
                f" {objective.name} has CTC alone: use ctc_greedy or ctc_prefix."
            )
        if config.ctc_weight > 0.0 and ctc is None:
            raise ValueError(
                f"`ctc_weight: {config.ctc_weight}` needs CTC, but the head of {objective.name} has"
                " none: set it to 0."
            )
        weight = float(config.ctc_weight)
        return BeamDecoder(ctc, decoder, weight, token_list, config, ASR_WINDOW_MARGIN)
    if ctc is None:
        raise ValueError(
            f"`asr_method: {config.asr_method}` needs CTC, but the head of {objective.name} has"
            " none: use `hybrid` with `ctc_weight: 0`."
        )
    if config.asr_method == "ctc_greedy":
        return GreedyDecoder(ctc, token_list.index(SOS_EOS))
    return BeamDecoder(ctc, None, 1.0, token_list, config, ASR_WINDOW_MARGIN)

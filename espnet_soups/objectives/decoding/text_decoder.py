"""Decoding of encoded speech to the text of one objective."""

from collections.abc import Callable

from espnet2.text.build_tokenizer import build_tokenizer
from torch import Tensor

from espnet_soups.objectives.decoding.beam_decoder import BeamDecoder
from espnet_soups.objectives.decoding.ctc_greedy import GreedyDecoder, Scored
from espnet_soups.objectives.decoding.head_scorers import ctc_of, decoder_of
from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.decoding.text_search import SearchPlan, TextSearch
from espnet_soups.objectives.heads.shared_head import HeadView
from espnet_soups.objectives.heads.text_head import SOS_EOS, TextHead


class TextDecoder:
    """Decoder of the texts of one objective.

    Args:
        head: Its head, with the parts that the plan needs.
        token_list: Its own tokens.
        token_type: `char` or `bpe`.
        bpemodel: Sentencepiece model, for `bpe`.
        plan: The plan of the search.
        search: Beam size, penalty and lengths.
        nbest: Number of hypotheses per utterance.

    Attributes:
        ctc: CTC of the objective over its own tokens; None: it has none.
    """

    def __init__(
        self,
        head: TextHead | HeadView,
        token_list: list[str],
        token_type: str,
        bpemodel: str | None,
        plan: SearchPlan,
        search: TextSearch,
        nbest: int,
    ) -> None:
        self.token_list = token_list
        self.tokenizer = build_tokenizer(token_type=token_type, bpemodel=bpemodel)
        self.decode: Callable[[Tensor, Tensor], list[list[Scored]]]
        self.ctc, decoder = ctc_of(head), decoder_of(head)
        if plan.greedy and self.ctc is not None:
            self.decode = GreedyDecoder(self.ctc, token_list.index(SOS_EOS))
        else:
            self.decode = BeamDecoder(self.ctc, decoder, plan, token_list, search, nbest)

    def __call__(self, encoded: Tensor, lengths: Tensor) -> list[tuple[Hypothesis, ...]]:
        """Return the n best hypotheses of each utterance, best first.

        Args:
            encoded: Encoder output, [B, T, D].
            lengths: Frames of each utterance, [B].
        """
        return [
            tuple(self._hypothesis(token_int, score) for token_int, score in found)
            for found in self.decode(encoded, lengths)
        ]

    def _hypothesis(self, token_int: list[int], score: float) -> Hypothesis:
        tokens = [self.token_list[index] for index in token_int]
        text = self.tokenizer.tokens2text(tokens)
        return Hypothesis(text, tuple(tokens), tuple(token_int), score)

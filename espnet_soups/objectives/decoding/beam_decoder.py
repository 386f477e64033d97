"""ESPnet's beam search over one head, for a batch of utterances if its decoder can do that."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from espnet2.legacy.nets.beam_search import BeamSearch, Hypothesis
from espnet2.legacy.nets.scorer_interface import ScorerInterface
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus
from torch import Tensor

from espnet_soups.objectives.decoding.bounded_search import BoundedBeamSearch
from espnet_soups.objectives.decoding.ctc_greedy import Scored
from espnet_soups.objectives.decoding.head_scorers import FrameClassifier, batches
from espnet_soups.objectives.decoding.prefix_scorer import PrefixScorer
from espnet_soups.objectives.decoding.search_parts import part_sizes
from espnet_soups.objectives.decoding.text_search import SearchPlan, TextSearch
from espnet_soups.objectives.heads.text_head import SOS_EOS

BLANK = 0
MOST_NUMBERS = 2**26  # that a search holds for its hypotheses: 256 MiB
# What an operation costs whatever it computes, in utterances; small models on a CPU.
START_OF_STEP, START_OF_FRAME = 40.0, 12.0
START_ON_GPU = 1000.0  # not measured


class BeamDecoder:
    """Beam search for the best token sequences with ESPnet's scorers.

    Args:
        ctc: CTC of the objective; used only if its share is above 0.
        decoder: Attention decoder of the objective; used only if the share of CTC is below 1.
        plan: Share and window of CTC.
        token_list: The objective's own tokens.
        config: Beam size, penalty and lengths.
        nbest: Largest number of hypotheses per utterance.
    """

    def __init__(
        self,
        ctc: FrameClassifier | None,
        decoder: ScorerInterface | None,
        plan: SearchPlan,
        token_list: Sequence[str],
        config: TextSearch,
        nbest: int = 1,
    ) -> None:
        ctc_weight = plan.ctc_weight
        end = list(token_list).index(SOS_EOS)
        scorers: dict[str, ScorerInterface | None] = {
            "decoder": decoder if ctc_weight < 1.0 else None,
            "ctc": PrefixScorer(ctc, end, plan.window_margin) if ctc_weight > 0.0 else None,
            "length_bonus": LengthBonus(len(token_list)),
        }
        # The first step has one candidate per token, without blank: in a beam wide enough to hold
        # it, ESPnet's prefix scorer takes its "log zero" back with the next token.
        beam_size = min(config.beam_size, len(token_list) - 1)
        if beam_size < config.beam_size:
            logging.info(
                f"`beam_size` {config.beam_size} is cut to the {beam_size} tokens there are"
            )
        together, self.masks = batches(scorers["decoder"])
        options: dict[str, Any] = {
            "scorers": scorers,
            "weights": {
                "decoder": 1.0 - ctc_weight,
                "ctc": ctc_weight,
                "length_bonus": config.penalty,
            },
            "beam_size": beam_size,
            "vocab_size": len(token_list),
            "sos": end,
            "eos": end,
            "pre_beam_score_key": None if ctc_weight == 1.0 else "full",
        }
        found = BoundedBeamSearch(nbest, **options) if together else BeamSearch(**options)
        self.search: BeamSearch = found.eval()
        self.config, self.nbest, self.window_margin = config, nbest, plan.window_margin

    def __call__(self, encoded: Tensor, lengths: Tensor) -> list[list[Scored]]:
        """Decode utterances.

        Args:
            encoded: Encoder output, [B, T, D].
            lengths: Frames of each utterance, [B].

        Returns:
            For each utterance its n best (token ids, score), best first, at least one.
        """
        ratios = {
            "maxlenratio": float(self.config.maxlenratio),
            "minlenratio": float(self.config.minlenratio),
        }
        if self.masks:
            nbest = self._search_parts(encoded, lengths, ratios)
        else:
            nbest = [
                self.search(x=row[:length], **ratios)
                for row, length in zip(encoded, lengths.tolist(), strict=True)
            ]
        return [
            [self._score(found.yseq, found.score) for found in hypotheses[: self.nbest]]
            or [([], -torch.inf)]
            for hypotheses in nbest
        ]

    def _search_parts(
        self, encoded: Tensor, lengths: Tensor, ratios: dict[str, float]
    ) -> list[list[Hypothesis]]:
        """Return the hypotheses of each utterance; some are searched together."""
        order = lengths.argsort(descending=True, stable=True)
        found: list[list[Hypothesis]] = []
        for rows in order.split(self._sizes(lengths[order].tolist(), encoded)):
            own = lengths[rows]
            found += self.search(x=encoded[rows, : int(own[0])], x_lengths=own, **ratios)
        return [found[place] for place in order.argsort().tolist()]

    def _sizes(self, lengths: Sequence[int], encoded: Tensor) -> list[int]:
        """Return how many utterances are searched together, for lengths from the largest on."""
        search, scored = self.search, 0
        works = alone = [float(frames) for frames in lengths]
        start = START_OF_STEP
        if "ctc" in search.scorers:  # it walks through the frames in each step
            scored = search.pre_beam_size if search.do_pre_beam else search.n_vocab
            # a window reaches from the slowest prefix to the fastest one
            window = 2 * self.window_margin or max(lengths)
            alone = [own * min(own, window) for own in works]
            works, start = [own * own for own in works], START_OF_FRAME
        width = max(encoded.size(2), 4 * scored)  # of a token two numbers, before and after a step
        most = [max(1, MOST_NUMBERS // (own * search.beam_size * width)) for own in lengths]
        return part_sizes(works, alone, START_ON_GPU if encoded.is_cuda else start, most)

    def _score(self, sequence: Tensor, score: Tensor | float) -> Scored:
        special = {BLANK, self.search.eos}  # a search cut off by its length may end twice
        return [token for token in sequence[1:].tolist() if token not in special], float(score)

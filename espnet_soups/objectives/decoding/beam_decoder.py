"""ESPnet's beam search over one head, for a batch of utterances if its decoder can do that."""

import logging
from collections.abc import Sequence

import torch
from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
from espnet2.legacy.nets.beam_search import BeamSearch
from espnet2.legacy.nets.scorer_interface import ScorerInterface
from espnet2.legacy.nets.scorers.ctc import CTCPrefixScorer
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus
from torch import Tensor

from espnet_soups.objectives.decoding.ctc_greedy import Scored
from espnet_soups.objectives.decoding.head_scorers import FrameClassifier, batches
from espnet_soups.objectives.decoding.text_search import SearchPlan, TextSearch
from espnet_soups.objectives.heads.text_head import SOS_EOS

BLANK = 0


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
            "ctc": CTCPrefixScorer(ctc, end, plan.window_margin) if ctc_weight > 0.0 else None,
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
        self.search: BeamSearch = (BatchBeamSearch if together else BeamSearch)(
            scorers=scorers,
            weights={
                "decoder": 1.0 - ctc_weight,
                "ctc": ctc_weight,
                "length_bonus": config.penalty,
            },
            beam_size=beam_size,
            vocab_size=len(token_list),
            sos=end,
            eos=end,
            token_list=list(token_list),
            pre_beam_score_key=None if ctc_weight == 1.0 else "full",
        ).eval()
        self.config, self.nbest = config, nbest

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
            nbest = self.search(x=encoded, x_lengths=lengths, **ratios)
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

    def _score(self, sequence: Tensor, score: Tensor | float) -> Scored:
        special = {BLANK, self.search.eos}  # a search cut off by its length may end twice
        return [token for token in sequence[1:].tolist() if token not in special], float(score)

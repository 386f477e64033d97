"""ESPnet's beam search, ended as soon as the best hypotheses of an utterance are certain."""

import heapq
from typing import Any

import torch
from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch, BatchHypothesis
from espnet2.legacy.nets.beam_search import Hypothesis
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus
from torch import Tensor

ROUNDING = 1e-3  # no sum of scores is wrong by more
MOST_KEPT = 0.8  # share of utterances that go on, below which the others leave the batch


class BoundedBeamSearch(BatchBeamSearch):
    """Beam search that does not grow hypotheses which can no longer become one of the n best.

    Every scorer is a log probability, of the next token or of a prefix, so no score rises with
    another token, but for the length bonus. So an utterance is done when its n best ended
    hypotheses have reached what the best running one can still reach. ESPnet goes on until the
    largest length, or ends by a rule of thumb (`end_detect`). The n best are the same.

    Utterances that are done leave the batch, if all scorers have a method `keep`.

    Args:
        nbest: Number of hypotheses that are wanted.
        **options: Those of ESPnet's beam search.
    """

    def __init__(self, nbest: int, **options: Any) -> None:
        super().__init__(**options)
        self.wanted = nbest
        self.bonus = max(0.0, options["weights"].get("length_bonus", 0.0))
        with_memory = [one for one in self.scorers.values() if not isinstance(one, LengthBonus)]
        self.can_leave = all(hasattr(one, "keep") for one in with_memory)
        self.running: list[int] = []  # utterances of the batch, by their places in it at first

    def init_hyp(self, x: Tensor, x_lengths: Tensor | None = None) -> BatchHypothesis:
        """Return the hypotheses that a search begins with.

        Args:
            x: Encoded speech of one utterance [T, D], or of several [B, T, D].
            x_lengths: Frames of each utterance, [B].
        """
        self.running = list(range(1 if x.dim() == 2 else len(x)))
        return super().init_hyp(x, x_lengths)

    def search(
        self,
        running_hyps: BatchHypothesis,
        x: Tensor,
        pre_x: Tensor | None = None,
        xs_mask: Tensor | None = None,
        pre_xs_mask: Tensor | None = None,
    ) -> BatchHypothesis:
        """Grow every hypothesis by one token.

        Args:
            running_hyps: The hypotheses.
            x: Encoded speech of each at first, [N, T, D]; of one utterance, [T, D].
            pre_x: It is passed on.
            xs_mask: False in padding, [N, 1, T]; None if there is none.
            pre_xs_mask: It is passed on.
        """
        if x.dim() == 3 and len(running_hyps) < len(x):
            x = x[: len(running_hyps)]  # scorers that `keep` utterances do not read it
            if xs_mask is not None:
                xs_mask = xs_mask[self._rows(self.running).to(xs_mask.device)]
        return super().search(running_hyps, x, pre_x, xs_mask, pre_xs_mask)

    def post_process(
        self,
        i: int,
        maxlen: int | list[int],
        minlen: int | list[int],
        maxlenratio: float,
        running_hyps: BatchHypothesis,
        ended_hyps: list[Any],
    ) -> BatchHypothesis:
        """Sort out the hypotheses that have ended, and the utterances that are done.

        Args:
            i: Number of the step, from 0.
            maxlen: Largest number of tokens, of each utterance if there are several.
            minlen: Smallest number of tokens, likewise.
            maxlenratio: Largest number of tokens per frame.
            running_hyps: The hypotheses after the step.
            ended_hyps: Those that have ended, a list for each utterance if there are several; it
                grows.

        Returns:
            The hypotheses that go on.
        """
        if isinstance(maxlen, int) or isinstance(minlen, int):
            longest = [maxlen if isinstance(maxlen, int) else maxlen[0]]
            ended = [ended_hyps]
            running = super().post_process(i, maxlen, minlen, maxlenratio, running_hyps, ended_hyps)
        else:
            longest, least = ([limits[b] for b in self.running] for limits in (maxlen, minlen))
            ended = [ended_hyps[b] for b in self.running]
            running = super().post_process(i, longest, least, maxlenratio, running_hyps, ended)
        if len(running) == 0:
            return running  # type: ignore[no-any-return]
        active = running.active_mask().to(running.score.device)
        scores = running.score.masked_fill(~active, -torch.inf).view(running.n_utt, -1)
        done = torch.tensor(
            [
                finished or self._is_certain(found, best + self.bonus * (most - 1 - i))
                for finished, found, best, most in zip(
                    running.done_mask().tolist(),
                    ended,
                    scores.amax(dim=1).tolist(),
                    longest,
                    strict=True,
                )
            ]
        )
        still = running.active_mask() & ~done.repeat_interleave(scores.size(1))
        return self._without_done(running.replace(done=done, active=still))

    def _is_certain(self, ended: list[Hypothesis], bound: float) -> bool:
        """Return True if no running hypothesis can come among the n best."""
        if len(ended) < self.wanted:
            return False
        best = heapq.nlargest(self.wanted, (float(found.score) for found in ended))
        return best[-1] >= bound + ROUNDING

    def _without_done(self, hyps: BatchHypothesis) -> BatchHypothesis:
        """Return hypotheses without those of utterances that are done, once these are many."""
        kept = (~hyps.done_mask()).nonzero().view(-1)
        # of one utterance alone, ESPnet holds hypotheses in another way
        if not self.can_leave or not 2 <= len(kept) <= MOST_KEPT * hyps.n_utt:
            return hyps
        rows = self._rows(kept.tolist()).to(hyps.yseq.device)
        self.running = [self.running[b] for b in kept.tolist()]
        states = {
            name: self.scorers[name].keep(state, kept.to(hyps.yseq.device), rows)
            if hasattr(self.scorers[name], "keep")
            else [None] * len(rows)
            for name, state in hyps.states.items()
        }
        return BatchHypothesis(
            yseq=hyps.yseq[rows],
            score=hyps.score[rows],
            length=hyps.length[rows],
            scores={name: score[rows] for name, score in hyps.scores.items()},
            states=states,
            n_utt=len(kept),
            active=hyps.active_mask()[rows.cpu()],
            done=hyps.done_mask()[kept],
        )

    def _rows(self, utterances: list[int]) -> Tensor:
        """Return the places of the hypotheses of some utterances."""
        first = torch.tensor(utterances).unsqueeze(1) * self.beam_size
        return (first + torch.arange(self.beam_size)).view(-1)

    def _select(self, hyps: BatchHypothesis, i: int) -> Hypothesis:
        """Return an ended hypothesis, without the states of scorers, which nothing reads again."""
        return Hypothesis(
            yseq=hyps.yseq[i, : hyps.length[i]],
            score=hyps.score[i],
            scores={name: score[i] for name, score in hyps.scores.items()},
        )

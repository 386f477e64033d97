"""ESPnet's CTC prefix scorer, with fewer and smaller operations in each frame."""

from typing import Any

import torch
from espnet2.legacy.nets.ctc_prefix_score import CTCPrefixScoreTH
from espnet2.legacy.nets.scorers.ctc import CTCPrefixScorer
from torch import Tensor


class PrefixScorer(CTCPrefixScorer):
    """Scorer of prefixes by CTC, for a search over hypotheses of one or many utterances.

    See `CTCPrefixScorer` of ESPnet for the arguments.
    """

    def batch_init_state(self, x: Tensor, xs_lengths: Tensor | None = None) -> None:
        """Begin a search.

        Args:
            x: Encoded speech of one utterance [T, D], or of several [B, T, D].
            xs_lengths: Frames of each utterance, [B]; None: all.
        """
        log_probs = self.ctc.log_softmax(x if x.dim() == 3 else x.unsqueeze(0))
        if xs_lengths is None:
            xs_lengths = torch.full((len(log_probs),), log_probs.size(1), device=x.device)
        self.impl = PrefixScores(log_probs, xs_lengths.long(), 0, self.eos, self.window_margin)

    def keep(self, state: Any, utterances: Tensor, rows: Tensor) -> Any:
        """Forget all but some utterances.

        Args:
            state: State of the hypotheses.
            utterances: Places of the utterances that stay, [B].
            rows: Places of their hypotheses, [N].

        Returns:
            The state of the hypotheses that stay.
        """
        self.impl.keep(utterances)
        before, total, *window = state
        return (before[: self.impl.input_length, :, rows], total[rows], *window)


class PrefixScores(CTCPrefixScoreTH):
    """Probability of prefixes: those of ESPnet, up to rounding.

    Algorithm 2 of Watanabe et al., "Hybrid CTC/Attention Architecture for End-to-End Speech
    Recognition", 2017. The forward variables of a frame follow from the frame before, so that
    frames are computed one by one: here by two operations that write in place, on emissions that
    hypotheses of one utterance share.
    """

    # set by ESPnet's class, which has no types
    x: Tensor
    batch: int
    odim: int
    input_length: int
    end_frames: Tensor
    end_frames_cpu: Tensor
    idx_b: Tensor
    idx_bo: Tensor
    cum_heard: Tensor
    cum_log_blank: Tensor

    def __call__(
        self,
        y: Tensor,
        state: Any,
        scoring_ids: Tensor | None = None,
        att_w: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Score the next token of prefixes.

        Args:
            y: Token ids of the prefixes, the start first, [N, L].
            state: The state that `index_select_state` has returned; None at first.
            scoring_ids: The tokens to score, [N, S]; None for all.
            att_w: Weights of attention, which decide on the window; they are not supported.

        Returns:
            (log probabilities [N, V], next state).

        Raises:
            ValueError: If there are weights of attention.
        """
        if att_w is not None:
            raise ValueError("Windows from weights of attention are not supported.")
        count, length = len(y), y.size(1) - 1
        before, total, *window = self._first_state(count) if state is None else state
        self.scoring_num = 0 if scoring_ids is None else scoring_ids.size(-1)
        ids = torch.arange(self.odim, device=y.device).expand(count, -1)
        ids = ids if scoring_ids is None else scoring_ids
        summed = torch.logsumexp(before, 1)
        ending = torch.where(  # a token that repeats the last one needs a blank between them
            ids == y[:, -1:], before[:, 1].unsqueeze(2), summed.unsqueeze(2)
        ).view(self.input_length, self.batch, -1, ids.size(1))
        first, end, *window = self._window(summed, length, *window)
        emitted = self._emissions(scoring_ids, count)
        forward = self._forward(ending, emitted, first, end, length == 0)
        entering = (ending[first - 1 : end - 1] + emitted[first:end, 0]).flatten(1, 2)
        scores = torch.logsumexp(torch.cat([entering, forward[first - 1, :1]]), dim=0)
        places = None
        if scoring_ids is not None:
            scores = summed.new_full((count, self.odim), self.logzero).scatter_(1, ids, scores)
            numbers = torch.arange(self.scoring_num, device=y.device).expand_as(ids)
            places = ids.new_full((count, self.odim), -1).scatter_(1, ids, numbers)
        last = self.end_frames.repeat_interleave(count // self.batch)
        scores[:, self.eos] = summed[last, torch.arange(count, device=y.device)]
        scores[:, self.blank] = self.logzero
        return scores - total, (forward, scores, *window, places)

    def keep(self, utterances: Tensor) -> None:
        """Forget all but some utterances.

        Args:
            utterances: Their places, [B].
        """
        self.batch, self.end_frames = len(utterances), self.end_frames[utterances]
        self.input_length = int(self.end_frames.max()) + 1
        self.x = self.x[:, : self.input_length, utterances]
        self.idx_b, self.idx_bo = self.idx_b[: self.batch], self.idx_bo[: self.batch]
        if self.margin > 0:
            own = utterances.cpu()
            self.end_frames_cpu = self.end_frames_cpu[own]
            self.cum_heard = self.cum_heard[own, : self.input_length].contiguous()
            self.cum_log_blank = self.cum_log_blank[: self.input_length, utterances]

    def _first_state(self, count: int) -> tuple[Tensor, float, int, int]:
        """Return the state of the empty prefix: [T, 2, N], score, and the window's limits."""
        silent = self.x[0, :, :, self.blank].cumsum(0)
        silent = silent.repeat_interleave(count // self.batch, dim=1)
        return torch.stack([torch.full_like(silent, self.logzero), silent], dim=1), 0.0, 0, 1

    def _window(
        self, summed: Tensor, length: int, f_min: int, f_max: int
    ) -> tuple[int, int, int, int]:
        """Return the first frame and the end, and the limits that the next step starts from."""
        if self.margin <= 0:
            return min(max(length, 1), self.input_length), self.input_length, 0, 0
        peak, before = summed.argmax(dim=0), f_max
        f_min, f_max = max(int(peak.min()), f_min), max(int(peak.max()), f_max)
        first = min(before, max(f_min - self.margin, length, 1))
        return first, self._window_end(f_max, f_max + self.margin + 1), f_min, f_max

    def _emissions(self, scoring_ids: Tensor | None, count: int) -> Tensor:
        """Return log probabilities of scored tokens and of blank, [T, 2, B, H, S].

        H is 1 if all tokens are scored.
        """
        spoken = self.x.transpose(0, 1)
        if scoring_ids is None:
            return spoken.unsqueeze(3)
        ids = scoring_ids.reshape(self.batch, -1).expand(*spoken.shape[:2], -1, -1)
        return spoken.gather(3, ids).view(*ids.shape[:3], count // self.batch, -1)

    def _forward(
        self, ending: Tensor, emitted: Tensor, first: int, end: int, empty: bool
    ) -> Tensor:
        """Return the forward variables of prefixes and one more token, [T, 2, N, S]."""
        frames, *rest = ending.shape
        # the prefix, the prefix and a token, these and blank: what a frame reads, and what it
        # writes, are then one view each
        table = ending.new_full((frames, 3, *rest), self.logzero)
        table[:, 0] = ending
        if empty:
            table[0, 1] = emitted[0, 0]
        inside = table[first - 1 : end]
        read, write = inside[:, ::2].unbind(0), inside[:, 1:].unbind(0)
        tokens, spoken = inside[:, 1:2].unbind(0), emitted[first - 1 : end].unbind(0)
        for t in range(1, len(write)):
            torch.logaddexp(tokens[t - 1], read[t - 1], out=write[t]).add_(spoken[t])
        forward = table[:, 1:]
        if end < self.input_length:  # beyond the window a prefix can but stay silent
            left = self.cum_log_blank[end:] - self.cum_log_blank[end - 1]
            reached = forward[end - 1].logsumexp(dim=0)
            forward[end:, 1] = reached + left.to(reached.dtype)[:, :, None, None]
        return forward.flatten(2, 3)

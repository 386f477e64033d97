"""Interface of a head for ESPnet's searches: its own CTC and decoder, or those of a shared head.

A shared head is restricted to the token list of the objective and normalised again, and its decoder
starts from the prefix of the objective, so that the search, and everything after it, knows the
objective's own ids alone.
"""

import inspect
from typing import Any, Protocol

import torch
from espnet2.asr.decoder.abs_decoder import AbsDecoder
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface, ScorerInterface
from torch import Tensor

from espnet_soups.objectives.decoding.cached_decoder import CachedDecoder, can_cache
from espnet_soups.objectives.heads.shared_head import HeadView, has_ctc
from espnet_soups.objectives.heads.text_head import TextHead


class FrameClassifier(Protocol):
    """Classifier of frames, as CTC decoding needs it."""

    def log_softmax(self, hs_pad: Tensor) -> Tensor:
        """Return the log probability of each class in each frame, [B, T, V]; class 0 is blank.

        Args:
            hs_pad: Encoded speech, [B, T, D].
        """
        ...


class RestrictedCtc:
    """CTC of a shared head over the tokens of one objective.

    If there is only CTC, the label of training begins with the prefix; the probability of its
    tokens is added to that of blank, as none of them is part of the text.

    Args:
        view: The objective's view of the shared head.

    Raises:
        ValueError: If the head has no CTC.
    """

    def __init__(self, view: HeadView) -> None:
        if view.head.ctc is None:
            raise ValueError("This shared head has no CTC.")
        self.ctc, self.view = view.head.ctc, view

    def log_softmax(self, hs_pad: Tensor) -> Tensor:
        """Return log probabilities over the objective's own tokens, [B, T, V].

        Args:
            hs_pad: Encoded speech, [B, T, D].
        """
        joint: Tensor = self.ctc.log_softmax(hs_pad)
        own = joint[..., self.view.to_joint]  # type: ignore[index]
        if self.view.head.decoder is None:
            blank = own[..., :1]
            for token in self.view.prefix:
                blank = torch.logaddexp(blank, joint[..., token, None])
            own = torch.cat([blank, own[..., 1:]], dim=-1)
        return own.log_softmax(dim=-1)


class RestrictedDecoder(BatchScorerInterface):
    """Decoder of a shared head over the tokens of one objective, after its prefix.

    It reads the prefix token by token, as decoders with a state need it.

    Args:
        view: The objective's view of the shared head.

    Raises:
        ValueError: If the head has no decoder.
    """

    def __init__(self, view: HeadView) -> None:
        if view.head.decoder is None:
            raise ValueError("This shared head has no decoder.")
        self.decoder, self.view = cached(view.head.decoder, len(view.to_joint)), view  # type: ignore[arg-type]

    def init_state(self, x: Tensor) -> Any:
        """Return the state of one hypothesis before the first token.

        Args:
            x: Encoded speech of one utterance, [T, D].
        """
        return self.decoder.init_state(x)

    def select_state(self, state: Any, i: int, new_id: int | None = None) -> Any:
        """Return the state of one hypothesis.

        Args:
            state: State of the hypotheses.
            i: Index of the hypothesis.
            new_id: Id of the token that was added to it.
        """
        return self.decoder.select_state(state, i, new_id)

    def score(self, y: Tensor, state: Any, x: Tensor) -> tuple[Tensor, Any]:
        """Score the next token of one hypothesis.

        Args:
            y: Token ids of the hypothesis, the start first, [L].
            state: Its state.
            x: Encoded speech of the utterance, [T, D].

        Returns:
            (log probabilities of the objective's own tokens [V], next state).
        """
        for joint in self._joint(y):
            scores, state = self.decoder.score(joint, state, x)
        return self._own(scores), state

    def batch_init_state(self, x: Tensor) -> Any:
        """Return the state of many hypotheses before the first token.

        Args:
            x: Encoded speech of one utterance [T, D], or of several [B, T, D].
        """
        return self.decoder.batch_init_state(x)

    def batch_score(
        self, ys: Tensor, states: list[Any], xs: Tensor, xs_mask: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Score the next token of many hypotheses.

        Args:
            ys: Token ids of the hypotheses, the start first, [N, L].
            states: Their states.
            xs: Encoded speech of each, [N, T, D].
            xs_mask: False in padding, [N, 1, T]; None if there is none.

        Returns:
            (log probabilities of the objective's own tokens [N, V], next states).
        """
        options = {} if xs_mask is None else {"xs_mask": xs_mask}
        for joint in self._joint(ys):
            scores, states = self.decoder.batch_score(joint, states, xs, **options)
        return self._own(scores), states

    def _joint(self, ys: Tensor) -> list[Tensor]:
        """Return the decoder's input, [..., L + P - 1]; before the first token, step by step."""
        prefix = ys.new_tensor(self.view.prefix).expand(*ys.shape[:-1], -1)
        joint = torch.cat([prefix, self.view.to_joint[ys[..., 1:]]], dim=-1)  # type: ignore[index]
        first = 1 if ys.size(-1) == 1 else joint.size(-1)
        return [joint[..., :end] for end in range(first, joint.size(-1) + 1)]

    def _own(self, scores: Tensor) -> Tensor:
        return scores[..., self.view.to_joint].log_softmax(dim=-1)  # type: ignore[index]


class RestrictedCachedDecoder(RestrictedDecoder):
    """The same for a decoder that keeps its keys and values."""

    def batch_select_state(self, state: Any, best_ids: Tensor) -> Any:
        """Return the states of the hypotheses that a step has kept.

        Args:
            state: State of the hypotheses before it.
            best_ids: For each utterance `hypothesis * V + token` of those that are kept, [B, H].
        """
        return self.decoder.batch_select_state(state, best_ids)

    def keep(self, state: Any, utterances: Tensor, rows: Tensor) -> Any:
        """Forget all but some utterances; see `CachedDecoder.keep`.

        Args:
            state: State of the hypotheses.
            utterances: Places of the utterances that stay, [B].
            rows: Places of their hypotheses, [N].
        """
        return self.decoder.keep(state, utterances, rows)


def ctc_of(head: TextHead | HeadView) -> FrameClassifier | None:
    """Return the CTC of an objective over its own ids; None if it has none.

    Args:
        head: The objective's own head, or its view of a shared one.
    """
    if isinstance(head, HeadView):
        return RestrictedCtc(head) if has_ctc(head) else None
    return head.ctc


def decoder_of(head: TextHead | HeadView) -> ScorerInterface | None:
    """Return the attention decoder of an objective over its own ids; None if it has none.

    Args:
        head: The objective's own head, or its view of a shared one.
    """
    if isinstance(head, HeadView):
        if head.head.decoder is None:
            return None
        kept = can_cache(head.head.decoder)
        return RestrictedCachedDecoder(head) if kept else RestrictedDecoder(head)
    return None if head.decoder is None else cached(head.decoder, len(head.token_list))


def cached(decoder: AbsDecoder, vocabulary: int) -> Any:
    """Return a decoder that computes the same in less time, or the decoder itself.

    Args:
        decoder: The decoder of a head.
        vocabulary: Number of tokens of the search.
    """
    return CachedDecoder(decoder, vocabulary) if can_cache(decoder) else decoder


def batches(scorer: ScorerInterface | None) -> tuple[bool, bool]:
    """Return what a decoder can score together.

    Args:
        scorer: The attention decoder; None if the search uses CTC alone.

    Returns:
        (True if several hypotheses at once, True if also utterances of different lengths).
    """
    if scorer is None:
        return True, True
    decoder = scorer.decoder if isinstance(scorer, RestrictedDecoder) else scorer
    if not isinstance(decoder, BatchScorerInterface):
        return False, False
    return True, "xs_mask" in inspect.signature(decoder.batch_score).parameters

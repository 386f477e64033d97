"""Head of a text: CTC, an attention decoder, or both."""

from collections.abc import Hashable, Sequence

import torch
from espnet2.asr.ctc import CTC
from espnet2.asr.decoder.abs_decoder import AbsDecoder
from espnet2.legacy.nets.pytorch_backend.transformer.label_smoothing_loss import (
    LabelSmoothingLoss,
)
from torch import Tensor

from espnet_soups.losses.attention import IGNORED, attention_sum
from espnet_soups.losses.ctc import alignable, count_correct, ctc_sum, greedy_tokens
from espnet_soups.losses.loss_sum import LossSum, sum_dtype
from espnet_soups.objectives.heads.head import Head, HeadInput
from espnet_soups.objectives.heads.text_group import text_key, text_losses

SOS_EOS = "<sos/eos>"


class TextHead(Head):
    """Head that turns encoded speech and labels into the loss of an objective.

    The loss is `ctc_weight * CTC + (1 - ctc_weight) * attention`, summed over label tokens.

    Args:
        token_list: Tokens of its vocabulary: `<blank>` first, `<sos/eos>` last.
        ctc: ESPnet's CTC layer; None if `ctc_weight` is 0.
        decoder: ESPnet's attention decoder; None if `ctc_weight` is 1.
        ctc_weight: Share of CTC, 0 to 1.
        lsm_weight: Label smoothing of the attention decoder.
    """

    def __init__(
        self,
        token_list: Sequence[str],
        ctc: CTC | None,
        decoder: AbsDecoder | None,
        ctc_weight: float,
        lsm_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.token_list = list(token_list)
        self.sos_eos = self.token_list.index(SOS_EOS)
        self.ctc = ctc
        self.decoder = decoder
        self.ctc_weight = ctc_weight
        self.criterion = LabelSmoothingLoss(len(self.token_list), IGNORED, lsm_weight)

    @property
    def scored_in_training(self) -> bool:
        """True if it has an attention decoder; greedy CTC is computed in validation only."""
        return self.decoder is not None

    def forward(
        self,
        encoded: Tensor,
        frame_lengths: Tensor,
        labels: Tensor,
        label_lengths: Tensor,
        prefix: Sequence[int] | None = None,
        with_ctc: bool = True,
    ) -> LossSum:
        """Return the loss of labelled utterances.

        Args:
            encoded: Encoder output, [B, T, D].
            frame_lengths: Frames of each utterance, [B].
            labels: Token ids, [B, L].
            label_lengths: Tokens of each label, [B].
            prefix: Ids that the decoder starts from; None for `<sos/eos>`.
            with_ctc: Whether CTC learns from these labels; if not, attention is all of the loss.

        Returns:
            The sum of the loss, with the counts to average and report it. Utterances whose label
            CTC cannot align are left out, and counted.
        """
        utterances = labels.size(0)
        ctc = self.ctc if with_ctc else None
        share = self.ctc_weight if with_ctc else 0.0
        if ctc is not None:
            kept = alignable(frame_lengths, labels, label_lengths)
            if not bool(kept.all()):
                encoded, frame_lengths = encoded[kept], frame_lengths[kept]
                labels, label_lengths = labels[kept], label_lengths[kept]
        left_out = utterances - labels.size(0)
        if labels.size(0) == 0:
            return self.absent(encoded, utterances, left_out)
        dtype = sum_dtype(encoded)
        total = encoded.new_zeros((), dtype=dtype)
        correct = encoded.new_full((), torch.nan)
        if ctc is not None:
            total = total + share * ctc_sum(ctc, encoded, frame_lengths, labels, label_lengths)
        if self.decoder is not None:
            loss, right = attention_sum(
                self.decoder,
                self.criterion,
                encoded,
                frame_lengths,
                labels,
                label_lengths,
                (self.sos_eos,) if prefix is None else prefix,
                self.sos_eos,
            )
            total = total + (1.0 - share) * loss
            correct = right * label_lengths.sum() / (label_lengths + 1).sum()
        elif not self.training and ctc is not None:
            hypotheses = greedy_tokens(ctc.log_softmax(encoded), frame_lengths)
            right_tokens = count_correct(hypotheses, labels, label_lengths)
            correct = encoded.new_tensor(float(right_tokens), dtype=dtype)
        count = label_lengths.sum().to(dtype)
        return LossSum(total, count, correct.to(dtype), utterances, left_out)

    def group_key(self) -> Hashable | None:
        """Return a key that text heads trained together share; None to train it alone."""
        usual = type(self) is TextHead  # a subclass may compute something else
        return text_key(self) if self.training and usual else None

    def ends_at_its_input(self) -> bool:
        """Return True; a subclass may compute something else."""
        return type(self) is TextHead

    @staticmethod
    def losses_together(heads: Sequence[Head], inputs: Sequence[HeadInput]) -> list[LossSum] | None:
        """Return the losses of several heads at once; see `Head.losses_together`."""
        return text_losses([head for head in heads if isinstance(head, TextHead)], inputs)

"""One head for several objectives: a joint vocabulary, with prefix tokens per objective."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.objectives.heads.head import Head
from espnet_soups.objectives.heads.text_head import SOS_EOS, TextHead


def join_token_lists(
    token_lists: Mapping[str, Sequence[str]], prefixes: Mapping[str, Sequence[str]]
) -> list[str]:
    """Join token lists: specials first, then tokens of prefixes, then every other token once.

    Args:
        token_lists: The tokens of each objective, by name.
        prefixes: Tokens that begin the texts of each objective, by name.

    Raises:
        ValueError: If a token list holds a token of a prefix, or two objectives have the same
            prefix.

    >>> join_token_lists({"asr_a": ["<blank>", "<unk>", "x", "<sos/eos>"]}, {"asr_a": ["<a>"]})
    ['<blank>', '<unk>', '<a>', 'x', '<sos/eos>']
    """
    specials = ["<blank>", "<unk>"]
    before = _each_once(prefixes.values())
    _check_prefixes(token_lists, prefixes, before)
    ordinary = [
        token for token in _each_once(token_lists.values()) if token not in {*specials, SOS_EOS}
    ]
    return [*specials, *before, *ordinary, SOS_EOS]


def _each_once(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(token for tokens in lists for token in tokens))


def _check_prefixes(
    token_lists: Mapping[str, Sequence[str]],
    prefixes: Mapping[str, Sequence[str]],
    tokens: Sequence[str],
) -> None:
    owners: dict[tuple[str, ...], str] = {}
    for name, prefix in prefixes.items():
        other = owners.setdefault(tuple(prefix), name)
        if other != name:
            raise ValueError(
                f"A shared head cannot tell {other} from {name}: the texts of both begin with"
                f" {' '.join(prefix)}."
            )
    for name, own in token_lists.items():
        taken = sorted(set(tokens) & set(own))
        if taken:
            raise ValueError(
                f"The token list of {name} holds {taken}, by which a shared head tells objectives"
                " apart: make it from texts without them, or use `separate` heads."
            )


class HeadView(Head):
    """One objective's view of a shared head, with its own token ids.

    The decoder starts from the objective's prefix instead of `<sos/eos>`; if there is only CTC, the
    prefix comes first in the label.

    Args:
        head: The head over the joint vocabulary.
        token_list: Tokens of this objective's labels.
        prefix: Joint ids of the tokens that tell it from the other objectives, such as `<fr>`.
        with_ctc: Whether the head's CTC learns from this objective.

    Attributes:
        prefix: Joint ids of the tokens that tell it from the other objectives, such as `<fr>`.
        to_joint: Joint ids of the objective's own tokens, [V].
    """

    is_shared = True

    def __init__(
        self,
        head: TextHead,
        token_list: Sequence[str],
        prefix: Sequence[str],
        with_ctc: bool = True,
    ) -> None:
        super().__init__()
        self._head = [head]  # in a list: its parameters belong to the model, not to each view
        index = {token: position for position, token in enumerate(head.token_list)}
        to_joint = torch.tensor([index[token] for token in token_list])
        self.register_buffer("to_joint", to_joint, persistent=False)
        self.prefix = tuple(index[token] for token in prefix)
        self.with_ctc = with_ctc

    @property
    def head(self) -> TextHead:
        """The shared head."""
        return self._head[0]

    @property
    def scored_in_training(self) -> bool:
        """True if the head has an attention decoder."""
        return self.head.scored_in_training

    def forward(
        self, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> LossSum:
        """Return the loss of labelled utterances; see `Head.forward`."""
        joint = self.to_joint[labels.clamp(min=0)]  # type: ignore[index]
        if self.head.decoder is None:
            first = joint.new_tensor(self.prefix).expand(joint.size(0), -1)
            joint = torch.cat([first, joint], dim=1)
            label_lengths = label_lengths + len(self.prefix)
        return self.head(
            encoded, frame_lengths, joint, label_lengths, self.prefix, with_ctc=self.with_ctc
        )

    def absent(self, like: Tensor, utterances: int = 0, unalignable: int = 0) -> LossSum:
        """Return a loss of zero that touches the shared head; see `Head.absent`."""
        return self.head.absent(like, utterances, unalignable)


def inner_head(head: torch.nn.Module) -> TextHead:
    """Return the text head behind a view, or the head itself.

    Args:
        head: A text head, or a view of one.

    Raises:
        TypeError: If it is no head of a text.
    """
    inner = head.head if isinstance(head, HeadView) else head
    if not isinstance(inner, TextHead):
        raise TypeError(f"{type(head).__name__} is no head of a text.")
    return inner


def has_ctc(head: torch.nn.Module) -> bool:
    """Return True if the texts of an objective are learnt by CTC.

    Args:
        head: A text head, or a view of one.

    Raises:
        TypeError: If it is no head of a text.
    """
    return inner_head(head).ctc is not None and not (
        isinstance(head, HeadView) and not head.with_ctc
    )

"""One head for several objectives: a joint vocabulary, and a token that names the language."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.objectives.heads.head import Head
from espnet_soups.objectives.heads.text_head import SOS_EOS, TextHead


def language_token(language: str) -> str:
    """Return the token of a language, in ESPnet's manner: `<fr>`."""
    return f"<{language}>"


def join_token_lists(token_lists: Mapping[str, Sequence[str]]) -> list[str]:
    """Join token lists: specials first, then language tokens, then every other token once.

    >>> join_token_lists({"a": ["<blank>", "<unk>", "x", "<sos/eos>"]})
    ['<blank>', '<unk>', '<a>', 'x', '<sos/eos>']
    """
    specials = ["<blank>", "<unk>"]
    languages = [language_token(language) for language in token_lists]
    tokens = [token for tokens in token_lists.values() for token in tokens]
    ordinary = [token for token in dict.fromkeys(tokens) if token not in {*specials, SOS_EOS}]
    return [*specials, *languages, *ordinary, SOS_EOS]


class HeadView(Head):
    """What one objective sees of a shared head: its own ids on the outside.

    The decoder starts from the language token instead of `<sos/eos>`; where there is only CTC, the
    token comes first in the label.

    Args:
        head: The head over the joint vocabulary.
        token_list: The tokens that the labels of this objective are written in.
        language: The language of the speech.
    """

    is_shared = True

    def __init__(self, head: TextHead, token_list: Sequence[str], language: str) -> None:
        super().__init__()
        self._head = [head]  # in a list: its parameters belong to the model, not to each view
        index = {token: position for position, token in enumerate(head.token_list)}
        to_joint = torch.tensor([index[token] for token in token_list])
        self.register_buffer("to_joint", to_joint, persistent=False)
        self.start = index[language_token(language)]

    @property
    def head(self) -> TextHead:
        """The shared head."""
        return self._head[0]

    @property
    def scored_in_training(self) -> bool:
        """Whether it has an attention decoder."""
        return self.head.scored_in_training

    def forward(
        self, encoded: Tensor, frame_lengths: Tensor, labels: Tensor, label_lengths: Tensor
    ) -> LossSum:
        """Return the loss of labelled utterances; see `Head.forward`."""
        joint = self.to_joint[labels.clamp(min=0)]  # type: ignore[index]
        if self.head.decoder is None:
            first = joint.new_full((joint.size(0), 1), self.start)
            joint, label_lengths = torch.cat([first, joint], dim=1), label_lengths + 1
        return self.head(encoded, frame_lengths, joint, label_lengths, start=self.start)

    def absent(self, like: Tensor, utterances: int = 0, unalignable: int = 0) -> LossSum:
        """Return a loss of zero; see `Head.absent`."""
        return self.head.absent(like, utterances, unalignable)


def inner_head(head: torch.nn.Module) -> TextHead:
    """Return the text head that a view looks at, or the head itself.

    Raises:
        TypeError: If it is no head of a text.
    """
    inner = head.head if isinstance(head, HeadView) else head
    if not isinstance(inner, TextHead):
        raise TypeError(f"{type(head).__name__} is no head of a text.")
    return inner

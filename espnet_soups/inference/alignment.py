"""When each word of a transcript was said, by forced alignment to CTC posteriors."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchaudio.functional import forced_align, merge_tokens

from espnet_soups.inference.speech2text import Speech2Text
from espnet_soups.losses.ctc import alignable
from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.decoding.text_decoder import TextDecoder

SPACE, WORD_START = "<space>", "▁"  # of ESPnet's characters, and of sentencepiece


@dataclass(frozen=True)
class Word:
    """A word and its time.

    Attributes:
        text: The word; one token where the token list has no mark of a space.
        start: Where it begins, seconds.
        end: Where it ends, seconds.
    """

    text: str
    start: float
    end: float


@torch.no_grad()
def align_words(
    speech2text: Speech2Text, prepared: Tensor, name: str, hypothesis: Hypothesis, seconds: float
) -> tuple[Word, ...] | None:
    """Return the words of a hypothesis with their times.

    CTC marks a token in a few frames near its middle, so a word tends to look shorter than it is.
    Encoded frames are taken to divide the audio evenly.

    Args:
        speech2text: The model.
        prepared: What its `prepare` gave for the audio.
        name: The objective that wrote the hypothesis.
        hypothesis: What was said.
        seconds: Length of the audio.

    Returns:
        The words in order; None: the objective has no CTC, or more tokens than frames.
    """
    decoder = speech2text.decoders[name]
    if not isinstance(decoder, TextDecoder) or decoder.ctc is None:
        return None
    if not hypothesis.token_int:
        return ()
    encoded, lengths = speech2text.encode([prepared])
    spans = align_tokens(decoder.ctc.log_softmax(encoded)[0], hypothesis.token_int)
    if spans is None:
        return None
    shift = seconds / int(lengths[0])
    words = []
    for first, behind in group_words(hypothesis.tokens, decoder.token_list):
        text = decoder.tokenizer.tokens2text(list(hypothesis.tokens[first:behind])).strip()
        start, end = spans[first][0] * shift, spans[behind - 1][1] * shift
        if text:
            words.append(Word(text, round(start, 3), round(end, 3)))
    return tuple(words)


def align_tokens(log_probs: Tensor, token_int: Sequence[int]) -> list[tuple[int, int]] | None:
    """Return the frames of each token on the most probable path that spells all of them.

    Args:
        log_probs: Of every frame, [T, V]; class 0 is blank.
        token_int: The tokens, at least one, none of them blank.

    Returns:
        (first frame, frame behind the last) of each token; None: they do not fit into T frames.

    Source:
        Graves et al., "Connectionist temporal classification", 2006; torchaudio's Viterbi search.
    """
    targets = torch.tensor([list(token_int)], device=log_probs.device)
    lengths = torch.tensor([len(log_probs)]), torch.tensor([len(token_int)])
    if not bool(alignable(lengths[0], targets.cpu(), lengths[1])):
        return None
    path, scores = forced_align(log_probs.float().unsqueeze(0), targets, blank=0)
    return [(span.start, span.end) for span in merge_tokens(path[0], scores[0])]


def group_words(tokens: Sequence[str], token_list: Sequence[str]) -> list[tuple[int, int]]:
    """Return which tokens make a word.

    Args:
        tokens: Those of a hypothesis.
        token_list: All that the objective has; without a mark of spaces each is a word.

    Returns:
        (first token, token behind the last) of each word; spaces belong to none.

    >>> group_words(["a", "b", "<space>", "c"], ["<blank>", "<space>", "a", "b", "c"])
    [(0, 2), (3, 4)]
    >>> group_words(["▁a", "b", "▁c"], ["<blank>", "▁a", "b", "▁c"])
    [(0, 2), (2, 3)]
    >>> group_words(["你", "好"], ["<blank>", "你", "好"])
    [(0, 1), (1, 2)]
    """
    spaced = any(token == SPACE or token.startswith(WORD_START) for token in token_list)
    groups: list[tuple[int, int]] = []
    fresh = True
    for number, token in enumerate(tokens):
        if token == SPACE:
            fresh = True
        elif fresh or not spaced or token.startswith(WORD_START):
            groups.append((number, number + 1))
            fresh = False
        else:
            groups[-1] = (groups[-1][0], number + 1)
    return groups

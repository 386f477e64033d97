"""CTC decoding equals sums over all paths, computed one by one."""

import itertools

import pytest
import torch

from espnet_soups.objectives.decoding import beam_decoder
from espnet_soups.objectives.decoding.beam_decoder import BeamDecoder
from espnet_soups.objectives.decoding.ctc_greedy import GreedyDecoder
from espnet_soups.objectives.decoding.text_search import SearchPlan, TextSearch

TOKENS = ["<blank>", "<unk>", "a", "b", "c", "<sos/eos>"]
LETTERS = (2, 3, 4)
CTC_ALONE = SearchPlan(1.0)


class FrameTable:
    """CTC layer whose logits are the "encoded speech" itself."""

    def log_softmax(self, hs_pad: torch.Tensor) -> torch.Tensor:
        return hs_pad.log_softmax(dim=-1)


def random_logits(seed: int, batch: int, frames: int) -> torch.Tensor:
    logits = 2.0 * torch.randn(
        batch, frames, len(TOKENS), generator=torch.Generator().manual_seed(seed)
    )
    logits[..., [1, 5]] = -40.0  # neither is ever emitted by CTC
    return logits


def merge(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(token for token, _ in itertools.groupby(path) if token != 0)


def label_scores(log_probs: torch.Tensor) -> dict[tuple[int, ...], float]:
    """Sum the probability of every path of every label."""
    scores: dict[tuple[int, ...], float] = {}
    for path in itertools.product((0, *LETTERS), repeat=len(log_probs)):
        probability = float(log_probs[range(len(path)), path].double().sum().exp())
        scores[merge(path)] = scores.get(merge(path), 0.0) + probability
    return scores


@pytest.mark.parametrize("seed", range(10))
def test_prefix_search_finds_the_most_probable_label_and_its_probability(seed: int):
    logits = random_logits(seed, 1, 3)
    config = TextSearch(beam_size=6, maxlenratio=-5)
    decoder = BeamDecoder(FrameTable(), None, CTC_ALONE, TOKENS, config)
    [[(tokens, score)]] = decoder(logits, torch.tensor([3]))
    expected = label_scores(logits[0].log_softmax(dim=-1))
    best = max(expected, key=lambda label: expected[label])
    assert tuple(tokens) == best
    assert score == pytest.approx(torch.tensor(expected[best]).log().item(), abs=1e-4)


def test_a_beam_as_wide_as_the_vocabulary_never_expands_blank():
    logits, lengths = random_logits(0, 1, 5), torch.tensor([5])
    wide = TextSearch(beam_size=100, maxlenratio=-7)
    [found] = BeamDecoder(FrameTable(), None, CTC_ALONE, TOKENS, wide, 100)(logits, lengths)
    exact = label_scores(logits[0].log_softmax(dim=-1))
    for tokens, score in found[:3]:
        expected = torch.tensor(exact[tuple(tokens)]).log().item()
        assert score == pytest.approx(expected, abs=1e-4)


def test_prefix_search_of_padded_utterances_equals_each_alone():
    logits, lengths = random_logits(3, 3, 9), torch.tensor([9, 4, 6])
    decoder = BeamDecoder(FrameTable(), None, CTC_ALONE, TOKENS, TextSearch(beam_size=4), 2)
    together = decoder(logits, lengths)
    for row, length in enumerate(lengths.tolist()):
        [alone] = decoder(logits[row : row + 1, :length], lengths[row : row + 1])
        assert [tokens for tokens, _ in together[row]] == [tokens for tokens, _ in alone]
        assert [s for _, s in together[row]] == pytest.approx([s for _, s in alone], abs=1e-4)


def test_greedy_decoding_merges_the_best_path_and_scores_it():
    logits, lengths = random_logits(5, 2, 8), torch.tensor([8, 5])
    found = GreedyDecoder(FrameTable(), 5)(logits, lengths)
    for row, length in enumerate(lengths.tolist()):
        frames = logits[row, :length].log_softmax(dim=-1).tolist()
        path = tuple(max(range(len(TOKENS)), key=frame.__getitem__) for frame in frames)
        [(tokens, score)] = found[row]
        assert tuple(tokens) == merge(path)
        assert score == pytest.approx(sum(map(max, frames)), abs=1e-4)


def test_a_penalty_makes_longer_labels():
    logits, lengths = random_logits(7, 1, 6), torch.tensor([6])
    lengths_found = [
        len(
            BeamDecoder(FrameTable(), None, CTC_ALONE, TOKENS, TextSearch(beam_size=6, penalty=p))(
                logits, lengths
            )[0][0][0]
        )
        for p in (-5.0, 5.0)
    ]
    assert lengths_found[0] < lengths_found[1]


def test_utterances_are_searched_in_parts_where_memory_is_short(monkeypatch):
    logits, lengths = random_logits(4, 5, 9), torch.tensor([8, 9, 3, 8, 8])
    decoder = BeamDecoder(FrameTable(), None, CTC_ALONE, TOKENS, TextSearch(beam_size=3), 2)
    sizes = []
    search = decoder.search.forward

    def remember(x, **options):
        sizes.append(tuple(x.shape[:2]))
        return search(x, **options)

    monkeypatch.setattr(decoder.search, "forward", remember)
    whole = decoder(logits, lengths)
    monkeypatch.setattr(beam_decoder, "MOST_NUMBERS", 2 * 9 * 3 * 4 * len(TOKENS))
    parts = decoder(logits, lengths)
    assert sizes == [(5, 9), (2, 9), (2, 8), (1, 3)]
    for together, alone in zip(whole, parts, strict=True):
        assert [tokens for tokens, _ in together] == [tokens for tokens, _ in alone]
        assert [s for _, s in together] == pytest.approx([s for _, s in alone], abs=1e-4)

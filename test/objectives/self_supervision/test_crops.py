import torch

from espnet_soups.objectives.self_supervision.crops import draw_crops


def test_crops_lie_inside_their_utterances_and_the_future_follows_the_context():
    feats = torch.arange(60.0).view(3, 20, 1)
    lengths = torch.tensor([20, 9, 5])
    seen = set()
    for seed in range(40):
        crops = draw_crops(lengths, 6, 3, 4, torch.Generator().manual_seed(seed))
        assert crops.rows.tolist() == [0, 1]
        assert (crops.left_out, crops.shortened) == (1, 0)
        (context, context_lengths), (future, _) = (
            crops.take_contexts(feats),
            crops.take_futures(feats),
        )
        assert context_lengths.tolist() == [6, 6]
        for row, first in enumerate(context[:, 0, 0].tolist()):
            whole = [*context[row, :, 0].tolist(), *future[row, :, 0].tolist()]
            assert whole == [first + step for step in range(9)]
            assert whole[-1] < 20 * row + lengths[row]
        seen.add(int(context[0, 0, 0]))
    assert seen == set(range(12))


def test_a_short_utterance_gets_a_shorter_context_which_is_counted_and_padded():
    feats = torch.ones(2, 9, 1)
    crops = draw_crops(torch.tensor([9, 7]), 6, 3, 2)
    assert crops.contexts.tolist() == [6, 4]
    assert crops.shortened == 1
    context, _ = crops.take_contexts(feats)
    assert context[1, :, 0].tolist() == [1, 1, 1, 1, 0, 0]

"""One head for all texts: what each objective asks of it, and what it learns."""

from dataclasses import replace

import pytest
import torch

from espnet_soups.objectives.heads.shared_head import HeadView, has_ctc, join_token_lists
from espnet_soups.testing.toy_model import (
    DECODER_CONF,
    PAIRS,
    TOKENS,
    make_toy_arguments,
    make_toy_batch,
    make_toy_model,
)

NAMES = ["asr_en", "asr_fr", "asr_es", "st_fr_en", "st_es_en"]
SHARED = {"text_heads": "shared", "text_decoder_conf": dict(DECODER_CONF)}
LABELS, LENGTHS = torch.tensor([[2, 3, 4], [5, -1, -1]]), torch.tensor([3, 1])


def speech():
    torch.manual_seed(0)
    return torch.randn(2, 9, 8).double(), torch.tensor([9, 7])


def by_hand(head, prefix, encoded, frames, labels, lengths):
    """The loss of the decoder, token by token: each utterance alone, nothing padded."""
    index = {token: position for position, token in enumerate(head.token_list)}
    end, total = index["<sos/eos>"], 0.0
    for row, length in enumerate(lengths.tolist()):
        label = [index[TOKENS[token]] for token in labels[row, :length].tolist()]
        inputs = torch.tensor([[*(index[token] for token in prefix), *label]])
        logits, _ = head.decoder(
            encoded[row : row + 1, : frames[row]],
            frames[row : row + 1],
            inputs,
            torch.tensor([inputs.size(1)]),
        )
        found = logits[0, len(prefix) - 1 :].log_softmax(dim=-1)
        total -= sum(found[place, token] for place, token in enumerate([*label, end]))
    return total


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("asr_fr", ("<fr>", "<asr>")),
        ("st_fr_en", ("<fr>", "<st_en>")),
        ("asr_en", ("<en>", "<asr>")),
    ],
)
def test_the_decoder_starts_from_language_and_task_and_is_asked_for_the_text_alone(name, prefix):
    model = make_toy_model(**SHARED, text_ctc_weight=0.0, lsm_weight=0.0).eval()
    found = model.heads[name](*speech(), LABELS, LENGTHS)
    expected = by_hand(model.shared_heads["text"], prefix, *speech(), LABELS, LENGTHS)
    torch.testing.assert_close(found.total, expected, rtol=1e-6, atol=1e-6)
    assert found.count == 4


@pytest.mark.parametrize("heads", [{"st_heads": "shared"}, {"asr_heads": "shared"}])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_head_of_one_kind_still_starts_from_the_language_alone(heads, smoothing):
    kind = next(iter(heads)).partition("_")[0]
    weight = {f"{kind}_ctc_weight": 0.0}
    model = make_toy_model(**heads, **weight, lsm_weight=smoothing).eval()
    head, view = model.shared_heads[kind], model.heads["asr_fr" if kind == "asr" else "st_fr_en"]
    index = {token: position for position, token in enumerate(head.token_list)}
    languages = ["<en>", "<fr>", "<es>"] if kind == "asr" else ["<fr>", "<es>"]
    assert head.token_list == ["<blank>", "<unk>", *languages, *"abcdefgh", "<sos/eos>"]
    (encoded, frames), end = speech(), index["<sos/eos>"]
    ids = torch.tensor([index[token] for token in TOKENS])[LABELS.clamp(min=0)]
    start = torch.full((2, 1), index["<fr>"])
    inputs = torch.cat([start, ids], dim=1)
    inputs[1, 2:] = end
    targets = torch.cat([ids, torch.full((2, 1), end)], dim=1)
    targets[1] = torch.tensor([ids[1, 0], end, -1, -1])
    logits, _ = head.decoder(encoded, frames, inputs, LENGTHS + 1)
    expected = torch.zeros(()) + head.criterion(logits, targets) * 2
    assert torch.equal(view(encoded, frames, LABELS, LENGTHS).total, expected.double())


def test_all_objectives_share_one_head_and_nothing_else():
    model = make_toy_model(**SHARED)
    head = model.shared_heads["text"]
    assert list(model.shared_heads) == ["text"]
    assert "shared_heads.text" in model.shared_modules
    assert all(view.head is head and view.is_shared for view in model.heads.values())
    assert not list(model.heads.parameters())
    tokens = ["<en>", "<asr>", "<fr>", "<es>", "<st_en>"]
    assert head.token_list == ["<blank>", "<unk>", *tokens, *"abcdefgh", "<sos/eos>"]
    parts = {name.split(".")[2] for name in model.state_dict() if name.startswith("shared_heads")}
    assert parts == {"ctc", "decoder"}


def test_ctc_learns_from_transcripts_alone_unless_all_texts_are_asked_for():
    model = make_toy_model(**SHARED, text_ctc_weight=0.3).eval()
    both = make_toy_model(**SHARED, text_ctc_weight=0.3, text_ctc="all").eval()
    alone = make_toy_model(**SHARED, text_ctc_weight=0.0).eval()
    alone.load_state_dict(both.state_dict(), strict=False)
    assert [has_ctc(model.heads[name]) for name in NAMES] == [True, True, True, False, False]
    assert all(has_ctc(both.heads[name]) for name in NAMES)
    for name in NAMES:
        totals = [one.heads[name](*speech(), LABELS, LENGTHS).total for one in (model, both, alone)]
        assert torch.equal(totals[0], totals[1]) == name.startswith("asr")
        assert torch.equal(totals[0], totals[2]) == name.startswith("st")


def test_a_label_that_ctc_cannot_align_is_left_out_where_ctc_learns_from_it():
    model = make_toy_model(**SHARED).eval()
    encoded, frames = speech()
    frames = torch.tensor([9, 2])
    labels, lengths = torch.tensor([[2, 3, 4], [5, 5, 5]]), torch.tensor([3, 3])
    assert model.heads["asr_fr"](encoded, frames, labels, lengths).unalignable == 1
    assert model.heads["st_fr_en"](encoded, frames, labels, lengths).unalignable == 0


def test_where_there_is_only_ctc_the_label_begins_with_language_and_task():
    options = {"text_heads": "shared", "text_ctc_weight": 1.0, "text_ctc": "all"}
    model = make_toy_model(**options).eval()
    head, view = model.shared_heads["text"], model.heads["st_es_en"]
    index = {token: position for position, token in enumerate(head.token_list)}
    ids = [[index[TOKENS[token]] for token in row] for row in LABELS.clamp(min=0).tolist()]
    joint = torch.tensor([[index["<es>"], index["<st_en>"], *row] for row in ids])
    expected = head(*speech(), joint, LENGTHS + 2)
    found = view(*speech(), LABELS, LENGTHS)
    assert torch.equal(found.total, expected.total)
    assert found.count == 4 + 2 * 2


def test_it_follows_the_weighted_loss_as_the_encoder_does():
    conf = {"soup": "vs", "combiner": "static", "order": "SA"}
    batch, weights = make_toy_batch(), torch.tensor([0.2, 0.5, 0.3, 0.9, 0.1]).double()
    model = make_toy_model("msp", conf, **SHARED).train()
    model.soup.open_epoch(epoch=1, max_epoch=10, accum_grad=1)
    kept = replace(model.soup.weights, values=weights)
    model.soup.state = replace(model.soup.state, weights=kept)
    model(**batch)[0].backward()
    plain = make_toy_model("default", **SHARED).train()
    plain.static_weights = dict(zip(NAMES, weights.tolist(), strict=True))
    plain(**batch)[0].backward()
    for (name, found), other in zip(model.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found.grad, other.grad, rtol=1e-6, atol=1e-9, msg=name)


def test_a_batch_without_a_label_still_touches_every_parameter():
    model = make_toy_model(**SHARED).train()
    batch = make_toy_batch(languages=(0,))  # English: no translation
    batch["text"].fill_(-1)
    batch["text_lengths"].fill_(1)
    model(**batch)[0].backward()
    assert all(p.grad is not None for p in model.shared_heads.parameters())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text_heads": "tied"}, r"`text_heads` must be one of \['separate', 'shared'\].*'tied'"),
        ({"text_heads": "shared", "text_ctc": "some"}, r"`text_ctc` must be one of.*'some'"),
        ({"text_heads": "shared", "text_ctc_weight": 2}, r"`text_ctc_weight` must lie in \[0, 1\]"),
        ({"text_heads": "shared", "text_decoder": None}, "needs `text_decoder`; there are"),
        (
            {"text_heads": "shared", "text_ctc_weight": 1.0},
            r"leaves \['st_fr_en', 'st_es_en'\] nothing to learn from.*`text_ctc: all`",
        ),
        ({"text_heads": "shared", "asr_token_list": {}}, "builds a CTC that none of .* learns by"),
    ],
)
def test_settings_that_build_no_head_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        make_toy_model(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"text_ctc_weight": 0.5},
            "`text_ctc_weight: 0.5` does nothing without `text_heads: shared`",
        ),
        ({**SHARED, "asr_heads": "shared"}, "`asr_heads: shared` does nothing beside.*: remove it"),
        ({**SHARED, "st_ctc_weight": 0.3}, "`st_ctc_weight: 0.3` does nothing.*`text_ctc_weight`"),
        ({**SHARED, "st_decoder": "rnn"}, "`st_decoder: rnn` does nothing .* `text_decoder`"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(options, said):
    from espnet_soups.task.msp_task import MSPTask

    own = {"asr_decoder_conf": {}, "st_decoder_conf": {}}
    with pytest.raises(ValueError, match=said):
        MSPTask.check_required_command_args(make_toy_arguments(**own, **options))


def test_a_vocabulary_that_holds_a_token_of_the_prefix_is_refused():
    lists = {"asr_fr": [*TOKENS[:2], "<fr>", TOKENS[-1]]}
    with pytest.raises(ValueError, match=r"token list of asr_fr holds \['<fr>'\]"):
        join_token_lists(lists, {"asr_fr": ("<fr>", "<asr>")})


def test_objectives_with_the_same_prefix_are_refused():
    lists, prefix = {"asr_fr": TOKENS, "x_fr": TOKENS}, ("<fr>", "<asr>")
    with pytest.raises(ValueError, match=r"cannot tell asr_fr from x_fr: .* with <fr> <asr>"):
        join_token_lists(lists, dict.fromkeys(lists, prefix))


def test_a_pair_more_is_a_token_more():
    pairs = [*PAIRS, "fr_es"]
    lists = {"en": list(TOKENS), "es": list(TOKENS)}
    model = make_toy_model(**SHARED, st_pairs=pairs, st_token_list=lists)
    views = {name: view.prefix for name, view in model.heads.items() if isinstance(view, HeadView)}
    assert len(set(views.values())) == len(views) == 6


def test_a_step_that_reuses_what_it_measured_in_the_decoder_is_an_ordinary_one():
    decoder, found = "shared_heads.text.decoder.decoders.0", []
    for layers in (["encoder.encoders.1", decoder], [decoder], ["encoder.encoders.1"]):
        conf = {"soup": "vs", "layers": layers}
        model = make_toy_model("msp", conf, **SHARED).train()
        model.soup.bind(model, torch.optim.SGD(model.parameters(), lr=0.1))
        model.soup.open_epoch(1, 10, accum_grad=1)
        model(**make_toy_batch())[0].backward()
        found.append({name: p.grad for name, p in model.named_parameters()})
    for other in found[1:]:
        for name, gradient in found[0].items():
            torch.testing.assert_close(other[name], gradient, rtol=1e-6, atol=1e-9, msg=name)

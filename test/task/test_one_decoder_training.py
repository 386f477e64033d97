"""One decoder for all texts, from training to text: resumed, decoded, not exported."""

import kaldiio
import numpy as np
import pytest
import torch
from soup_options import SOUP

from espnet_soups import Speech2Text
from espnet_soups.inference.export import export_objective
from espnet_soups.testing.toy_model import DECODER_CONF, TOKENS

SHARED = ("--text_heads", "shared")
CONF = tuple(word for k, v in DECODER_CONF.items() for word in ("--text_decoder_conf", f"{k}={v}"))
LAYERS = "layers=[encoder.encoders.1,shared_heads.text.decoder.decoders.0]"
WORDS = (*SHARED, *CONF, *SOUP, "--trainer_conf", LAYERS, "--trainer_conf", "refresh=2")


@pytest.fixture(scope="module")
def train(runs):
    """Train without the options of heads of single kinds."""
    words = iter(runs.options)
    own = [word for word in words if word != "--st_decoder_conf" or not next(words)]
    return lambda name, *options: runs._train(own, name, options)


@pytest.fixture(scope="module")
def whole_run(train):
    return train("one_decoder", *WORDS, "--max_epoch", "2")


def test_a_stopped_run_goes_on_as_an_uninterrupted_one(train, whole_run):
    train("one_decoder_stopped", *WORDS, "--max_epoch", "1")
    folder = train("one_decoder_stopped", *WORDS, "--max_epoch", "2")
    found, expected = (torch.load(f / "checkpoint.pth") for f in (folder, whole_run))
    names = [name for name in expected["model"] if name.startswith("shared_heads.text.")]
    assert any("decoder.decoders.0" in name for name in names)
    assert any("ctc.ctc_lo" in name for name in names)
    for name, tensor in expected["model"].items():
        assert torch.equal(found["model"][name], tensor), name
    for part in ("state", "soup"):
        ours, theirs = found["optimizers"][0][part], expected["optimizers"][0][part]
        assert str(ours) == str(theirs)


@pytest.mark.parametrize(
    "options",
    [{"asr_method": "ctc_greedy"}, {"asr_method": "hybrid", "minlenratio": 0.2, "beam_size": 3}],
)
def test_a_batch_is_decoded_as_each_utterance_alone(runs, whole_run, options):
    speech2text = Speech2Text.from_pretrained(whole_run, maxlenratio=-6.0, **options)
    table = kaldiio.load_scp(str(runs.root / "valid" / "feats.scp"))
    speeches = [np.array(table[key]) for key in table if key.startswith("fr")][:4]
    together = speech2text.decode_batch([speech2text.prepare(one) for one in speeches], "fr")
    for speech, result in zip(speeches, together, strict=True):
        alone = speech2text(speech, lang="fr")
        assert set(alone.nbest) == {"asr_fr", "st_fr_en"}
        for name, (best, *_) in alone.nbest.items():
            assert result.nbest[name][0].token_int == best.token_int
            assert set(best.tokens) <= set(TOKENS[1:-1])


@pytest.mark.parametrize("objective", ["asr_fr", "st_fr_en"])
def test_an_export_is_refused_with_the_reason(whole_run, tmp_path, objective):
    with pytest.raises(ValueError, match=rf"{objective} shares one decoder .*silence.*separate"):
        export_objective(whole_run, objective, tmp_path / "stock")
    assert not (tmp_path / "stock").exists()


def test_espnet_s_s2t_inference_still_pads_speech_and_takes_no_features():
    """That is why there is no export: should this fail, there could be one."""
    from types import SimpleNamespace

    from espnet2.bin.s2t_inference import Speech2Text as Stock

    conf = {"fs": 8000, "speech_length": 30.0}
    padded = Stock._pad_or_trim(SimpleNamespace(preprocessor_conf=conf), torch.ones(16000))
    assert padded.shape == (240000,)
    assert padded[16000:].eq(0).all()


def test_ctc_of_transcripts_is_not_there_for_translation(whole_run):
    with pytest.raises(ValueError, match=r"`st_ctc_weight: 0.3` needs ST-CTC.*`--text_ctc all`"):
        Speech2Text.from_pretrained(whole_run, st_ctc_weight=0.3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--text_heads", "tied"), "`text_heads` must be one of.*'shared'"),
        (("--text_decoder_conf", "num_blocks=1"), "does nothing without `text_heads: shared`"),
        ((*SHARED, "--st_heads", "shared"), "`st_heads: shared` does nothing beside"),
        ((*SHARED, "--text_decoder", "branch"), "`text_decoder` must be one of.*'transformer'"),
        ((*SHARED, "--text_decoder_conf", "blocks=3"), "`text_decoder_conf` of transformer has no"),
        (
            (*SHARED, *CONF, *SOUP, "--trainer_conf", "layers=[shared_heads.st]"),
            r"`layers` names 'shared_heads.st'.*shared_heads.text.decoder.decoders.0",
        ),
    ],
)
def test_a_bad_setting_ends_in_one_sentence_before_any_training(runs, train, options, said):
    with pytest.raises(ValueError, match=said):
        train("one_decoder_bad", "--max_epoch", "1", *options)
    assert not list((runs.root / "one_decoder_bad").glob("*.pth"))

"""One object decodes speech of every language, with every method, alone or in batches."""

from pathlib import Path

import kaldiio
import numpy as np
import pytest
import torch
import yaml

from espnet_soups import Speech2Text
from espnet_soups.data.features import FeatureConfig, extract_features
from espnet_soups.network.decoders import Decoders, EncodedSpeech
from espnet_soups.objectives.heads.shared_head import HeadView
from espnet_soups.testing.audible_model import FS, say
from espnet_soups.testing.toy_corpus import ToyExperiment


def features_of(experiment: ToyExperiment, language: str) -> dict[str, np.ndarray]:
    table = kaldiio.load_scp(str(experiment.corpus.root / "valid" / "feats.scp"))
    return {key: table[key] for key in table if key.startswith(language)}


def labels_of(experiment: ToyExperiment) -> dict[str, str]:
    lines = (experiment.corpus.root / "train" / "text").read_text().splitlines()
    return dict(line.split() for line in lines)


def wave(samples: int = 4000) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).normal(size=samples)


@pytest.mark.parametrize("method", ["ctc_greedy", "ctc_prefix"])
@pytest.mark.parametrize("kind", ["separate", "shared_ctc"])
def test_a_model_that_has_learnt_gives_back_most_of_what_was_said(
    request: pytest.FixtureRequest, kind: str, method: str
):
    from torchaudio.functional import edit_distance

    experiment: ToyExperiment = request.getfixturevalue(kind)
    speech2text = Speech2Text.from_pretrained(experiment.exp_dir, asr_method=method)
    table = kaldiio.load_scp(str(experiment.corpus.root / "train" / "feats.scp"))
    labels = labels_of(experiment)
    errors = 0
    for key, text in labels.items():
        transcript = speech2text(table[key], lang=key[:2]).transcript
        assert transcript is not None
        errors += edit_distance(text, transcript.text)
    assert errors < 0.4 * sum(map(len, labels.values()))  # saying nothing would give 1.0


def test_a_result_names_text_tokens_ids_and_score_of_each_objective(separate: ToyExperiment):
    speech2text = Speech2Text.from_pretrained(separate.exp_dir)
    speech = next(iter(features_of(separate, "fr").values()))
    result = speech2text(speech, lang="fr")
    assert result.language == "fr"
    assert set(result.nbest) == {"asr_fr", "st_fr_en"}
    for found in (result.transcript, result.translations["en"]):
        assert found is not None
        assert found.text == "".join(found.tokens)
        tokens = speech2text.decoders["asr_fr"].token_list
        assert found.tokens == tuple(tokens[index] for index in found.token_int)
        assert found.score < 0.0
    assert speech2text(speech, lang="en").translations == {}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("separate", {"asr_method": "ctc_greedy"}),
        ("separate", {"asr_method": "ctc_prefix"}),
        ("hybrid", {"asr_method": "hybrid", "ctc_weight": 0.3, "st_ctc_weight": 0.3}),
        ("shared", {"asr_method": "hybrid", "ctc_weight": 0.5}),
    ],
)
def test_a_batch_is_decoded_as_each_utterance_alone(
    request: pytest.FixtureRequest, kind: str, options: dict
):
    experiment: ToyExperiment = request.getfixturevalue(kind)
    speech2text = Speech2Text.from_pretrained(experiment.exp_dir, beam_size=4, nbest=2, **options)
    speeches = list(features_of(experiment, "fr").values())[:5]
    assert len({len(speech) for speech in speeches}) > 1
    together = speech2text.decode_batch([speech2text.prepare(s) for s in speeches], "fr")
    for speech, result in zip(speeches, together, strict=True):
        alone = speech2text(speech, lang="fr")
        for name, hypotheses in alone.nbest.items():
            batched = result.nbest[name]
            assert [h.token_int for h in batched] == [h.token_int for h in hypotheses]
            assert [h.score for h in batched] == pytest.approx(
                [h.score for h in hypotheses], abs=1e-3
            )


@pytest.mark.parametrize("kind", ["separate", "shared"])
def test_a_beam_of_one_follows_the_most_probable_next_token(
    request: pytest.FixtureRequest, kind: str
):
    """The reference runs the whole decoder for every prefix, without caches or ESPnet's search."""
    experiment: ToyExperiment = request.getfixturevalue(kind)
    speech2text = Speech2Text.from_pretrained(experiment.exp_dir, beam_size=1)
    head = speech2text.model.heads["st_fr_en"]
    tokens = speech2text.decoders["st_fr_en"].token_list
    inner, rows, start = head, list(range(len(tokens))), len(tokens) - 1
    if isinstance(head, HeadView):
        inner, start = head.head, head.head.token_list.index("<fr>")
        rows = [head.head.token_list.index(token) for token in tokens]
    for speech in list(features_of(experiment, "fr").values())[:4]:
        found = speech2text(speech, lang="fr").translations["en"]
        with torch.no_grad():
            batch = torch.from_numpy(np.array(speech))[None]
            encoded, lengths = speech2text.model.encode(batch, torch.tensor([len(speech)]))
            own: list[int] = []
            score = 0.0
            while len(own) < len(encoded[0]):
                prefix = torch.tensor([[start, *(rows[index] for index in own)]])
                logits, _ = inner.decoder(encoded, lengths, prefix, torch.tensor([len(own) + 1]))
                scores = logits[0, -1, rows].log_softmax(dim=-1)
                score += float(scores.max())
                if int(scores.argmax()) == len(tokens) - 1:
                    break
                own.append(int(scores.argmax()))
        assert list(found.token_int) == [index for index in own if index != 0]
        assert found.score == pytest.approx(score, abs=1e-3)


def test_a_shared_ctc_head_counts_its_language_token_as_blank(shared_ctc: ToyExperiment):
    speech2text = Speech2Text.from_pretrained(shared_ctc.exp_dir)
    head = speech2text.model.heads["asr_es"].head
    tokens = speech2text.decoders["asr_es"].token_list
    speech = next(iter(features_of(shared_ctc, "es").values()))
    found = speech2text(speech, lang="es").transcript
    with torch.no_grad():
        batch = torch.from_numpy(np.array(speech))[None]
        encoded, _ = speech2text.model.encode(batch, torch.tensor([len(speech)]))
        joint = head.ctc.log_softmax(encoded)[0].exp()
    index = {token: position for position, token in enumerate(head.token_list)}
    columns = [joint[:, index[token]] for token in tokens]
    columns[0] = columns[0] + joint[:, index["<es>"]]
    own = torch.stack(columns, dim=1)
    own = own / own.sum(dim=1, keepdim=True)
    path = own.argmax(dim=1).tolist()
    merged = [t for t, before in zip(path, [None, *path], strict=False) if t not in (0, before)]
    assert found is not None
    assert list(found.token_int) == merged
    assert found.score == pytest.approx(float(own.max(dim=1).values.log().sum()), abs=1e-3)


def test_samples_are_turned_into_the_features_of_training(separate: ToyExperiment):
    speech2text = Speech2Text.from_pretrained(separate.exp_dir)
    config = FeatureConfig(fs=8000, num_mel_bins=4, stack=2)
    features = extract_features(wave(), config)
    assert speech2text(wave(), lang="fr") == speech2text(features, lang="fr")


def test_samples_of_another_rate_are_resampled(separate: ToyExperiment):
    import soxr

    speech2text = Speech2Text.from_pretrained(separate.exp_dir)
    other = soxr.resample(wave(), 8000, 44100)
    assert speech2text(wave(), "fr", rate=8000) == speech2text(wave(), "fr")
    frames = len(speech2text.prepare(wave()))
    assert abs(len(speech2text.prepare(other, 44100)) - frames) <= 1
    assert len(speech2text.prepare(other, 8000)) > 5 * frames
    for rate, speech, message in (
        (0, wave(), "`rate` must be positive, in Hz, but got 0"),
        (8000, np.zeros((20, 8)), r"`rate` is that of samples, but the speech is features \(20, 8"),
    ):
        with pytest.raises(ValueError, match=message):
            speech2text(speech, "fr", rate=rate)


def test_samples_without_a_rate_are_warned_of_once(
    separate: ToyExperiment, caplog: pytest.LogCaptureFixture
):
    speech2text = Speech2Text.from_pretrained(separate.exp_dir)
    speech2text.prepare(np.zeros((20, 8)))
    speech2text.prepare(wave(), 8000)
    assert "are taken to have" not in caplog.text
    for _ in range(2):
        speech2text.prepare(wave())
    assert caplog.text.count("Samples are taken to have 8000 Hz; name their rate, as in") == 1


@pytest.mark.parametrize(
    ("speech", "language", "message"),
    [
        (wave(), "de", r"Language 'de' cannot be decoded: there are \['en', 'fr', 'es'\]"),
        (wave(0), "fr", "The speech is empty"),
        (wave(10), "fr", "at least 200 samples"),
        (np.full(4000, np.nan), "fr", "NaN or infinite"),
        (np.ones(4000, dtype=np.int16), "fr", "divide 16-bit integers by 32768"),
        (np.zeros((4000, 2)), "fr", r"but got \(4000, 2\); samples must be mono.* or their mean"),
        (np.zeros((1, 4000)), "fr", r"but got \(1, 4000\); samples must be mono, \[samples\]"),
        (np.ones((20, 5)), "fr", r"Features of shape \[T, 8\] are expected, but got \(20, 5\)"),
    ],
)
def test_speech_that_cannot_be_decoded_is_refused_in_one_sentence(
    separate: ToyExperiment, speech: np.ndarray, language: str, message: str
):
    speech2text = Speech2Text.from_pretrained(separate.exp_dir)
    with pytest.raises(ValueError, match=message):
        speech2text(speech, lang=language)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("separate", {"asr_method": "hybrid"}, "needs an attention decoder.*ctc_greedy"),
        ("separate", {"st_ctc_weight": 0.3}, "needs ST-CTC"),
        ("separate", {"objectives": ["mt_*"]}, r"matches no objective; there are \['asr_en'"),
        ("separate", {"device": "abacus"}, "Device 'abacus' cannot be used"),
    ],
)
def test_what_the_model_cannot_do_is_refused_in_one_sentence(
    request: pytest.FixtureRequest, kind: str, options: dict, message: str
):
    experiment: ToyExperiment = request.getfixturevalue(kind)
    with pytest.raises(ValueError, match=message):
        Speech2Text.from_pretrained(experiment.exp_dir, **options)


def test_only_the_chosen_objectives_are_decoded(separate: ToyExperiment):
    speech2text = Speech2Text.from_pretrained(separate.exp_dir, objectives=["st_fr_*"])
    assert speech2text.languages == ["fr"]
    result = speech2text(wave(), lang="fr")
    assert result.transcript is None
    assert set(result.translations) == {"en"}
    with pytest.raises(ValueError, match="Language 'es' cannot be decoded"):
        speech2text(wave(), lang="es")


def test_the_language_of_many_pieces_is_identified_in_batches(
    audible: ToyExperiment, monkeypatch: pytest.MonkeyPatch
):
    speech2text = Speech2Text.from_pretrained(audible.exp_dir, batch_size=2)
    spoken = [("abcdefghabcd", "fr"), *[("abc", "en")] * 3, ("ab", "fr")]
    prepared = [speech2text.prepare(say(*words), FS) for words in spoken]
    sizes: list[int] = []
    encode_each = Decoders.encode_each

    def remember(self: Decoders, pieces: list[torch.Tensor]) -> list[EncodedSpeech]:
        sizes.append(len(pieces))
        return encode_each(self, pieces)

    monkeypatch.setattr(Decoders, "encode_each", remember)
    assert speech2text.identify_language(prepared) == "fr"  # fewer pieces, but longer ones
    assert sizes == [2, 2, 1]


def test_samples_without_a_feature_configuration_are_refused(
    separate: ToyExperiment, tmp_path: Path
):
    config = yaml.safe_load((separate.exp_dir / "config.yaml").read_text(encoding="utf-8"))
    del config["feats_conf"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    speech2text = Speech2Text.from_pretrained(tmp_path, separate.exp_dir / "valid.acc.ave.pth")
    with pytest.raises(ValueError, match="has no `feats_conf`"):
        speech2text(wave(), lang="fr")

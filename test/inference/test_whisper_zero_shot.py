"""A Whisper as it is transcribes a set; both windows agree where there is no silence."""

import numpy as np
import pytest
import soundfile

from espnet_soups.inference.whisper_zero_shot import WhisperTranscriber, spell, transcribe_set

SIZES = {"encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}
SIZES |= {"decoder_layers": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 32, "d_model": 16}
TOKENS = ("<end>", "<start>", *"abcdefgh", "<notimestamps>")  # all behind the last one are times


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model of random weights whose windows are one second long."""
    import tokenizers
    import torch
    import transformers

    path = tmp_path_factory.mktemp("whisper")
    torch.manual_seed(0)
    ids = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0, "decoder_start_token_id": 1}
    config = transformers.WhisperConfig(
        **SIZES | ids,
        num_mel_bins=8,
        max_source_positions=50,
        max_target_positions=12,
        vocab_size=len(TOKENS),
        init_std=0.5,
        begin_suppress_tokens=None,
    )
    model = transformers.WhisperForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(
        **ids, max_length=12, is_multilingual=False, no_timestamps_token_id=len(TOKENS) - 1
    )
    model.save_pretrained(path)
    transformers.WhisperFeatureExtractor(feature_size=8, chunk_length=1).save_pretrained(path)
    words = {token: number for number, token in enumerate(TOKENS)}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<end>"))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<end>", bos_token="<start>"
    ).save_pretrained(path)
    return path


def noise(seconds):
    samples = np.random.default_rng(0).normal(size=int(16000 * seconds))
    return (0.1 * samples).astype(np.float32)


def test_speech_that_fills_the_window_is_transcribed_alike_by_both_encoders(folder):
    full, speech = (WhisperTranscriber(str(folder), window) for window in ("full", "speech"))
    text = full(noise(1.0), "en")
    assert len(text.split()) > 3
    assert speech(noise(1.0), "en") == text


def test_a_set_is_written_as_stage_11_does(folder, tmp_path):
    for key in ("a", "b"):
        soundfile.write(tmp_path / f"{key}.wav", noise(0.5), 16000)
    (tmp_path / "wav.scp").write_text("".join(f"{k} {tmp_path}/{k}.wav\n" for k in "ab"))
    (tmp_path / "utt2lang").write_text("a en\nb fr\n")
    model = WhisperTranscriber(str(folder))
    found = dict(transcribe_set(model, tmp_path, tmp_path / "out", "asr_{}".format))
    assert list(found) == ["a", "b"]
    for key, language in (("a", "en"), ("b", "fr")):
        written = (tmp_path / "out" / f"asr_{language}" / "text").read_text()
        assert written.split() == [key, *found[key].split()]


def test_what_is_transcribed_before_a_failure_is_kept(folder, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(0.5), 16000)
    (tmp_path / "wav.scp").write_text("".join(f"{k} {tmp_path}/{k}.wav\n" for k in "ab"))
    (tmp_path / "utt2lang").write_text("a en\nb en\n")
    texts = transcribe_set(
        WhisperTranscriber(str(folder)), tmp_path, tmp_path / "out", "asr_{}".format
    )
    key, text = next(texts)
    with pytest.raises(FileNotFoundError, match=r"b\.wav"):
        next(texts)
    assert (tmp_path / "out/asr_en/text").read_text().split() == [key, *text.split()]


def test_numbers_and_punctuation_become_words_of_the_recipe_s_texts():
    assert spell("  Extension 15, 'please'... It’s OK!", "en") == "extension fifteen please it's ok"
    assert spell("Tapez 2.", "fr") == "tapez deux"
    assert spell("...", "en") == ""


def test_numbers_without_words_stay_digits_and_marks_stay_with_their_letters():
    assert spell("दो 12 किताबें।", "hi") == "दो 12 किताबें"
    assert spell("முதல் நாள்!", "ta") == "முதல் நாள்"
    assert spell("สวัสดี ที่นี่", "th") == "สวัสดี ที่นี่"
    assert spell(f"Call {'1' * 800}.", "en") == f"call {'1' * 800}"


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path} is no Whisper model that can be loaded: "):
        WhisperTranscriber(str(tmp_path))
    with pytest.raises(ValueError, match=r"`window` must be one of \['full', 'speech'\], but got"):
        WhisperTranscriber(str(tmp_path), "short")


def test_a_set_without_recordings_is_refused_before_the_model_is_loaded(tmp_path):
    from espnet_soups.bin.whisper_zero_shot import main

    words = ["--model", "nowhere", "--data_dir", str(tmp_path), "--decode_dir", str(tmp_path)]
    with pytest.raises(FileNotFoundError, match=r"has no wav\.scp: run stages 1 to 4"):
        main(words)


def test_an_utterance_without_a_language_is_named(tmp_path):
    (tmp_path / "wav.scp").write_text("a a.wav\nb b.wav\n")
    (tmp_path / "utt2lang").write_text("a en\n")
    with pytest.raises(ValueError, match=r"1 only in .*wav\.scp \(first: b\)"):
        next(transcribe_set(None, tmp_path, tmp_path / "decoded", "asr_{}".format))

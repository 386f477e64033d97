"""Train a model that recognises, translates and identifies two languages of tones, from audio.

Each letter is a tone, and each language has a hum of its own. Training takes some seconds.
"""

from pathlib import Path

import numpy as np

from espnet_soups.testing.toy_corpus import LETTERS, ToyCorpus, ToyExperiment, make_toy_corpus

FS = 8000
LETTER_SECONDS, SILENCE_SECONDS = 0.08, 0.1
FEATURES = {"type": "fbank", "fs": FS, "num_mel_bins": 20, "stack": 2}
UTTERANCES = 40  # of each language and set
HUMS = {"en": 150.0, "fr": 3700.0}  # Hz
ENCODER = ["output_size=48", "attention_heads=2", "linear_units=96", "num_blocks=2"]
ENCODER += ["input_layer=linear", "dropout_rate=0.0", "positional_dropout_rate=0.0"]
ENCODER += ["attention_dropout_rate=0.0"]
DECODER = ["attention_heads=2", "linear_units=64", "num_blocks=1", "dropout_rate=0.0"]


def say(text: str, language: str, rate: int = FS, seed: int = 0) -> np.ndarray:
    """Return the audio of a text.

    Args:
        text: Letters a to h.
        language: `en` or `fr`.
        rate: Sampling rate, Hz; 8000 or more.
        seed: Seed of the faint noise.

    Returns:
        Samples in [-1, 1], `(samples,)`: 0.08 s for each letter, and 0.1 s of silence at both ends.
    """
    time = np.arange(int(LETTER_SECONDS * rate)) / rate
    pitches = [400 + 350 * LETTERS.index(letter) for letter in text]
    speech = np.concatenate([0.3 * np.sin(2 * np.pi * pitch * time) for pitch in pitches])
    speech += 0.1 * np.sin(2 * np.pi * HUMS[language] * np.arange(len(speech)) / rate)
    return pause(SILENCE_SECONDS, rate, seed, speech)


def pause(
    seconds: float, rate: int = FS, seed: int = 0, speech: np.ndarray | None = None
) -> np.ndarray:
    """Return faint noise, with speech in its middle if there is any.

    Args:
        seconds: Length of the pause before, and with speech after it, too.
        rate: Sampling rate, Hz.
        seed: Seed of the noise.
        speech: The speech, `(samples,)`; None: noise alone.

    Returns:
        The samples, float32, `(samples,)`.
    """
    margin = np.zeros(int(seconds * rate))
    samples = margin if speech is None else np.concatenate([margin, speech, margin])
    noise = 0.0005 * np.random.default_rng(seed).normal(size=len(samples))
    return np.asarray(samples + noise, dtype=np.float32)


def make_audible_corpus(root: Path) -> ToyCorpus:
    """Write the toy corpus with features of audio, and labels of the language.

    Args:
        root: An existing folder.
    """
    import kaldiio

    from espnet_soups.data.features import extract_features, read_feature_config
    from espnet_soups.files import read_table, write_table

    config = read_feature_config(FEATURES)
    width = config.num_mel_bins * config.stack
    corpus = make_toy_corpus(root, ("en", "fr"), ("fr_en",), utterances=UTTERANCES, dimension=width)
    arguments = list(corpus.arguments)
    for name in ("train", "valid"):
        folder = root / name
        spoken, texts = read_table(folder / "utt2lang"), read_table(folder / "text")
        features = {
            key: extract_features(say(text, spoken[key], seed=number), config)
            for number, (key, text) in enumerate(sorted(texts.items()))
        }
        kaldiio.save_ark(str(folder / "feats.ark"), features, scp=str(folder / "feats.scp"))
        shapes = {key: f"{len(value)},{width}" for key, value in features.items()}
        write_table(folder / "speech_shape", shapes)
        write_table(folder / "utt2language", spoken)
        labels = f"{folder}/utt2language,cls_language,text"
        arguments += [f"--{name}_data_path_and_name_and_type", labels]
        if name == "train":
            frames = np.concatenate(list(features.values()))
            squares = (frames**2).sum(0)
            stats = root / "feats_stats.npz"
            np.savez(stats, count=len(frames), sum=frames.sum(0), sum_square=squares)
    arguments += ["--normalize", "global_mvn"]
    arguments += ["--normalize_conf", f"stats_file={root / 'feats_stats.npz'}"]
    classes = f"{{en: {UTTERANCES}, fr: {UTTERANCES}}}"
    arguments += ["--objectives", f"{{cls_language: {{classes: {classes}}}}}"]
    for key, value in FEATURES.items():
        arguments += ["--feats_conf", f"{key}={value}"]
    return ToyCorpus(root, tuple(arguments))


def train_audible_model(root: Path, epochs: int = 8) -> ToyExperiment:
    """Train the model.

    Args:
        root: An existing folder; gets `corpus` and `exp/msp_audible`.
        epochs: Number of epochs.
    """
    from espnet_soups.task.msp_task import MSPTask

    (root / "corpus").mkdir()
    corpus = make_audible_corpus(root / "corpus")
    exp_dir = root / "exp" / "msp_audible"
    arguments = [*corpus.arguments, "--encoder", "transformer", "--ngpu", "0", "--seed", "1"]
    for option, values in (("--encoder_conf", ENCODER), ("--st_decoder_conf", DECODER)):
        for value in values:
            arguments += [option, value]
    arguments += ["--max_epoch", str(epochs), "--batch_type", "numel", "--batch_bins", "6000"]
    arguments += ["--optim", "adam", "--optim_conf", "lr=0.01", "--keep_nbest_models", "1"]
    arguments += ["--use_tensorboard", "false", "--output_dir", str(exp_dir)]
    MSPTask.main(cmd=arguments)
    return ToyExperiment(exp_dir, corpus)

"""Tiny trained models that the tests of inference share; training them takes some seconds."""

from pathlib import Path

import pytest
import yaml

from espnet_soups.testing.toy_corpus import ToyCorpus, ToyExperiment, make_toy_corpus

FEATS_CONF = {"type": "fbank", "fs": 8000, "num_mel_bins": 4, "stack": 2}
SIZE = ["output_size=32", "attention_heads=2", "linear_units=64", "num_blocks=1"]
RATES = ["dropout_rate=0.0", "positional_dropout_rate=0.0", "attention_dropout_rate=0.0"]
ENCODER = ["--encoder", "transformer"]
BRANCHFORMER = ["--encoder", "e_branchformer"]
BRANCHFORMER_CONF = [
    "output_size=16",
    "attention_heads=2",
    "linear_units=32",
    "num_blocks=1",
    "cgmlp_linear_units=32",
    "cgmlp_conv_kernel=3",
    "input_layer=linear",
    "dropout_rate=0.0",
]
DECODER_CONF = ["attention_heads=2", "linear_units=32", "num_blocks=1", "dropout_rate=0.0"]


def train(root: Path, *options: str, branchformer: bool = False, epochs: int = 1) -> ToyExperiment:
    """Train a toy model."""
    corpus_dir = root / "corpus"
    corpus_dir.mkdir()
    return train_on(
        make_toy_corpus(corpus_dir), root, *options, branchformer=branchformer, epochs=epochs
    )


def train_on(
    corpus: ToyCorpus, root: Path, *options: str, branchformer: bool = False, epochs: int = 1
) -> ToyExperiment:
    """Train a toy model on a corpus that is there."""
    from espnet_soups.task.msp_task import MSPTask

    encoder = BRANCHFORMER if branchformer else ENCODER
    encoder_conf = BRANCHFORMER_CONF if branchformer else [*SIZE, *RATES, "input_layer=linear"]
    arguments = [*corpus.arguments, *encoder, *options]
    for name, values in (("encoder", encoder_conf), ("st_decoder", DECODER_CONF)):
        for value in values:
            arguments += [f"--{name}_conf", value]
    for value in DECODER_CONF:
        arguments += ["--asr_decoder_conf", value]
    arguments += ["--max_epoch", str(epochs), "--batch_bins", "1500", "--optim", "adam"]
    arguments += ["--optim_conf", "lr=0.01", "--output_dir", str(root / "exp")]
    arguments += ["--use_tensorboard", "false", "--keep_nbest_models", "1", "--seed", "1"]
    arguments += ["--ngpu", "0"]
    MSPTask.main(cmd=arguments)
    path = root / "exp" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["feats_conf"] = FEATS_CONF
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return ToyExperiment(root / "exp", corpus)


@pytest.fixture(scope="session")
def separate(tmp_path_factory: pytest.TempPathFactory) -> ToyExperiment:
    """CTC for recognition, attention for translation; it has learnt to recognise."""
    return train(tmp_path_factory.mktemp("separate"), epochs=25)


@pytest.fixture(scope="session")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> ToyExperiment:
    """CTC and attention for both tasks, behind an E-Branchformer with normalised features."""
    import numpy as np

    root = tmp_path_factory.mktemp("hybrid")
    random = np.random.default_rng(0)
    mean = random.normal(size=8)
    np.savez(root / "feats_stats.npz", count=10, sum=10 * mean, sum_square=10 * (mean**2 + 2))
    stats = f"stats_file={root / 'feats_stats.npz'}"
    options = ["--asr_ctc_weight", "0.3", "--st_ctc_weight", "0.3"]
    options += ["--normalize", "global_mvn", "--normalize_conf", stats]
    return train(root, *options, branchformer=True, epochs=3)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> ToyExperiment:
    """One head per task, with language tokens."""
    options = ["--asr_heads", "shared", "--st_heads", "shared", "--asr_ctc_weight", "0.3"]
    return train(tmp_path_factory.mktemp("shared"), *options, epochs=3)


@pytest.fixture(scope="session")
def shared_ctc(tmp_path_factory: pytest.TempPathFactory) -> ToyExperiment:
    """One CTC head for all languages; it has learnt to recognise."""
    return train(tmp_path_factory.mktemp("shared_ctc"), "--asr_heads", "shared", epochs=40)


@pytest.fixture(scope="session")
def moody(tmp_path_factory: pytest.TempPathFactory) -> ToyExperiment:
    """Beside our objectives those of `kinds_to_decode.py`, which hear all languages."""
    root = tmp_path_factory.mktemp("moody")
    (root / "corpus").mkdir()
    corpus = make_toy_corpus(root / "corpus")
    options = [
        "--objectives",
        "{mood: {kind: 'kinds_to_decode:Mood'}, voice: {kind: 'kinds_to_decode:Voice'},"
        " quiet: {kind: 'kinds_to_decode:Silent'}}",
    ]
    for name in ("train", "valid"):
        keys = (corpus.root / name / "utt2lang").read_text(encoding="utf-8").split()[::2]
        moods = (f"{key} {('calm', 'wild')[int(key[-1]) % 2]}\n" for key in keys)
        (corpus.root / name / "mood").write_text("".join(moods), encoding="utf-8")
        for label in ("mood", "voice", "quiet"):
            file = f"{corpus.root}/{name}/mood,{label},text"
            options += [f"--{name}_data_path_and_name_and_type", file]
    return train_on(corpus, root, *options)


@pytest.fixture(scope="session")
def regional(tmp_path_factory: pytest.TempPathFactory) -> ToyExperiment:
    """Languages with scripts and regions."""
    root = tmp_path_factory.mktemp("regional")
    (root / "corpus").mkdir()
    languages, pairs = ("zh_cn", "pt_BR", "cmn_hans"), ("zh_cn_en_us", "pt_BR_en_us")
    return train_on(make_toy_corpus(root / "corpus", languages, pairs, utterances=4), root)

"""Runs of the real command on the toy corpus, once per session."""

import kaldiio
import numpy as np
import pytest
from soup_options import SOUP

from espnet_soups.files import read_table, write_table
from espnet_soups.testing.toy_corpus import make_toy_corpus
from espnet_soups.testing.toy_model import DECODER_CONF, ENCODER_CONF


def options_of(name, conf):
    return [word for key, value in conf.items() for word in (f"--{name}", f"{key}={value}")]


class Runs:
    """Trains in this process; gives the folder of each run."""

    def __init__(self, root, utterances=6):
        self.root = root
        self.corpus = make_toy_corpus(root, utterances=utterances)
        self.options = [
            *self.corpus.arguments,
            *("--encoder", "e_branchformer", *options_of("encoder_conf", ENCODER_CONF)),
            *options_of("st_decoder_conf", DECODER_CONF),
            *("--batch_type", "numel", "--batch_bins", "1200", "--valid_batch_bins", "9999"),
            *("--optim", "adam", "--optim_conf", "lr=0.01", "--use_tensorboard", "false"),
            *("--resume", "true", "--keep_nbest_models", "2"),
        ]

    def train(self, name, *options):
        return self._train(self.options, name, options)

    def train_broken(self, name, key, *options):
        """Train on features of which those of one utterance are not a number."""
        return self._train(self.broken_options(key), name, options)

    def broken_options(self, key):
        path = self.root / f"broken_{key}"
        features = dict(kaldiio.load_scp(str(self.root / "train" / "feats.scp")))
        features[key] = np.full_like(features[key], np.nan)
        kaldiio.save_ark(f"{path}.ark", features, scp=f"{path}.scp")
        return [w.replace(f"{self.root}/train/feats.scp,", f"{path}.scp,") for w in self.options]

    def _train(self, corpus, name, options):
        from espnet_soups.bin.msp_train import main

        folder = self.root / name
        main([*corpus, "--output_dir", str(folder), *options])
        return folder


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def longer_runs(tmp_path_factory):
    """A corpus of ten mini-batches an epoch."""
    return Runs(tmp_path_factory.mktemp("longer_runs"), utterances=20)


@pytest.fixture
def runs_of_two_ranks(tmp_path):
    """A corpus of three mini-batches an epoch with two utterances of each language per rank."""
    return Runs(tmp_path, utterances=12)


@pytest.fixture(scope="module")
def balanced_runs(tmp_path_factory):
    """A corpus of enough utterances for shares."""
    return Runs(tmp_path_factory.mktemp("balanced"), utterances=24)


@pytest.fixture(scope="session")
def worded_runs(tmp_path_factory):
    """A corpus whose every letter is a word, so that error rates of words and BLEU are not idle."""
    found = Runs(tmp_path_factory.mktemp("worded_runs"), utterances=20)
    for name in ("text", "text.en"):
        for path in (found.root / "train" / name, found.root / "valid" / name):
            table = read_table(path)
            spaced = {k: v if v == "<na>" else " ".join(v) for k, v in table.items()}
            write_table(path, spaced)
    tokens = found.root / "tokens.txt"
    tokens.write_text(tokens.read_text().replace("<unk>\n", "<unk>\n<space>\n"))
    return found


@pytest.fixture(scope="session")
def soup_run(runs):
    """A soup of three epochs, never interrupted."""
    return runs.train("soup", *SOUP, "--max_epoch", "3", "--use_tensorboard", "true")


@pytest.fixture(scope="session")
def joint_run(runs):
    """Joint training of two epochs."""
    return runs.train("joint", "--max_epoch", "2")

"""Training under ESPnet 3's Lightning trainer equals egs2's, parameter by parameter."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch

from espnet_soups.bin.msp_train import main as train_as_in_egs2
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.testing.toy_corpus import make_toy_corpus

pytest.importorskip("lightning", reason="needs pip install 'espnet-soups[espnet3]'")
pytestmark = [
    pytest.mark.filterwarnings("default"),  # Lightning warns of few workers and the like
]

from espnet3.utils.config_utils import load_and_merge_config  # noqa: E402
from omegaconf import DictConfig, OmegaConf  # noqa: E402

from espnet_soups.espnet3.options import options_of  # noqa: E402
from espnet_soups.espnet3.system import MSPSystem  # noqa: E402

EPOCHS, STEPS_OF_AN_EPOCH = 5, 10
OPTIONS = """
--encoder e_branchformer --encoder_conf output_size=16 --encoder_conf attention_heads=2
--encoder_conf attention_layer_type=rel_selfattn --encoder_conf pos_enc_layer_type=rel_pos
--encoder_conf rel_pos_type=latest --encoder_conf cgmlp_linear_units=32
--encoder_conf cgmlp_conv_kernel=3 --encoder_conf num_blocks=2 --encoder_conf linear_units=32
--encoder_conf input_layer=linear --encoder_conf dropout_rate=0.1
--st_decoder_conf attention_heads=2 --st_decoder_conf linear_units=32
--st_decoder_conf num_blocks=1 --st_decoder_conf dropout_rate=0.1
--trainer msp --trainer_conf soup=vm --trainer_conf order=SA
--trainer_conf penalty=[{"level":2,"max":1.5}] --trainer_conf combiner_conf={"gamma":0.1}
--optim adamw --optim_conf lr=0.01 --scheduler warmuplr --scheduler_conf warmup_steps=20
--num_iters_per_epoch 10 --batch_type numel --batch_bins 1200 --valid_batch_bins 9999 --grad_clip 1.0
--keep_nbest_models 2 --best_model_criterion valid,acc,max --use_tensorboard false --seed 7
"""


class Corpus:
    """A toy corpus, with its options as egs2 takes them and as ESPnet 3 does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.words = [*make_toy_corpus(root, utterances=20).arguments, *OPTIONS.split()]

    def egs2(self, name: str, *more: str) -> Path:
        folder = self.root / name
        train_as_in_egs2([*self.words, "--output_dir", str(folder), *more])
        return folder

    def config(self, name: str, *more: str) -> DictConfig:
        """Returns the configuration that `launch` would load from a recipe."""
        parser = MSPTask.get_parser()
        given = vars(parser.parse_args([*self.words, *more]))
        default = vars(parser.parse_args([]))
        model = {key: value for key, value in given.items() if value != default[key]}
        recipe = self.root / f"{name}.yaml"
        OmegaConf.save({"recipe_dir": str(self.root), "model": model}, recipe)
        loaded: Any = load_and_merge_config(recipe, "training.yaml", "espnet_soups.espnet3")
        return loaded

    def espnet3(self, name: str, *more: str) -> Path:
        config = self.config(name, *more)
        MSPSystem(training_config=config).train()
        return Path(config.exp_dir)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("espnet3"))


def load(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=False)


def test_fifty_steps_give_the_parameters_weights_and_moments_of_egs2(corpus: Corpus):
    epochs = ("--max_epoch", str(EPOCHS))
    expected = load(corpus.egs2("egs2", *epochs) / "checkpoint.pth")
    found = load(corpus.espnet3("lightning", *epochs) / "last.ckpt")
    assert found["global_step"] == EPOCHS * STEPS_OF_AN_EPOCH
    assert found["state_dict"].keys() == expected["model"].keys()
    for name, tensor in expected["model"].items():

        assert torch.equal(found["state_dict"][name], tensor), name
    ours, theirs = found["optimizer_states"][0], expected["optimizers"][0]
    assert str(ours["soup"]) == str(theirs["soup"])
    assert str(ours["state"]) == str(theirs["state"])

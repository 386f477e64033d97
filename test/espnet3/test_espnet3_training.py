"""Training under ESPnet 3's Lightning trainer equals egs2's, bit for bit."""

from pathlib import Path
from typing import Any

import kaldiio
import numpy as np
import pytest
import torch

from espnet_soups.bin.msp_inference import main as decode_as_in_egs2
from espnet_soups.bin.msp_train import main as train_as_in_egs2
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.testing.toy_corpus import make_toy_corpus

pytest.importorskip("lightning", reason="needs pip install 'espnet-soups[espnet3]'")
# Lightning warns of few workers and short epochs, and uses what PyTorch will drop
pytestmark = pytest.mark.filterwarnings("ignore")

from espnet3.utils.config_utils import load_and_merge_config  # noqa: E402
from omegaconf import DictConfig, OmegaConf  # noqa: E402

from espnet_soups.espnet3.options import options_of  # noqa: E402
from espnet_soups.espnet3.system import MSPSystem  # noqa: E402

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
--optim adamw --optim_conf lr=0.01
--batch_type numel --batch_bins 1200 --valid_batch_bins 9999 --grad_clip 1.0
--num_iters_per_epoch 10 --num_workers 0 --use_tensorboard false --seed 7
--keep_nbest_models 2 --best_model_criterion valid,acc,max
"""


WARMUP = ("--scheduler", "warmuplr", "--scheduler_conf", "warmup_steps=20")


class Corpus:
    """A toy corpus, and what egs2 and ESPnet 3 learn from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.words = [*make_toy_corpus(root, utterances=20).arguments, *OPTIONS.split()]
        frames = np.concatenate(list(kaldiio.load_scp(f"{root}/train/feats.scp").values()))
        statistics = {"count": len(frames), "sum": frames.sum(0), "sum_square": (frames**2).sum(0)}
        np.savez(root / "stats.npz", **{k: np.float64(v) for k, v in statistics.items()})
        self.words += ["--normalize", "global_mvn"]
        self.words += ["--normalize_conf", f"stats_file={root}/stats.npz"]

    def break_features(self, key: str) -> list[str]:
        """Return options that read features of which those of one utterance are NaN."""
        path = self.root / "broken"
        features = dict(kaldiio.load_scp(str(self.root / "train" / "feats.scp")))
        features[key] = np.full_like(features[key], np.nan)
        kaldiio.save_ark(f"{path}.ark", features, scp=f"{path}.scp")
        return [w.replace(f"{self.root}/train/feats.scp,", f"{path}.scp,") for w in self.words]

    def egs2(self, name: str, words: list[str]) -> Path:
        folder = self.root / name
        train_as_in_egs2([*words, "--output_dir", str(folder)])
        return folder

    def config(self, name: str, words: list[str], **more: Any) -> DictConfig:
        """Return what ESPnet 3 loads from a recipe that sets just these options."""
        parser = MSPTask.get_parser()
        given, default = vars(parser.parse_args(words)), vars(parser.parse_args([]))
        model = {key: value for key, value in given.items() if value != default[key]}
        recipe = self.root / f"{name}.yaml"
        here = {"recipe_dir": str(self.root), "egs2": {"folder": str(self.root)}}
        OmegaConf.save({**here, "model": model, **more}, recipe)
        loaded: Any = load_and_merge_config(recipe, "training.yaml", "espnet_soups.espnet3")
        return loaded

    def espnet3(self, name: str, words: list[str], **more: Any) -> Path:
        config = self.config(name, words, **more)
        MSPSystem(training_config=config).train()
        return Path(config.exp_dir)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("espnet3"))


def load(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def assert_same_state(ours: Any, theirs: Any) -> None:
    """Compare states of optimisers, that of the soup among them, bit for bit."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert_same_state(ours[key], theirs[key])
    elif isinstance(ours, list | tuple):
        for one, other in zip(ours, theirs, strict=True):
            assert_same_state(one, other)
    elif isinstance(ours, torch.Tensor):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    else:
        assert ours == theirs or (ours != ours and theirs != theirs)


def assert_same_model(lightning: Path, egs2: Path) -> None:
    found, expected = load(lightning / "last.ckpt"), load(egs2 / "checkpoint.pth")
    assert_same_state(dict(found["state_dict"]), dict(expected["model"]))


def assert_same_end(lightning: Path, egs2: Path) -> None:
    assert_same_model(lightning, egs2)
    found, expected = load(lightning / "last.ckpt"), load(egs2 / "checkpoint.pth")
    assert "soup" in expected["optimizers"][0]
    assert_same_state(found["optimizer_states"], expected["optimizers"])
    schedulers = [state for state in expected["schedulers"] if state is not None]
    assert_same_state(found["lr_schedulers"], schedulers)


def test_fifty_steps_give_the_parameters_weights_and_moments_of_egs2(corpus: Corpus):
    words = [*corpus.words, *WARMUP, "--max_epoch", "5"]
    folder, reference = corpus.espnet3("fifty", words), corpus.egs2("egs2_fifty", words)
    assert load(folder / "last.ckpt")["global_step"] == 50
    assert_same_end(folder, reference)
    # the best epochs by the same statistic, averaged
    average, expected = (load(run / "valid.acc.ave.pth") for run in (folder, reference))
    assert_same_state(dict(average), dict(expected))


@pytest.mark.parametrize(
    "options",
    [
        ("--accum_grad", "4"),  # ten mini-batches: the last window is short
        (
            "--trainer_conf",
            "acts_on=measured_only",
            "--trainer_conf",
            "layers=[encoder.encoders.1]",
        ),
        ("--trainer_conf", "combiner=mgda", "--trainer_conf", "combiner_conf={}"),
        ("--freeze_param", "encoder.embed"),
    ],
    ids=["accumulation", "measured_only", "mgda", "frozen_layer"],
)
def test_other_settings_end_like_egs2(corpus: Corpus, options: tuple[str, ...], request: Any):
    words, name = [*corpus.words, "--max_epoch", "2", *options], request.node.callspec.id
    assert_same_end(corpus.espnet3(name, words), corpus.egs2(f"egs2_{name}", words))


def test_steps_that_egs2_skips_are_skipped(corpus: Corpus, caplog: pytest.LogCaptureFixture):
    words = [*corpus.break_features("fr-003"), *WARMUP, "--max_epoch", "2"]
    folder = corpus.espnet3("broken", words)
    assert "that were skipped, since a loss or a gradient was not finite" in caplog.text
    assert_same_end(folder, corpus.egs2("egs2_broken", words))


def test_a_run_that_is_resumed_equals_one_that_was_not_interrupted(corpus: Corpus):
    words = [*corpus.words, "--trainer_conf", 'penalty=[{"level":2,"increment":0.5}]']
    corpus.espnet3("resumed", [*words, "--max_epoch", "1"])
    long = [*words, "--max_epoch", "3"]
    folder = corpus.espnet3("resumed", long, fit={"ckpt_path": "last"})
    assert_same_end(folder, corpus.egs2("egs2_resumed", long))


def test_egs2_decodes_what_was_trained(corpus: Corpus):
    folder = corpus.espnet3("decoded", [*corpus.words, "--max_epoch", "1"])
    valid = corpus.root / "valid"
    words = ["--exp_dir", str(folder), "--utt2lang", str(valid / "utt2lang")]
    words += ["--data_path_and_name_and_type", f"{valid}/feats.scp,speech,kaldi_ark"]
    decode_as_in_egs2([*words, "--output_dir", str(folder / "output")])
    assert len(list(folder.glob("output/*/1best_recog/text"))) == 5  # an objective each


def test_a_learning_rate_that_follows_the_validation_is_lowered_as_in_egs2(corpus: Corpus):
    words = [*corpus.words, "--scheduler", "reducelronplateau", "--max_epoch", "3"]
    words += ["--scheduler_conf", "patience=0", "--scheduler_conf", "threshold=1.0"]
    assert_same_model(corpus.espnet3("plateau", words), corpus.egs2("egs2_plateau", words))
    with pytest.raises(ValueError, match=r"`fit.ckpt_path` does not work with .*reducelronplateau"):
        corpus.espnet3("plateau", words, fit={"ckpt_path": "last"})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"optimizer": {"_target_": "torch.optim.Adam"}},
            r"`optimizer` has no effect .*model.optim",
        ),
        ({"trainer": {"max_epochs": 3}}, r"`trainer.max_epochs` has no effect .*model.max_epoch"),
        ({"num_device": 2}, "`num_device` and `num_nodes` must be 1, but got 2 and 1"),
        (
            {"trainer": {"precision": "16-mixed"}},
            "`trainer.precision` must be 32, but got 16-mixed",
        ),
    ],
)
def test_settings_without_effect_are_refused(corpus: Corpus, more: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        options_of(corpus.config("refused", corpus.words, **more))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--init_param", "a.pth"), "`model.init_param` works with egs2 alone"),
        (("--trainer", "my.module:Trainer"), "Trainer"),
    ],
)
def test_options_are_checked_as_in_egs2(corpus: Corpus, options: tuple[str, ...], said: str):
    with pytest.raises(ValueError, match=said):
        options_of(corpus.config("refused", [*corpus.words, *options]))


def test_an_unknown_option_is_refused(corpus: Corpus):
    config = corpus.config("refused", corpus.words)
    config.model.encodr = "conformer"
    with pytest.raises(ValueError, match="`model` has unknown keys: encodr"):
        options_of(config)

"""The configurations of the recipes, driven by ESPnet's trainer: the rates of the paper."""

import numpy as np
import pytest
import torch
import yaml
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.tasks.abs_task import optim_classes, scheduler_classes
from espnet2.train.abs_espnet_model import AbsESPnetModel
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.trainer import Trainer
from recipe_configs import BASE, CONFIGS, EGS2, PAPER, name_of, read

from espnet_soups.task.checks.check_options import check_options
from espnet_soups.task.checks.check_recipe import parse_trial_options
from espnet_soups.task.parameter_groups import scale_learning_rates

OTHERS = ("asterisk", "debian_speech")
STEPS = 2  # optimiser steps of a trial epoch
HIGH, LOW = 5e-4, 5e-5


class Network(AbsESPnetModel):
    """A backbone and a head of one number each; its validation loss never improves."""

    shared_modules = ("encoder",)

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(1, 1)
        self.heads = torch.nn.Linear(1, 1)

    def forward(self, speech, **unused):
        loss = self.heads(self.encoder(speech)).square().mean()
        shown = loss.detach() if self.training else torch.tensor(1.0)
        return loss, {"loss": shown, "acc": shown}, torch.tensor(float(len(speech)))

    def collect_feats(self, **unused):
        return {}


class Batches(AbsIterFactory):
    def __init__(self, number):
        self.number = number

    def build_iter(self, epoch, shuffle=None):
        return [(["a", "b"], {"speech": torch.ones(2, 1)}) for _ in range(self.number)]


def train(path, folder, epochs, **changes):
    """Train with the optimiser, scheduler and trainer of a configuration.

    Returns:
        Learning rates of all groups at each optimiser step, [steps, groups].
    """
    words = ["--max_epoch", str(epochs), "--use_tensorboard", "false", "--num_att_plot", "0"]
    args = parse_trial_options(path, [*words, "--output_dir", str(folder)])
    if args.batch_seconds:  # as run.sh does
        args.feats_conf = {"type": "raw", "fs": 16000}
    args.asr_token_list = {language: [] for language in args.language_shares or {}}
    args.scheduler_conf = {**args.scheduler_conf, **changes}
    args.num_iters_per_epoch = None
    check_options(args)
    network = Network()
    optimizer = optim_classes[args.optim](network.parameters(), **args.optim_conf)
    scale_learning_rates(args, network, optimizer)
    scheduler = None
    if args.scheduler is not None:
        scheduler = scheduler_classes[args.scheduler](optimizer, **args.scheduler_conf)
    rates = []
    optimizer.register_step_pre_hook(
        lambda *_: rates.append([group["lr"] for group in optimizer.param_groups])
    )
    folder.mkdir(exist_ok=True)
    Trainer.run(
        model=network,
        optimizers=[optimizer],
        schedulers=[scheduler],
        train_iter_factory=Batches(STEPS * args.accum_grad),
        valid_iter_factory=Batches(1),
        plot_attention_iter_factory=None,
        trainer_options=Trainer.build_options(args),
        distributed_option=DistributedOption(),
    )
    return np.array(rates)


def paths(name):
    found = [path for path in CONFIGS if path.stem.endswith(name)]
    assert len(found) >= 2
    return found


def test_every_recipe_has_configurations_with_the_seed_that_results_were_made_with():
    assert {name_of(path).partition("/")[0] for path in CONFIGS} == {*PAPER, *OTHERS}
    assert all(yaml.safe_load(path.read_text()).get("seed") == 1 for path in CONFIGS)


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_every_configuration_trains_with_espnet_s_trainer(path, tmp_path):
    rates = train(path, tmp_path / "exp", 2)
    assert len(rates) == 2 * STEPS
    assert (rates > 0).all()
    assert rates.max() <= 2e-3


@pytest.mark.parametrize("recipe", PAPER)
@pytest.mark.parametrize("ssl", ["cpc", "best_rq"])
def test_pre_training_falls_to_a_tenth_every_20_epochs(recipe, ssl, tmp_path):
    path = EGS2 / recipe / "msp1" / "conf" / f"pretrain_{ssl}.yaml"
    rates = train(path, tmp_path / "exp", 41).reshape(41, STEPS)
    assert rates[:20] == pytest.approx(HIGH)
    assert rates[20:40] == pytest.approx(HIGH / 10)
    assert rates[40:] == pytest.approx(HIGH / 100)
    config = read(recipe, f"pretrain_{ssl}")
    assert (config["optim"], config["max_epoch"]) == ("adamw", 100)


@pytest.mark.parametrize("recipe", PAPER)
def test_fine_tuning_falls_to_a_tenth_once_more_than_10_epochs_brought_nothing(recipe, tmp_path):
    path = EGS2 / recipe / "msp1" / "conf" / "tuning" / f"{BASE[recipe]}_finetune.yaml"
    rates = train(path, tmp_path / "exp", 14).reshape(14, STEPS)
    assert rates[:12] == pytest.approx(HIGH)  # the first epoch is the best one, 11 follow
    assert rates[12:] == pytest.approx(HIGH / 10)
    config = read(recipe, f"{BASE[recipe]}_finetune")
    assert config["val_scheduler_criterion"] == ["valid", "loss"]
    assert (config["optim"], config["max_epoch"]) == ("adamw", 100)
    assert read(recipe, BASE[recipe])["max_epoch"] == 200


@pytest.mark.parametrize("recipe", PAPER)
@pytest.mark.parametrize(
    ("name", "backbone", "heads"), [("text", HIGH, LOW), ("release", LOW, HIGH)]
)
def test_backbone_and_heads_have_the_rates_that_the_name_says(
    recipe, name, backbone, heads, tmp_path
):
    path = EGS2 / recipe / "msp1" / "conf" / "tuning" / f"{BASE[recipe]}_lr_{name}.yaml"
    rates = train(path, tmp_path / "exp", 13).reshape(13, STEPS, 2)
    assert rates[:12, :, 0] == pytest.approx(backbone)
    assert rates[:12, :, 1] == pytest.approx(heads)
    assert rates[12] == pytest.approx(np.array([[backbone, heads]] * STEPS) / 10)


@pytest.mark.parametrize("path", paths("m_warmup"), ids=name_of)
def test_training_warms_up_from_its_first_step_then_follows_the_validation_loss(path, tmp_path):
    assert 0 < yaml.safe_load(path.read_text())["scheduler_conf"]["warmup_steps"] <= 5000
    rates = train(path, tmp_path / "exp", 14, warmup_steps=5)[:, 0]
    # the scheduler moves after a step, so the first two are alike
    assert rates[:6] == pytest.approx(HIGH * np.array([0.2, 0.2, 0.4, 0.6, 0.8, 1.0]))
    assert rates[6 : 12 * STEPS] == pytest.approx(HIGH)
    assert rates[12 * STEPS :] == pytest.approx(HIGH / 10)


@pytest.mark.parametrize("path", [*paths("cpc_warmup"), *paths("best_rq_warmup")], ids=name_of)
def test_pre_training_with_warm_up_falls_by_epochs_that_it_counts_in_steps(path, tmp_path):
    config = yaml.safe_load(path.read_text())
    steps = config["scheduler_conf"]["steps_per_epoch"]
    assert steps * config["accum_grad"] == config["num_iters_per_epoch"]
    assert 0 < config["scheduler_conf"]["warmup_steps"] < steps
    rates = train(path, tmp_path / "exp", 22, warmup_steps=STEPS - 1, steps_per_epoch=STEPS)[:, 0]
    # ESPnet counts the last step of an epoch to the next one
    assert rates[: 20 * STEPS - 1] == pytest.approx(HIGH)
    assert rates[20 * STEPS - 1 :] == pytest.approx(HIGH / 10)
    rates = train(path, tmp_path / "slow", 3, warmup_steps=4, steps_per_epoch=9)[:, 0]
    assert rates == pytest.approx(HIGH * np.array([0.25, 0.5, 0.75, 1.0, 1.0, 1.0]))

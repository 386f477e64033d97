import pytest

from espnet_soups.objectives.self_supervision.pretrain_config import (
    make_pretrain_config,
    ssl_settings,
)

TRAIN = (
    "encoder: e_branchformer\nencoder_conf: {num_blocks: 4}\nnormalize: global_mvn\nmax_epoch: 6\n"
)
PRETRAIN = "ssl_conf: {context_frames: 100}\nmax_epoch: 4\noptim: adam\n"


@pytest.fixture
def files(tmp_path):
    train, pretrain = tmp_path / "train.yaml", tmp_path / "pretrain.yaml"
    train.write_text(TRAIN)
    pretrain.write_text(PRETRAIN)
    return train, pretrain


def test_the_model_comes_from_training_and_the_rest_from_pre_training(files):
    config = make_pretrain_config(*files, "cpc")
    assert config == {
        "encoder": "e_branchformer",
        "encoder_conf": {"num_blocks": 4},
        "normalize": "global_mvn",
        "ssl_conf": {"context_frames": 100},
        "max_epoch": 4,
        "optim": "adam",
        "ssl": "cpc",
    }


def test_training_takes_the_settings_of_pre_training_unless_it_has_its_own(files):
    assert ssl_settings(files[0], make_pretrain_config(*files, "cpc")) == {"context_frames": 100}
    files[0].write_text(TRAIN + "ssl_conf: {context_frames: 60}\n")
    assert ssl_settings(files[0], make_pretrain_config(*files, "cpc")) == {"context_frames": 60}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "encoder_conf: {num_blocks: 5}\n",
            r"`encoder_conf: .*5.*but .*4.*leave `encoder_conf` out",
        ),
        ("ssl: best_rq\n", r"`ssl: best_rq`, but `--ssl cpc`"),
        ("- a\n", "YAML"),
    ],
)
def test_files_that_do_not_fit_are_refused(files, line, said):
    files[1].write_text(PRETRAIN + line)
    with pytest.raises(ValueError, match=said):
        make_pretrain_config(*files, "cpc")


def test_a_configuration_that_does_not_exist_is_named_with_what_to_set(tmp_path):
    with pytest.raises(OSError, match=r"none\.yaml does not exist: name .* `--pretrain_config`"):
        make_pretrain_config(tmp_path / "none.yaml", tmp_path / "other.yaml", "cpc")

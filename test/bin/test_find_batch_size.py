"""The command that finds the largest mini-batch: real trials, and what it refuses."""

import pytest
import yaml
from warm_python import warm_variables

from espnet_soups.bin.find_batch_size import main
from espnet_soups.bin.msp_train import main as msp_train
from espnet_soups.testing.toy_corpus import make_toy_corpus
from espnet_soups.testing.toy_model import DECODER_CONF, ENCODER_CONF


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    corpus = make_toy_corpus(tmp_path_factory.mktemp("corpus"), utterances=8)
    confs = {"encoder_conf": ENCODER_CONF, "st_decoder_conf": DECODER_CONF}
    options = [
        w for n, conf in confs.items() for k, v in conf.items() for w in (f"--{n}", f"{k}={v}")
    ]
    return [*corpus.arguments, "--encoder", "e_branchformer", *options, "--optim", "adam"]


@pytest.fixture
def warm(monkeypatch):
    for name, value in warm_variables().items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("warm")
def test_all_data_are_one_mini_batch_where_there_is_room_and_the_size_is_written(
    words, tmp_path, capsys
):
    path = tmp_path / "train.yaml"
    path.write_text("optim: adam\nbatch_bins: 5000  # a guess\n", encoding="utf-8")
    main([*words, "--batch_bins", "60000", "--memory_limit", "64", "--yaml", str(path)])
    told = capsys.readouterr().out.splitlines()
    # all 24 utterances of the corpus are in the mini-batch, so that none larger is tried
    assert told[0].startswith("batch_bins 60000: 24 utterances, ")
    assert told[0].endswith(" GiB, fits")
    assert told[1:] == ["batch_bins: 60000", f"wrote {path}"]
    assert yaml.safe_load(path.read_text()) == {"optim": "adam", "batch_bins": 60000}


@pytest.mark.usefixtures("warm")
def test_the_options_of_a_training_are_taken_and_seconds_stay_seconds(words, tmp_path, capsys):
    feats = (
        "type=fbank",
        "fs=8000",
        "num_mel_bins=2",
        "stack=4",
    )  # 25 frames of 8 numbers a second
    words = [*words, "--batch_bins", "60000", "--output_dir", str(tmp_path / "exp")]
    words += [word for setting in feats for word in ("--feats_conf", setting)]
    msp_train([*words, "--dry_run", "true"])
    path = tmp_path / "train.yaml"
    path.write_text("batch_seconds: 20\n", encoding="utf-8")
    main(["--exp_dir", str(tmp_path / "exp"), "--memory_limit", "64", "--yaml", str(path)])
    assert "batch_bins 60000: 24 utterances, " in capsys.readouterr().out
    assert yaml.safe_load(path.read_text()) == {"batch_seconds": 300.0}


def test_a_trial_is_ended_where_it_takes_more_than_it_may(words, capsys):
    with pytest.raises(ValueError, match="does not fit even with the smallest mini-batches"):
        main([*words, "--batch_bins", "1", "--memory_limit", "0.05"])
    assert capsys.readouterr().out == "batch_bins 1: ? utterances, does not fit\n"


@pytest.mark.usefixtures("warm")
def test_what_ends_a_trial_otherwise_is_told(words):
    said = r"A trial with batch_bins 9 ended with status 1: .*num_blocks"
    with pytest.raises(ValueError, match=said):
        main(
            [*words, "--batch_bins", "9", "--memory_limit", "64", "--encoder_conf", "num_blocks=x"]
        )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "On CPUs --memory_limit is needed"),
        (("--memory_limit", "-1"), "--memory_limit must be above 0 GiB, but got -1"),
        (("--memory_limit", "1", "--ngpu", "2"), "found on one GPU, but got --ngpu 2"),
        (("--yaml", "none.yaml"), "--yaml none.yaml does not exist"),
        (("--exp_dir", "exp/none"), "With --exp_dir all options of the training are those of its"),
    ],
)
def test_what_cannot_be_is_refused_before_any_trial(words, options, said):
    with pytest.raises((ValueError, OSError), match=said):
        main([*words, *options])

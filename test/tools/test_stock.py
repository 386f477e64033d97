"""Stock ESPnet beside a soup: equal audio, and miniatures of both arms for real."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from espnet2.samplers.build_batch_sampler import build_batch_sampler
from warm_python import warm_variables

from espnet_soups.data.lengths import read_shapes
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.task.union_sampler import LanguageData, UnionBatchSampler
from espnet_soups.testing.toy_corpus import make_toy_corpus
from tools.stock import run
from tools.stock.data import balance
from tools.stock.experiment import decode, training_options
from tools.stock.models import StockModel, refuse_own_parts, stock_models
from tools.stock.prepared import read_prepared
from tools.stock.publish import publish
from tools.stock.schedule import audio_of_joint, count_seen, find_limit, fit_schedule
from tools.stock.training import run_command, train_model

ENCODER = {
    "encoder": "transformer",
    "encoder_conf": {
        **{"output_size": 16, "attention_heads": 2, "linear_units": 16, "num_blocks": 1},
        **{"dropout_rate": 0.0, "input_layer": "linear"},
    },
}
DECODER = {"attention_heads": 2, "linear_units": 16, "num_blocks": 1}
TRAINING = {
    **{"optim": "adamw", "optim_conf": {"lr": 0.01}, "scheduler": "onecyclelr"},
    "scheduler_conf": {"max_lr": 0.01, "total_steps": 8, "cycle_momentum": False},
    **{"batch_type": "numel", "batch_bins": 1200, "num_iters_per_epoch": 4, "max_epoch": 2},
    **{"keep_nbest_models": 2, "num_workers": 0, "seed": 1, "lsm_weight": 0.1},
    **{"trainer": "msp", "trainer_conf": {"soup": "joint"}},
}
SEPARATE = {"asr_ctc_weight": 1.0, "st_decoder": "transformer", "st_decoder_conf": DECODER}
SHARED = {"text_heads": "shared", "text_ctc_weight": 0.3, "text_decoder_conf": DECODER}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """Folder of a recipe with what stages 1 to 6 leave, of a corpus of tones."""
    root = tmp_path_factory.mktemp("recipe")
    kept, statistics = root / "dump/fbank/0.1-30s", root / "exp/msp_stats_toy"
    kept.mkdir(parents=True)
    corpus = make_toy_corpus(kept, languages=("en", "fr"), pairs=("fr_en",), utterances=6)
    (root / "dump/fbank/test").symlink_to(kept / "valid")
    args = MSPTask.get_parser().parse_args([*corpus.arguments, "--output_dir", "x"])
    for lists in (args.asr_token_list, args.st_token_list):
        for language, path in lists.items():
            lists[language] = Path(path).read_text().split()
    for name in ("train", "valid"):
        (statistics / name).mkdir(parents=True)
        (statistics / name / "speech_shape").symlink_to(kept / name / "speech_shape")
    (statistics / "jobs/stats.1").mkdir(parents=True)
    options = json.loads(json.dumps({k: v for k, v in vars(args).items() if k != "required"}))
    (statistics / "jobs/stats.1/config.yaml").write_text(yaml.safe_dump(options))
    (root / "conf").mkdir()
    for name, heads in (("separate", SEPARATE), ("shared", SHARED)):
        text = yaml.safe_dump(ENCODER | TRAINING | heads)
        (root / "conf" / f"train_msp_{name}.yaml").write_text(text)
    (root / "conf/decode_msp.yaml").write_text("beam_size: 2\nmaxlenratio: 0.2\n")
    return root


def words(recipe, config, arm, *more):
    return ["--recipe", str(recipe), "--arm", arm, "--train_config", f"conf/{config}", *more]


@pytest.mark.parametrize(
    ("config", "arm", "models"),
    [
        ("train_msp_separate.yaml", "monolingual", {"asr_en": 8, "asr_fr": 8, "st_fr_en": 8}),
        ("train_msp_shared.yaml", "one_decoder", {"one_decoder": 8}),
    ],
)
def test_an_arm_is_trained_decoded_scored_and_published_and_left_alone_when_finished(
    recipe, config, arm, models, monkeypatch, capsys
):
    for name, value in warm_variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(recipe)
    run.main(words(recipe, config, arm, "--publish"))
    published = recipe / "studies/stock/runs.jsonl"
    record = json.loads(published.read_text().splitlines()[-1])
    assert record["arm"] == arm
    assert {name: one["steps"] for name, one in record["models"].items()} == models
    assert record["scores"].keys() == {"asr_en", "asr_fr", "st_fr_en"}
    assert {"wer", "cer", "bleu", "chrf"} <= record["mean"].keys()
    seen = sum(one["frames"] for one in record["models"].values())
    assert seen == pytest.approx(sum(record["joint"]["frames"].values()), rel=0.15)
    for folder in (recipe / "exp" / record["name"] / name for name in models):
        config = yaml.safe_load((folder / "config.yaml").read_text())  # as ESPnet understood it
        assert (config["encoder"], config["seed"]) == ("transformer", 1)
        assert config["encoder_conf"]["output_size"] == 16
        assert config["scheduler_conf"]["total_steps"] == 8
        assert config["input_size"] == 8
    files = [path for path in (recipe / "exp").rglob("*.pth") if not path.is_symlink()]
    files += (recipe / "exp" / record["name"]).rglob("times.json")
    before = [path.stat().st_mtime_ns for path in files]
    run.main(words(recipe, config_of(record), arm, "--publish"))
    assert [path.stat().st_mtime_ns for path in files] == before
    lines = published.read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines].count(record["name"]) == 1
    assert f"{record['name']}: wer" in capsys.readouterr().out


def config_of(record):
    return record["train_config"]


def test_joint_audio_is_what_its_mini_batches_hold(recipe, monkeypatch):
    monkeypatch.chdir(recipe)
    prepared = read_prepared(Path("exp"))
    args = training_options(Path("conf/train_msp_separate.yaml"), prepared, seed=3)
    joint = audio_of_joint(args, prepared)
    shapes = read_shapes(prepared.statistics / "train" / "speech_shape")
    sampler = UnionBatchSampler(
        {
            name: LanguageData(
                tuple(key for key in shapes if key.startswith(name)),
                np.array([shape[0] for key, shape in shapes.items() if key.startswith(name)]),
                8,
            )
            for name in ("en", "fr")
        },
        1200,
    )
    assert len(sampler) < 4  # so that an epoch of 4 steps is more than a pass
    drawn, at = [], 0
    while len(drawn) < 8:  # passes one after the other, each with its own seed and order
        batches = sampler.generate(at + 3)
        np.random.RandomState(at + 3).shuffle(batches)
        drawn, at = drawn + batches, at + 1
    expected = {"en": 0, "fr": 0}
    for key in (key for batch in drawn[:8] for key in batch):
        expected[key[:2]] += shapes[key][0]
    assert (joint.steps, joint.epochs, joint.frames) == (8, 2, expected)


@pytest.fixture
def shape_file(tmp_path):
    random = np.random.default_rng(0)
    rows = [f"u{n:03d} {random.integers(20, 200)},4" for n in range(200)]
    (tmp_path / "speech_shape").write_text("\n".join(rows) + "\n")
    return tmp_path / "speech_shape"


@pytest.mark.parametrize(("frames", "steps"), [(100_000, 120), (30_000, 60), (400_000, 300)])
def test_steps_of_the_stock_sampler_see_the_wanted_audio(shape_file, frames, steps):
    schedule = fit_schedule(shape_file, "numel", frames, steps, 6, seed=1)
    assert schedule.frames == pytest.approx(frames, rel=0.05)
    assert schedule.steps == pytest.approx(steps, rel=0.1)
    lengths = {key: shape[0] for key, shape in read_shapes(shape_file).items()}
    batches = list(
        build_batch_sampler("numel", 0, schedule.batch_bins, [str(shape_file)], min_batch_size=1)
    )
    seen = count_seen(batches, 1, schedule.epochs, schedule.steps_per_epoch)
    assert sum(times * lengths[key] for key, times in seen.items()) == schedule.frames


def test_the_limit_of_mini_batches_is_the_smallest_that_serves(shape_file):
    limit = find_limit(shape_file, "length", 37)
    counts = [
        len(build_batch_sampler("length", 0, bins, [str(shape_file)]))
        for bins in (limit, limit - 1)
    ]
    assert counts[0] <= 37 < counts[1]


@pytest.mark.parametrize("shares", [{"a": 1, "b": 1}, {"a": 3, "b": 1}, {"a": 1, "b": 7}])
def test_entries_are_repeated_until_languages_have_their_shares(shares):
    languages = ["a"] * 300 + ["b"] * 50
    lengths = np.random.default_rng(1).integers(20, 60, 350).tolist()
    counts = balance(languages, lengths, shares, seed=0)
    audio = {
        name: sum(
            times * length
            for own, times, length in zip(languages, counts, lengths, strict=True)
            if own == name
        )
        for name in shares
    }
    assert audio["a"] / audio["b"] == pytest.approx(shares["a"] / shares["b"], rel=0.02)
    assert min(counts) >= 1
    assert all(
        len({times for own, times in zip(languages, counts, strict=True) if own == name}) <= 2
        for name in shares
    )
    assert counts == balance(languages, lengths, shares, seed=0)


def test_a_record_replaces_an_earlier_one_of_its_name_set_and_configuration(tmp_path):
    path = tmp_path / "studies" / "runs.jsonl"
    keys = [("b", "test", "d.yaml"), ("a", "test", "d.yaml")]
    keys += [("b", "dev", "d.yaml"), ("b", "test", "beam.yaml"), ("b", "test", "d.yaml")]
    for value, (name, test_set, config) in enumerate(keys):
        record = {"name": name, "set": test_set, "inference_config": config, "value": value}
        publish(record, path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["value"] for line in lines] == [1, 2, 3, 4]
    path.write_text('{"name": "b"}\n')
    with pytest.raises(ValueError, match=r"runs\.jsonl, line 1 is not as it is written"):
        publish(record, path)


def test_published_records_of_this_repository_can_be_added_to(tmp_path):
    path = Path(__file__).parents[2] / "egs2/asterisk/msp1/studies/stock/runs.jsonl"
    copy = shutil.copy(path, tmp_path)
    publish(json.loads(path.read_text().splitlines()[0]), Path(copy))
    assert Path(copy).read_text() == path.read_text()


def test_a_set_is_decoded_again_if_configuration_model_or_set_changed(
    recipe, tmp_path, monkeypatch
):
    monkeypatch.chdir(recipe)
    prepared, model = read_prepared(Path("exp")), StockModel("asr", "asr", (), {}, ("loss", "min"))
    config, test_set, calls = tmp_path / "decode.yaml", tmp_path / "test", []
    shutil.copytree(prepared.set_dir("test"), test_set)
    trained = tmp_path / "run" / "asr" / "valid.loss.ave.pth"
    trained.parent.mkdir(parents=True)
    for path in (config, trained):
        path.write_text("1")

    def decoded(words, folder, log):
        calls.append(words)
        (folder / "times.json").write_text('{"seconds": 1.0}')

    def run_again():
        calls.clear()
        target = tmp_path / "run" / "decode" / "test"
        decode(tmp_path / "run", [model], prepared, test_set, target, config)
        return len(calls)

    monkeypatch.setattr("tools.stock.experiment.run_command", decoded)
    assert [run_again(), run_again()] == [1, 0]
    for path in (config, trained, test_set / "utt2lang", test_set / prepared.speech_file):
        before = path.read_text()
        path.write_text(before + "\n")
        assert [run_again(), run_again()] == [1, 0], path

    def interrupted(words, folder, log):
        raise KeyboardInterrupt

    config.write_text("2")
    monkeypatch.setattr("tools.stock.experiment.run_command", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_again()
    config.write_text("1\n")  # as it was before, but its hypotheses may be gone
    monkeypatch.setattr("tools.stock.experiment.run_command", decoded)
    assert run_again() == 1


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        (["--asr_weight", "1"], ValueError, "`--asr_weight` must be from 0 to below 1, but got 1"),
        (["--seed", "-1"], ValueError, "`--seed` must be 0 or more, but got -1"),
        (["--recipe", "nowhere"], FileNotFoundError, "`--recipe`: there is no folder nowhere"),
        (["--train_config", "no.yaml"], FileNotFoundError, r"no\.yaml does not exist in "),
        (["--expdir", "none"], FileNotFoundError, r"none/msp_stats_\* is missing; run ./run.sh"),
        (["--stats_dir", "exp"], FileNotFoundError, r"exp/jobs/stats.1/config.yaml is missing"),
        (["--test_set", "eval"], FileNotFoundError, "eval/utt2lang is missing; run ./run.sh"),
        (["--arm", "one_decoder"], ValueError, "needs a configuration with `text_heads: shared`"),
        (["--train_config", "conf/train_msp_shared.yaml"], ValueError, "`text_heads: separate`"),
    ],
)
def test_bad_input_ends_in_one_sentence_before_any_training(
    recipe, more, error, message, monkeypatch
):
    monkeypatch.chdir(recipe)
    with pytest.raises(error, match=message):
        run.main([*words(recipe, "train_msp_separate.yaml", "monolingual"), *more])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"encoder": "whisper_hf"}, "`encoder: whisper_hf`, which stock ESPnet does not have"),
        ({"optim": "muon"}, "`optim: muon`, which stock ESPnet does not have; it has .*adamw"),
        ({"heads_lr_scale": 2.0}, "`heads_lr_scale: 2.0`, which has no counterpart"),
        ({"batch_type": "unsorted"}, "`batch_type` must be one of"),
        ({"asr_heads": "shared"}, "needs `asr_heads: separate` and `st_heads: separate`"),
        ({"st_ctc_weight": 1.0}, "`st_ctc_weight: 1.0`, but ESPnet's ST models need a decoder"),
        ({"num_iters_per_epoch": 1, "max_epoch": 9}, None),
    ],
)
def test_a_configuration_without_a_counterpart_is_refused(recipe, setting, message, monkeypatch):
    monkeypatch.chdir(recipe)
    text = yaml.safe_dump(ENCODER | TRAINING | SEPARATE | setting)
    (recipe / "conf" / "train_msp_odd.yaml").write_text(text)
    prepared = read_prepared(Path("exp"))
    args = training_options(Path("conf/train_msp_odd.yaml"), prepared, seed=1)

    def check():
        refuse_own_parts(args)
        stock_models("monolingual", args, prepared, 0.3)
        audio_of_joint(args, prepared)

    if message is None:
        check()
        return
    with pytest.raises(ValueError, match=message):
        check()


def test_a_folder_of_other_options_and_a_failed_training_are_named(tmp_path, monkeypatch):
    model = StockModel("asr_en", "asr", (), {}, ("loss", "min"))
    (tmp_path / "train.yaml").write_text("seed: 1\n")
    with pytest.raises(ValueError, match=r"train\.yaml holds other options than this run has"):
        train_model(tmp_path, model, {"seed": 2})
    with pytest.raises(ValueError, match=r"no_such_module has failed with status 1; see .*x\.log"):
        run_command(["no_such_module"], tmp_path, "x.log")

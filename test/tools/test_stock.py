"""Stock ESPnet beside a soup: equal audio, and miniatures of both arms for real."""

import json
from pathlib import Path

import pytest
import yaml

pytest.importorskip("espnet2")
from espnet_soups.task.msp_task import MSPTask
from espnet_soups.testing.toy_corpus import make_toy_corpus
from tools.stock import run
from tools.stock.data import balance
from tools.stock.prepared import read_prepared
from tools.stock.publish import publish
from tools.stock.schedule import audio_of_joint, count_seen, find_limit, fit_schedule

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
        ("train_msp_separate.yaml", "monolingual", {"asr_en", "asr_fr", "st_fr_en"}),
        ("train_msp_shared.yaml", "one_decoder", {"one_decoder"}),
    ],
)
def test_an_arm_is_trained_decoded_scored_published_and_left_alone_when_finished(
    recipe, config, arm, models, monkeypatch, capsys
):
    monkeypatch.chdir(recipe)
    run.main(words(recipe, config, arm, "--publish"))
    lines = (recipe / "studies/stock/runs.jsonl").read_text().splitlines()
    record = next(line for line in map(json.loads, lines) if line["arm"] == arm)
    assert record["models"].keys() == models
    assert record["scores"].keys() == {"asr_en", "asr_fr", "st_fr_en"}
    assert {"wer", "cer", "bleu", "chrf"} <= record["mean"].keys()

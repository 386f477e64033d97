"""What the configurations of the recipes say, against each other and the paper."""

import numpy as np
import pytest
import yaml
from recipe_configs import BASE, CONFIGS, PAPER, name_of, read

from espnet_soups.levels.penalty import build_penalties
from espnet_soups.soup.config import read_soup_config
from espnet_soups.task.union_sampler import LanguageData, UnionBatchSampler

# How a variant of the paper's configuration differs from it.
VARIANTS = {
    "lr_text": {"heads_lr_scale": 0.1},
    "lr_release": {"backbone_lr_scale": 0.1},
    "warmup": {"scheduler", "scheduler_conf"},
    "finetune": {"max_epoch": 100},
    "paper": {"trainer_conf", "batch_bins", "accum_grad"},
}
# House default of each recipe: the paper's configuration stands beside it.
HOUSE = {**BASE, "asterisk": "train_msp_e_branchformer_20min"}
EPOCHS_OF_THE_PAPER = 200
# Utterances, mean length in seconds and its deviation (reckoned from hours; the last is a guess),
# at a tenth of the corpora.
LENGTHS = {
    "covost2": {
        "ca": (9585, 5.11, 1.5),
        "de": (12783, 5.18, 1.6),
        "en": (28943, 5.35, 1.7),
        "es": (7901, 5.15, 1.6),
        "fr": (20737, 4.58, 1.5),
    },
    "librispeech_aishell": {"en": (2854, 12.69, 3.5), "zh": (12010, 4.5, 1.4)},
}


@pytest.mark.parametrize("recipe", PAPER)
@pytest.mark.parametrize("suffix", VARIANTS)
def test_a_variant_differs_from_the_paper_s_configuration_in_what_its_name_says(recipe, suffix):
    base, other = read(recipe, BASE[recipe]), read(recipe, f"{BASE[recipe]}_{suffix}")
    changed = {key: other.get(key) for key in {*base, *other} if base.get(key) != other.get(key)}
    expected = VARIANTS[suffix]
    assert changed == expected if isinstance(expected, dict) else set(changed) == expected


@pytest.mark.parametrize("recipe", PAPER)
def test_variants_of_pre_training_differ_in_what_their_names_say(recipe):
    for ssl in ("cpc", "best_rq"):
        base, warm = read(recipe, f"pretrain_{ssl}"), read(recipe, f"pretrain_{ssl}_warmup")
        keys = {key for key in {*base, *warm} if base.get(key) != warm.get(key)}
        assert keys == {"scheduler", "scheduler_conf", "num_iters_per_epoch"}
    base, longer = read(recipe, "pretrain_cpc"), read(recipe, "pretrain_cpc_200epochs")
    assert longer == {**base, "max_epoch": 200}


@pytest.mark.parametrize("recipe", PAPER)
@pytest.mark.parametrize("kind", ["train", "pretrain"])
def test_an_optimiser_step_sees_about_256_utterances_of_all_languages(recipe, kind):
    config = read(recipe, BASE[recipe] if kind == "train" else "pretrain_cpc")
    random = np.random.default_rng(0)
    data = {}
    for language, (number, mean, deviation) in LENGTHS[recipe].items():
        seconds = random.normal(mean, deviation, number).clip(1.0, 20.0)
        keys = tuple(f"{language}{index}" for index in range(number))
        data[language] = LanguageData(keys, (25 * seconds).astype(int), 320)
    alpha = config.get("sampling_alpha", 0.0)
    sampler = UnionBatchSampler(data, config["batch_bins"], alpha)
    batches = sampler.generate(1)
    utterances = config["accum_grad"] * np.mean([len(batch) for batch in batches])
    assert utterances == pytest.approx(256, rel=0.05)
    if kind == "pretrain":  # an epoch is all audio about once
        total = sum(len(value.keys) for value in data.values())
        assert sum(len(batch) for batch in batches) == pytest.approx(total, rel=0.1)


@pytest.mark.parametrize("recipe", HOUSE)
def test_the_paper_s_configuration_measures_all_layers_of_every_step_and_weighs_that_step(recipe):
    soup = read(recipe, f"{HOUSE[recipe]}_paper")["trainer_conf"]
    expected = {"mode": "exact", "layers": "all", "refresh": 1, "gradient_norm": "none"}
    assert expected.items() <= soup.items()
    assert not {"metric", "gram", "acts_on", "nested_penalty"} & set(soup)  # defaults


@pytest.mark.parametrize("recipe", HOUSE)
def test_the_paper_s_configuration_differs_from_the_default_in_its_soup_alone(recipe):
    house, paper = read(recipe, HOUSE[recipe]), read(recipe, f"{HOUSE[recipe]}_paper")
    for config in (house, paper):
        config["bins_of_a_step"] = config.pop("batch_bins") * config.pop("accum_grad")
    assert {key for key in {*house, *paper} if house.get(key) != paper.get(key)} == {"trainer_conf"}
    changed = {
        key
        for key in {*house["trainer_conf"], *paper["trainer_conf"]}
        if house["trainer_conf"].get(key) != paper["trainer_conf"].get(key)
    }
    assert {"mode", "layers", "refresh"} <= changed
    assert changed <= {"mode", "layers", "refresh", "gradient_norm", "penalty", "combiner_conf"}


@pytest.mark.parametrize("recipe", HOUSE)
def test_a_configuration_accumulates_only_where_its_mode_lets_it(recipe):
    house, paper = read(recipe, HOUSE[recipe]), read(recipe, f"{HOUSE[recipe]}_paper")
    assert paper["accum_grad"] == 1  # `mode: exact` refuses another
    assert paper["batch_bins"] == house["batch_bins"] * house["accum_grad"]


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_penalties_are_the_curve_of_the_paper_in_runs_of_any_length(path):
    config = yaml.safe_load(path.read_text())
    entries = config.get("trainer_conf", {}).get("penalty", [])
    if path.stem.endswith("_paper") and config["max_epoch"] == EPOCHS_OF_THE_PAPER:
        assert entries == [{"level": e["level"], "increment": 0.02, "max": 1.5} for e in entries]
    else:
        maxima = [e["max"] for e in entries]
        assert entries == [{"level": e["level"], "max": e["max"]} for e in entries]
        # levels of kinds that the paper does not have may weigh less, the first penalty never
        assert maxima[:1] in ([], [1.5])
        assert set(maxima) <= ({0.5, 1.5} if config.get("objectives") else {1.5})
    assert [entry["level"] for entry in entries] == list(range(2, 2 + len(entries)))
    penalties = build_penalties(entries, levels=4)
    epochs, steps = config["max_epoch"], [0.0] * 4
    assert penalties.at(0.0, epochs, steps) == [1.0, 0.0, 0.0, 0.0]
    if epochs == EPOCHS_OF_THE_PAPER:  # 0.02 an epoch, up to the 75th
        for done in (10, 75, 199):
            expected = [1.0] + 3 * [pytest.approx(min(1.5, 0.02 * done))]
            assert penalties.at(done, epochs, steps) == expected
    assert penalties.shortfalls(epochs) == []


@pytest.mark.parametrize(
    "path",
    [p for p in CONFIGS if "former" in p.stem and not p.stem.endswith(("_paper", "_planted"))],
    ids=name_of,
)
def test_the_top_of_the_encoder_is_measured_in_one_step_of_eight_or_of_four_in_short_runs(path):
    config = yaml.safe_load(path.read_text())
    blocks, soup = config["encoder_conf"]["num_blocks"], config["trainer_conf"]
    # a quarter; small encoders: two layers, but not all
    number = min(max(2, round(blocks / 4)), blocks - 1)
    measured = [f"encoder.encoders.{block}" for block in range(blocks)][-number:]
    one = config.get("text_heads") == "shared"  # then the decoder is measured, too
    depth = config["text_decoder_conf"]["num_blocks"] if one else 0
    decoder = [f"shared_heads.text.decoder.decoders.{block}" for block in range(depth)]
    refresh = 4 if "_small" in path.stem or path.stem.endswith("_study") else 8
    assert (soup["layers"], soup["refresh"]) == ([*measured, *decoder], refresh)


def test_one_decoder_differs_from_separate_heads_in_heads_and_measured_layers_alone():
    names = (f"train_msp_e_branchformer_10min_{end}" for end in ("kinds", "one_decoder"))
    house, other = (read("asterisk", name) for name in names)
    changed = {key for key in {*house, *other} if house.get(key) != other.get(key)}
    text = {"text_heads", "text_ctc_weight", "text_decoder", "text_decoder_conf"}
    assert changed == {*text, "asr_ctc_weight", "st_decoder", "st_decoder_conf", "trainer_conf"}
    soups = [{k: v for k, v in c["trainer_conf"].items() if k != "layers"} for c in (house, other)]
    assert soups[0] == soups[1]


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_settings_of_every_soup_are_accepted(path):
    config = yaml.safe_load(path.read_text())
    if config.get("trainer") == "msp":
        soup = read_soup_config(config["trainer_conf"])
        assert soup.mode == "pipelined" or config["accum_grad"] == 1


@pytest.mark.parametrize(
    "path",
    [path for path in CONFIGS if name_of(path).startswith(PAPER) and "former" in path.stem],
    ids=name_of,
)
def test_a_frequency_mask_hides_up_to_27_of_80_filters_in_all_stacked_frames(path):
    conf = yaml.safe_load(path.read_text())["specaug_conf"]
    assert conf["freq_mask_width_range"] == [0, 27 * 4]

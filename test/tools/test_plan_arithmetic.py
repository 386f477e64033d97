"""The arithmetic of the plan for large machines, against examples reckoned by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from espnet_soups.tables.plan import Row, load_table
from tools.machine_plan import flops, memory
from tools.machine_plan.corpus_sizes import CORPUS_SIZES
from tools.machine_plan.machine import GPUS, Machine
from tools.machine_plan.planner import only_config, plan_rows
from tools.machine_plan.read_shape import read_shape
from tools.machine_plan.report import Batch, fit_batch, render_batches
from tools.machine_plan.row_plan import plan_row
from tools.machine_plan.row_settings import crop_share, measuring_of, read_settings
from tools.machine_plan.shapes import Audio, Measuring, ModelShape

SHAPE = ModelShape(
    blocks=10,
    width=100,
    inner=400,
    heads=4,
    encoder=1_000_000,
    asr=100_000,
    st=200_000,
    decoder_blocks=1,
    decoder_inner=400,
    languages=5,
    pairs=4,
    asr_vocabulary=500,
    st_vocabulary=1000,
)
AUDIO = Audio(clip_seconds=4.0, translated_share=0.5)


def test_a_second_of_audio_costs_two_flops_a_parameter_and_frame_and_eight_t_d_in_attention():
    # 25 frames; 2 x 1,000,000 for parameters; 8 x 100 keys x 100 wide x 10 blocks
    assert flops.encoder_flops(SHAPE, 4.0) == 25 * (2_000_000 + 800_000)
    # a recognition head of 20,000; half of the audio passes a decoder of 50,000
    assert flops.head_flops(SHAPE, AUDIO) == 25 * 2 * (20_000 + 25_000)
    assert flops.forward_flops(SHAPE, AUDIO) == 72_250_000
    with_ssl = replace(AUDIO, crop_share=0.5)
    assert flops.forward_flops(SHAPE, with_ssl) == 72_250_000 + 35_000_000


ENCODER, HEADS = 70_000_000, 2_250_000  # a second of AUDIO, forward; see the test above


@pytest.mark.parametrize(
    ("measuring", "crop_share", "passes"),
    [
        (Measuring(depth=1.0, pooled=False), 0.0, 1.5),  # recognition, and translation of half
        (Measuring(depth=1.0), 0.0, 9),  # nine objectives through all of a pooled mini-batch
        (Measuring(depth=1.0), 0.5, 9.5),  # self-supervision through its crops
        (Measuring(depth=0.25), 0.0, 0.25 * 9 + 0.75),  # one pass below the lowest layer
        (Measuring(depth=0.25), 0.5, 0.25 * 9.5 + 0.75 * 1.5),
        (Measuring(depth=0.25, pooled=False), 0.0, 0.25 * 1.5 + 0.75),
    ],
)
def test_a_measured_step_walks_measured_layers_once_per_objective_and_the_rest_once(
    measuring, crop_share, passes
):
    audio = replace(AUDIO, crop_share=crop_share)
    backward = 2 * ENCODER * passes + 2 * HEADS
    assert flops.measured_flops(SHAPE, audio, measuring) == pytest.approx(backward)
    forward = ENCODER * (1 + crop_share) + HEADS
    assert flops.training_flops(SHAPE, audio, measuring) == pytest.approx(forward + backward)


def test_rows_that_are_not_reused_come_beside_an_ordinary_backward_pass():
    beside = Measuring(depth=0.25, reused=False)
    rows = 2 * ENCODER * 0.25 * 9 + HEADS  # to what enters the heads, not to their parameters
    assert flops.measured_flops(SHAPE, AUDIO, beside) == rows + 2 * 72_250_000


def test_a_transformer_has_no_relative_positions_and_frozen_convolutions_go_forward_alone():
    # 50 frames; 2 x 1,000,000 for parameters; 4 x 200 keys x 100 wide x 10 blocks
    shape = replace(SHAPE, frames_per_second=50, kind="transformer", input_flops=7e6)
    encoder = 50 * (2_000_000 + 800_000)
    assert flops.encoder_flops(shape, 4.0) == encoder
    heads = 2 * HEADS  # as many tokens as frames
    audio = replace(AUDIO, crop_share=0.5)
    assert flops.forward_flops(shape, audio) == pytest.approx(1.5 * (encoder + 7e6) + heads)
    assert flops.backward_flops(shape, audio) == pytest.approx(2 * (1.5 * encoder + heads))
    decoder = 25 * 100 + 3.25 * 400 + 4.5 * 4 * 200 + 3 * 1000
    numbers = 10 * (10.5 * 100 + 3.25 * 400) + 3 * 500 + 0.5 * decoder
    assert memory.frame_bytes(shape, AUDIO, 4, Measuring()) == 4 * numbers


def test_steps_that_measure_nothing_cost_what_joint_training_costs():
    assert flops.training_flops(SHAPE, AUDIO, Measuring()) == 3 * 72_250_000
    measured = flops.measured_flops(SHAPE, AUDIO, Measuring(depth=1.0))
    quarter = flops.training_flops(SHAPE, AUDIO, Measuring(depth=1.0, steps=0.25))
    assert quarter == 72_250_000 + 0.25 * measured + 0.75 * 2 * 72_250_000


def test_one_measured_step_of_eight_costs_an_eighth_of_what_measuring_costs():
    # forward 72.25; backward 144.5; measured 2 x 70 x (9 / 4 + 3 / 4) + 4.5 = 424.5 million
    eighth = Measuring(depth=0.25, steps=1 / 8)
    expected = 72_250_000 + 7 / 8 * 144_500_000 + 1 / 8 * 424_500_000
    assert flops.training_flops(SHAPE, AUDIO, eighth) == pytest.approx(expected) == 251_750_000


def test_weights_of_their_own_elsewhere_cost_a_pass_through_the_encoder_in_every_step():
    # on top 2 x 70 + 2.25 = 142.25 million; measured 2 x 70 x 9 / 4 + 2.25 + 144.5 = 461.75
    apart = Measuring(depth=0.25, steps=1 / 8, reused=False, elsewhere=True)
    expected = 72_250_000 + 7 / 8 * 144_500_000 + 1 / 8 * 461_750_000 + 142_250_000
    assert flops.training_flops(SHAPE, AUDIO, apart) == pytest.approx(expected) == 398_656_250
    # the pass takes U's crops as well: 2 x 35 million
    with_ssl = replace(AUDIO, crop_share=0.5)
    plain = replace(apart, elsewhere=False)
    extra = flops.training_flops(SHAPE, with_ssl, apart)
    extra -= flops.training_flops(SHAPE, with_ssl, plain)
    assert extra == pytest.approx(212_250_000)


# Of the engine before, whose `refresh: 4` measured two steps of four: half of them.
@pytest.mark.parametrize(
    ("reused", "depth", "steps", "measured", "tolerance"),
    [
        (False, 1.0, 1.0, 2.87 / 1.29, 0.05),
        (False, 0.25, 1.0, 1.74 / 1.29, 0.05),
        (False, 0.25, 0.5, 1.51 / 1.29, 0.05),
        (True, 1.0, 1.0, 2.07 / 1.20, 0.12),  # many small operations, and rows to be written
        (True, 0.25, 1.0, 1.42 / 1.20, 0.05),
        (True, 0.25, 0.5, 1.28 / 1.20, 0.05),
    ],
)
def test_the_arithmetic_agrees_with_the_ratios_that_the_benchmark_measured(
    reused, depth, steps, measured, tolerance
):
    # docs/large_machines.md: 4 blocks of width 128, four of five languages translated
    shape = replace(SHAPE, blocks=4, width=128, asr=0, st=0)
    audio = Audio(clip_seconds=3.0, translated_share=0.8)
    joint = flops.training_flops(shape, audio, Measuring())
    measuring = Measuring(depth, steps, pooled=False, reused=reused)
    soup = flops.training_flops(shape, audio, measuring)
    assert soup / joint == pytest.approx(measured, rel=tolerance)


def test_espnet_s_published_training_time_is_the_utilisation_that_is_assumed():
    # LibriSpeech 100 h, Conformer of 12 blocks, one V100, mixed precision, three speeds, 70 epochs:
    # 57,072 s. Its decoder has no language heads: all parameters are counted for every frame.
    shape = replace(SHAPE, blocks=12, width=256, encoder=34_230_000, asr=0, st=0)
    seconds = 100.6 * 3600 * 70 * (1 / 0.9 + 1 + 1 / 1.1)
    operations = seconds * 3 * flops.encoder_flops(shape, 100.6 * 3600 / 28_539)
    reached = operations / 57_072 / (GPUS["V100"][0] * 1e12)
    assert Machine(1, 1.0, 1.0).utilisation == pytest.approx(reached, rel=0.1)


def test_hours_memory_and_disk_are_products():
    assert flops.gpu_hours(1e18, peak_tflops=100.0, utilisation=0.5) == pytest.approx(5.5556, 1e-4)
    # 25 x 100 + 6.5 x 400 + 2.25 x 4 x 100
    assert memory.conformer_numbers(100, 400, 4, 100.0) == 6000.0
    decoder = 25 * 100 + 3.25 * 400 + 4.5 * 4 * 100 + 3 * 1000
    expected = 4 * (6000 * 10 + 3 * 500 + 0.5 * decoder)
    assert memory.frame_bytes(SHAPE, AUDIO, 4, Measuring()) == expected
    cut = 4 * 9 * 100  # nine gradients of what enters the lowest measured layer
    assert memory.frame_bytes(SHAPE, AUDIO, 4, Measuring(depth=0.5)) == expected + cut
    assert memory.frame_bytes(SHAPE, AUDIO, 4, Measuring(depth=1.0)) == expected
    assert memory.frame_bytes(SHAPE, AUDIO, 4, Measuring(depth=0.5, reused=False)) == expected
    assert memory.fixed_bytes(SHAPE, AUDIO, Measuring(), gpus=1) == 16 * 1_300_000
    rows = 2 * 9 * 1_000_000 * 4 // 2
    halved = Measuring(depth=0.5)
    assert memory.fixed_bytes(SHAPE, AUDIO, halved, gpus=4) == 20 * 1_300_000 + rows
    # sums of an accumulation window beside the rows of its last mini-batch
    summed = memory.fixed_bytes(SHAPE, AUDIO, halved, gpus=4, accumulates=True)
    assert summed == 20 * 1_300_000 + 2 * rows
    assert memory.experiment_bytes(1_000_000, keep_nbest=10) == 64_000_000
    assert memory.features_gb(1000) == pytest.approx(115.2)


def test_covost_s_numbers_are_those_of_its_own_table():
    corpus = CORPUS_SIZES["covost2"]
    assert (corpus.train_hours, corpus.dev_hours, corpus.hours) == (1127, 110, 1350)
    assert corpus.pairs == ["fr_en", "de_en", "es_en", "ca_en"]
    assert corpus.translated_share == pytest.approx(697 / 1127)
    assert 4.5 < corpus.clip_seconds < 5.5


@pytest.mark.parametrize(
    ("settings", "needs", "expected"),
    [
        ({"soup": "joint"}, "cross Gram", Measuring(0.0)),
        ({"soup": "vs"}, "nothing", Measuring(0.0)),
        ({"soup": "vs", "layers": "all"}, "Gram", Measuring(1.0)),
        ({"layers": "conflicting", "refresh": 4}, "Gram", Measuring(1.0, 0.25)),
        ({"layers": ["encoder.encoders.9"], "refresh": "8"}, "Gram", Measuring(0.1, 0.125)),
        ({"soup": "joint", "combiner": "measure_only"}, "cross Gram", Measuring(1.0)),
        ({"soup": "joint", "gradient_norm": "rows", "refresh": 2}, "nothing", Measuring(1.0, 0.5)),
        ({"soup": "vs", "combiner": "measure_only", "refresh": 8}, "Gram", Measuring(1.0, 0.125)),
        ({"acts_on": "measured_only", "layers": ["encoder.encoders.9"]}, "Gram", Measuring(0.1)),
        (
            {"acts_on": "measured", "layers": ["encoder.encoders.9"]},
            "Gram",
            Measuring(0.1, reused=False, elsewhere=True),
        ),
        (
            {"acts_on": "measured", "layers": "conflicting"},
            "Gram",
            Measuring(1.0, reused=False, elsewhere=True),
        ),
        ({"acts_on": "measured"}, "Gram", Measuring(1.0, reused=False)),  # nothing is elsewhere
        ({"layers": "[encoder.encoders.8,encoder.encoders.9]"}, "Gram", Measuring(0.2)),
        ({"layers": ["encoder.model.encoder.layers.6"]}, "Gram", Measuring(0.4)),
        ({"layers": ["encoder.model.layers.9"]}, "Gram", Measuring(0.1)),
        ({"mode": "exact", "refresh": 4}, "Gram", Measuring(1.0, 1.0)),
    ],
)
def test_settings_tell_how_much_is_measured(settings, needs, expected):
    assert measuring_of(settings, blocks=10, pooled=True, needs=needs) == expected


@pytest.mark.parametrize(
    ("settings", "machine_reuses", "reused"),
    [
        ({"mode": "exact"}, True, True),
        ({"mode": "exact", "exact_batches": "3"}, True, False),
        ({"layers": "all"}, False, False),
    ],
)
def test_float16_and_a_third_batch_leave_measured_gradients_unused(
    settings, machine_reuses, reused
):
    measuring = measuring_of(settings, 10, True, "Gram", reuses=machine_reuses)
    assert measuring.reused == reused


def test_options_of_a_row_win_over_its_configuration():
    config = {"trainer_conf": {"soup": "vm", "combiner": "modo", "layers": "all"}}
    row = Row("a", "a", {"soup": "vs"}, {"trainer_conf": "refresh=8 layers=conflicting"})
    settings = read_settings(row, config)
    assert settings == {"soup": "vs", "combiner": "modo", "layers": "conflicting", "refresh": "8"}
    assert read_settings(Row("b", "b", {"baseline": "joint"}), config)["soup"] == "joint"


def test_self_supervision_encodes_its_crops_or_everything():
    assert crop_share("none", {}, 5.0) == 0.0
    assert crop_share("best_rq", {}, 5.0) == 1.0
    frames = {"context_frames": 40, "future_frames": 60}
    assert crop_share("cpc", frames, 4.0) == 0.1
    assert crop_share("cpc", {**frames, "targets": "encoded"}, 4.0) == 0.25
    assert crop_share("cpc", {}, 1.0) == 1.0


CONFIG = {
    "encoder": "conformer",
    "encoder_conf": {
        "num_blocks": 10,
        "output_size": 100,
        "linear_units": 400,
        "attention_heads": 4,
    },
    "encoding": "pooled",
    "trainer_conf": {"soup": "vm"},
    "batch_bins": 320_000,
    "accum_grad": 2,
    "max_epoch": 10,
    "keep_nbest_models": 10,
}


def plan(options, gpus=1):
    corpus = CORPUS_SIZES["covost2"]
    shape = read_shape(CONFIG, {"encoder": 1_000_000, "asr heads": 100_000}, corpus)
    machine = Machine(gpus=gpus, peak_tflops=100.0, memory_gb=10.0, utilisation=0.5)
    pretrain = {"max_epoch": 20, "ssl_conf": {}} if options.get("ssl") else {}
    return plan_row(Row("a", "a", options), CONFIG, pretrain, shape, corpus, machine, "Gram")


@pytest.mark.parametrize(
    ("encoder", "encoding", "rows"),
    [
        ("conformer", "auto", 9),  # BatchNorm: nine objectives, each through all languages
        ("e_branchformer", "auto", 1 + 697 / 1127),  # each through its own language
        ("e_branchformer", "pooled", 9),
        ("conformer", "per_language", 1 + 697 / 1127),
    ],
)
def test_a_row_walks_through_its_own_language_unless_all_are_encoded_at_once(
    encoder, encoding, rows
):
    config = {**CONFIG, "encoder": encoder, "encoding": encoding}
    corpus = CORPUS_SIZES["covost2"]
    shape = read_shape(config, {"encoder": 1_000_000}, corpus)
    machine = Machine(gpus=1, peak_tflops=100.0, memory_gb=10.0)
    planned = plan_row(Row("a", "a", {"soup": "vs"}), config, {}, shape, corpus, machine, "Gram")
    assert planned.ratio == pytest.approx((1 + 2 * rows) / 3)  # no heads: forward, and rows


def test_a_row_pays_for_pre_training_measuring_and_self_supervision():
    joint = plan({"soup": "joint"})
    assert (joint.ratio, joint.pretraining_hours, joint.pretraining) == (1.0, 0.0, "")
    assert joint.hours == pytest.approx(10 * joint.epoch_hours)
    two_stage = plan({"ssl": "cpc", "baseline": "two_stage"})
    assert two_stage.ratio == 1.0
    assert two_stage.pretraining == "cpc"
    # twice the epochs, without heads, and half of the audio: the contexts
    assert 0.85 < two_stage.pretraining_hours / two_stage.hours < 1.0
    joined = plan({"ssl": "cpc", "baseline": "joint"})
    assert joined.pretraining_hours == 0.0
    assert 1.4 < joined.ratio < 1.6
    soup = plan({"soup": "vs", "ssl": "cpc", "init_from_pretrained": "false"})
    assert 5.5 < soup.ratio < 7.0  # nine rows and U's, each through a pooled batch
    assert soup.memory_gb > joint.memory_gb


def test_a_search_costs_as_many_trainings_as_its_grid_has_points():
    one = plan({"ssl": "cpc", "baseline": "two_stage"})
    four = one.repeated(4)
    assert (four.hours, four.disk_gb) == (4 * one.hours, 4 * one.disk_gb)
    assert four.pretraining_hours == one.pretraining_hours  # one pre-training for all
    recipe = Path(__file__).parents[2] / "egs2" / "covost2" / "msp1"
    table = load_table(recipe / "tables" / "main.yaml")
    corpus = CORPUS_SIZES["covost2"]
    machine = Machine(gpus=1, peak_tflops=100.0, memory_gb=10.0, utilisation=0.5)
    plans = {own.row.run: own for own in plan_rows(table, recipe, CONFIG, SHAPE, corpus, machine)}
    assert plans["two_stage_static"].trainings == 4
    assert plans["two_stage_static"].hours == 4 * plans["two_stage"].hours
    assert plans["vs"].trainings == 1


def test_more_gpus_share_a_mini_batch_and_keep_the_audio_of_a_step():
    one, four = plan({"soup": "joint"}), plan({"soup": "joint"}, gpus=4)
    assert four.memory_gb < one.memory_gb
    assert four.hours == one.hours
    assert fit_batch(CONFIG, 2000.0, gpus=1) == Batch(640_000, 1)
    assert fit_batch(CONFIG, 700.0, gpus=1) == Batch(213_333, 3)
    assert fit_batch(CONFIG, 700.0, gpus=4) == Batch(640_000, 1)
    assert fit_batch(CONFIG, 10.0, gpus=1) is None


def test_a_mini_batch_that_must_be_accumulated_is_not_planned_for_the_exact_mode():
    machine = Machine(gpus=1, peak_tflops=100.0, memory_gb=10.0)
    for mode, frames in (("exact", 2000.0), ("exact", 700.0), ("pipelined", 700.0)):
        config = {**CONFIG, "trainer_conf": {"mode": mode}}
        row = replace(plan({"soup": "joint"}), most_frames=frames)
        text = render_batches(config, "conf/train_msp.yaml", [row], machine)
        accumulates = mode == "exact" and frames == 700.0
        assert ("s/^    mode: exact/    mode: pipelined/' " in text) == accumulates
        assert ("refuses accumulation" in text) == accumulates


def test_what_cannot_be_reckoned_is_refused():
    corpus = CORPUS_SIZES["covost2"]
    with pytest.raises(ValueError, match=r"knows `encoder: conformer`, .* 'branchformer'"):
        read_shape({"encoder": "branchformer"}, {}, corpus)
    own = {"encoder": "whisper_hf", "encoder_conf": {"model": "/my/model"}}
    with pytest.raises(ValueError, match=r"knows the backbones .*xls-r.* '/my/model'"):
        read_shape(own, {}, corpus)
    whole = {"encoder": "whisper_hf", "encoder_conf": {"model": "openai/whisper-small"}}
    with pytest.raises(ValueError, match="`freeze: feature_extractor` alone"):
        read_shape(whole, {}, corpus)
    with pytest.raises(ValueError, match=r"\['conf/train_msp.yaml', 'conf/x.yaml'\]: plan those"):
        only_config(["", "conf/x.yaml"])
    assert only_config(["", ""]) == "conf/train_msp.yaml"
    with pytest.raises(ValueError, match=r"`--utilisation` lies in \(0, 1\], but got 30"):
        Machine(1, 312.0, 80.0, utilisation=30)
    with pytest.raises(ValueError, match="`--gpus` must be above 0"):
        Machine(0, 312.0, 80.0)

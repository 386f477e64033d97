"""Timing in turn, peak memory, and the shapes of mini-batches."""

import pytest

from tools.benchmark.batches import draw_batch, draw_batches
from tools.benchmark.measure import interleaved_seconds, peak_memory_mib
from tools.benchmark.spec import (
    BatchShape,
    config_names,
    read_spec,
    with_objectives,
)


def test_modes_take_turns_and_the_first_turn_does_not_count():
    calls = []
    seconds = interleaved_seconds(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")},
        rounds=2,
        steps_per_round=2,
        progress=lambda _: None,
    )
    assert "".join(calls) == "aabb" * 3
    assert len(seconds["a"]) == len(seconds["b"]) == 2


def test_peak_memory_sees_what_was_allocated():
    before = peak_memory_mib()
    block = bytearray(b"x") * (300 * 2**20)
    assert peak_memory_mib() > before + 100
    del block


@pytest.mark.parametrize("objectives", [3, 9, 21])
def test_other_numbers_of_objectives_have_the_same_audio(objectives):
    shape = BatchShape(asr_languages=list("abcde"), utterances=22, seconds=1.0)
    other = with_objectives(shape, objectives)
    assert other.objectives == objectives
    assert other.audio_seconds == pytest.approx(shape.audio_seconds)


def test_an_even_number_of_objectives_is_refused():
    with pytest.raises(ValueError, match="odd numbers from 3 on, but got 4"):
        with_objectives(BatchShape(asr_languages=["a"]), 4)


def test_a_batch_has_labels_where_the_pair_exists():
    shape = BatchShape(asr_languages=["en", "fr"], st_pairs=["fr_en"], utterances=3)
    batch = draw_batch(shape, width=4, seed=0)
    assert batch["speech"].shape[::2] == (6, 4)
    assert (batch["text_en"][:3] == -1).all()
    assert (batch["text_en"][3:, 0] >= 0).all()


def test_batches_of_short_and_long_utterances_have_about_the_same_audio():
    shape = BatchShape(
        asr_languages=["en", "fr"], utterances=6, seconds=2.0, unlike=0.5, stretches=[0.5, 1, 3]
    )
    batches = draw_batches(shape, width=4)
    assert [len(batch["lang"]) for batch in batches] == [24, 12, 4, 24]
    seconds = [0.01 * float(batch["speech_lengths"].sum()) for batch in batches]
    assert seconds == pytest.approx([24.0] * 4, rel=0.06)
    lengths = batches[1]["speech_lengths"].float()
    assert lengths[6:].mean() / lengths[:6].mean() == pytest.approx(3.0, rel=0.1)


def test_every_shipped_config_can_be_read():
    assert config_names() == [
        "asterisk",
        "asterisk_lora",
        "asterisk_mixed",
        "conformer_83m",
        "e_branchformer_12",
    ]
    for name in config_names():
        assert read_spec(name).batch.objectives >= 8


def test_a_config_with_other_keys_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("model: {}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"must have the keys .* but has \['model'\]"):
        read_spec(str(path))
    with pytest.raises(ValueError, match=r"must be one of .* or a file, got 'nowhere'"):
        read_spec("nowhere")

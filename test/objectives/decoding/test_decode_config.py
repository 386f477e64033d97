"""Decode options are checked before any work."""

from pathlib import Path

import pytest

from espnet_soups.objectives.decoding.decode_config import (
    DecodeConfig,
    load_decode_config,
    read_decode_config,
)


def test_an_unknown_key_is_refused_with_the_valid_ones():
    with pytest.raises(ValueError, match=r"has no 'beam' \(closest: 'beam_size'\).*'asr_method'"):
        read_decode_config({"beam": 3})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"asr_method": "viterbi"}, "`asr_method` must be one of"),
        ({"beam_size": 0}, "`beam_size` must be a whole number, 1 or more, but got 0"),
        ({"beam_size": "many"}, "`beam_size` must be a whole number"),
        ({"nbest": True}, "`nbest` must be a whole number"),
        ({"ctc_weight": 1.5}, r"`ctc_weight` must lie in \[0, 1\], but got 1.5"),
        ({"penalty": "none"}, "`penalty` must be a number"),
        ({"maxlenratio": 0.2, "minlenratio": 0.5}, "`minlenratio` must not be above"),
    ],
)
def test_a_value_that_no_search_can_follow_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        read_decode_config(options)


def test_a_yaml_file_gives_its_values_and_leaves_the_defaults(tmp_path: Path):
    path = tmp_path / "decode.yaml"
    path.write_text("asr_method: hybrid\nbeam_size: 4\n", encoding="utf-8")
    assert load_decode_config(path) == DecodeConfig(asr_method="hybrid", beam_size=4)
    path.write_text("# nothing\n", encoding="utf-8")
    assert load_decode_config(path) == DecodeConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [("beam_size: [", "is not valid YAML"), ("- 1\n", "must hold"), ("beam_size: -1\n", "decode")],
)
def test_a_broken_yaml_file_is_refused_by_name(tmp_path: Path, text: str, message: str):
    path = tmp_path / "decode.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        load_decode_config(path)
    assert str(path) in str(error.value)

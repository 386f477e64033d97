"""Decode options are checked before any work, and each kind of objective gets its own."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from espnet_soups.objectives.decoding.decode_config import (
    DecodeConfig,
    describe_options,
    load_decode_config,
    read_decode_config,
)
from espnet_soups.objectives.decoding.option import option
from espnet_soups.objectives.decoding.text_search import RecognitionSearch, TranslationSearch
from espnet_soups.objectives.recognition import Recognition
from espnet_soups.objectives.registry import KINDS
from espnet_soups.objectives.self_supervision.kind import SelfSupervision
from espnet_soups.objectives.translation import Translation


@dataclass(frozen=True)
class PhoneSearch:
    """Options of a user's own kind: one that others have too, and one of its own."""

    beam_size: int = option(10, "hypotheses kept")
    phones: str = option("ipa", "alphabet")


class Phones(Recognition):
    decode_config = PhoneSearch


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
        ({"batch_bins": -1}, "`batch_bins` must be a whole number, 0 or more"),
        ({"ctc_weight": 1.5}, r"`ctc_weight` must lie in \[0, 1\], but got 1.5"),
        ({"st_ctc_weight": -0.5}, r"`st_ctc_weight` must lie in \[0, 1\], but got -0.5"),
        ({"penalty": "none"}, "`penalty` must be a number"),
        ({"maxlenratio": 0.2, "minlenratio": 0.5}, "`minlenratio` must not be above"),
        ({"kinds": {}}, "has no 'kinds'"),
    ],
)
def test_a_value_that_no_search_can_follow_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        read_decode_config(options)


def test_each_kind_gets_its_own_options_and_those_that_it_shares():
    config = read_decode_config({"beam_size": 4, "asr_method": "hybrid", "nbest": 3})
    assert config.nbest == 3
    assert config.of(Recognition()) == RecognitionSearch(beam_size=4, asr_method="hybrid")
    assert config.of(Translation()) == TranslationSearch(beam_size=4)
    with pytest.raises(ValueError, match="SelfSupervision has no options of decoding"):
        config.of(SelfSupervision())


def test_options_of_a_kind_of_ones_own_are_valid_where_the_model_has_it():
    with pytest.raises(ValueError, match="has no 'phones'"):
        read_decode_config({"phones": "arpa"})
    config = read_decode_config({"phones": "arpa", "beam_size": 2}, [*KINDS, Phones()])
    assert config.of(Phones()) == PhoneSearch(2, "arpa")
    assert config.of(Recognition()).beam_size == 2


def test_the_help_has_every_option_with_its_default():
    lines = {line.split(":")[0].strip(): line for line in describe_options().splitlines()}
    assert set(lines) == {
        *("asr_method", "ctc_weight", "st_ctc_weight", "beam_size", "penalty"),
        *("maxlenratio", "minlenratio", "nbest", "batch_size", "batch_bins"),
    }
    assert "asr_method: ctc_greedy " in lines["asr_method"]
    assert all(len(line) > 30 for line in lines.values())  # the default is followed by the help


def test_a_yaml_file_gives_its_values_and_leaves_the_defaults(tmp_path: Path):
    path = tmp_path / "decode.yaml"
    path.write_text("asr_method: hybrid\nbeam_size: 4\nbatch_size: 2\n", encoding="utf-8")
    config = load_decode_config(path)
    assert config == read_decode_config({"asr_method": "hybrid", "beam_size": 4, "batch_size": 2})
    assert config.batch_size == 2
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

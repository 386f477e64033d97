"""The benchmark of decoding: what it compares, and that it ends with an error if texts differ."""

import json

import pytest

from espnet_soups.data.speech_source import SpeechSource
from tools.benchmark import decoding, decoding_cost
from tools.benchmark.decoding_cost import Turns, compare_turns
from tools.benchmark.some_utterances import choose_utterances


def test_ratios_are_taken_within_a_round_and_rates_per_second_of_speech():
    stock = Turns([8.0, 30.0, 9.0], [10.0, 10.0, 10.0], {"asr_fr a": "x", "asr_fr b": "y"})
    own = Turns([2.0, 3.0, 3.0], [5.0, 5.0, 20.0], {"asr_fr a": "x", "asr_fr b": "z"})
    cost = compare_turns("recognition", stock, own, 2, 4.0)
    assert (cost.stock_cpu, cost.own_cpu) == (9.0 / 4.0, 3.0 / 4.0)
    assert (cost.cpu_ratio, cost.wall_ratio) == (4.0, 2.0)
    assert cost.different == ["asr_fr b"]
    with pytest.raises(ValueError, match=r"Only one side has decoded 1 texts: \['asr_fr b'\]"):
        compare_turns("recognition", stock, Turns([1.0], [1.0], {"asr_fr a": "x"}), 2, 4.0)


def test_both_tasks_of_espnet_take_the_time_of_each():
    both = Turns([1.0, 2.0], [3.0, 4.0], {"a": "x"}).plus(Turns([5.0, 6.0], [7.0, 8.0], {"b": "y"}))
    assert both == Turns([6.0, 8.0], [10.0, 12.0], {"a": "x", "b": "y"})


def test_utterances_of_every_language_are_spread_over_the_set(tmp_path):
    keys = [f"{lang}-{n}" for lang in ("en", "fr") for n in range(6)]
    (tmp_path / "feats.scp").write_text("".join(f"{key} x.ark:1\n" for key in keys))
    (tmp_path / "utt2lang").write_text("".join(f"{key} {key[:2]}\n" for key in keys))
    source = SpeechSource(f"{tmp_path}/feats.scp,speech,kaldi_ark", None)
    chosen = choose_utterances(source, tmp_path / "utt2lang", ["fr", "en"], 3)
    assert chosen == {"fr": ["fr-0", "fr-2", "fr-4"], "en": ["en-0", "en-2", "en-4"]}
    every = choose_utterances(source, tmp_path / "utt2lang", ["fr"], 99)
    assert every == {"fr": keys[6:]}
    with pytest.raises(ValueError, match="utt2lang has no utterance of 'it'"):
        choose_utterances(source, tmp_path / "utt2lang", ["it"], 3)
    (tmp_path / "utt2lang").write_text("en-0 en\n")
    with pytest.raises(ValueError, match=r"utt2lang lacks 11 utterances of .*feats.scp"):
        choose_utterances(source, tmp_path / "utt2lang", ["en"], 3)


def test_a_table_and_json_are_printed_before_a_text_that_differs_ends_it(
    tmp_path, monkeypatch, capsys
):
    cost = decoding_cost.DecodingCost("recognition", 4, 9.0, 0.5, 0.125, 4.0, 3.0, ["asr_fr b"])
    monkeypatch.setattr(decoding_cost, "compare_decoding", lambda *_: [cost])
    words = ["--exp_dir", str(tmp_path), "--set_dir", str(tmp_path)]
    with pytest.raises(ValueError, match=r"1 texts differ from .*\['asr_fr b'\]"):
        decoding.main(words)
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[2].split() == ["recognition", "0.5000", "0.1250", "4.0", "3.0"]
    assert json.loads(lines[-1])[0]["cpu_ratio"] == 4.0


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--rounds", "0"], ValueError, "`--rounds` must be 1 or more, but got 0"),
        ([], FileNotFoundError, "`--set_dir`: there is no folder .*nowhere"),
    ],
)
def test_options_are_checked_before_anything_is_loaded(tmp_path, words, error, message):
    given = ["--exp_dir", str(tmp_path), "--set_dir", str(tmp_path / "nowhere"), *words]
    with pytest.raises(error, match=message):
        decoding.main(given)

"""BLEU and chrF from sums against sacrebleu itself."""

import sys

import numpy as np
import pytest
import sacrebleu
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espnet_soups.objectives.metrics.bleu_chrf import (
    bleu,
    chrf,
    score_bleu,
    score_chrf,
    tokenizer_for,
)
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.run import read_run
from espnet_soups.objectives.translation import Translation
from espnet_soups.scoring.bootstrap import resample_sums

SENTENCE = st.lists(
    st.sampled_from(["the", "The", "cat", "dog", "sat,", "on", "a", "mat", "."]), max_size=9
)
CORPUS = st.lists(st.tuples(SENTENCE.filter(bool), SENTENCE), min_size=1, max_size=5)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(CORPUS, st.booleans())
def test_sums_over_any_choice_of_utterances_give_sacrebleus_score(corpus, lowercase) -> None:
    references = [" ".join(reference) for reference, _ in corpus]
    hypotheses = [" ".join(hypothesis) for _, hypothesis in corpus]
    by_bleu = score_bleu(references, hypotheses, "13a", lowercase)
    by_chrf = score_chrf(references, hypotheses)
    for choice in np.random.default_rng(0).integers(len(corpus), size=(4, len(corpus))):
        chosen = [hypotheses[i] for i in choice], [[references[i] for i in choice]]
        expected = sacrebleu.corpus_bleu(*chosen, lowercase=lowercase, force=True).score
        sums = by_bleu.statistics[choice].sum(axis=0)
        assert float(bleu(sums)) == pytest.approx(expected, abs=1e-8)
        expected = sacrebleu.corpus_chrf(*chosen).score
        sums = by_chrf.statistics[choice].sum(axis=0)
        assert float(chrf(sums)) == pytest.approx(expected, abs=1e-8)


def test_many_sums_are_scored_at_once_as_one_by_one() -> None:
    references = ["the cat sat on the mat", "a dog", "no one is here today"]
    hypotheses = ["the cat sat on a mat", "", "no one was here today at all"]
    statistics = score_bleu(references, hypotheses, "13a", False).statistics
    sums = resample_sums(statistics, 50, np.random.default_rng(1))
    np.testing.assert_allclose(bleu(sums), [float(bleu(row)) for row in sums])


def test_lowercase_is_kept_in_the_signature() -> None:
    result = score_bleu(["A Cat sat down here"], ["a cat sat down here"], "13a", True)
    assert result.value == pytest.approx(100.0)
    assert "case:lc" in result.signature
    assert score_bleu(["A Cat sat"], ["a cat sat"], "13a", False).value < 100.0


def test_chinese_is_scored_on_its_characters() -> None:
    assert [tokenizer_for(name) for name in ("zh-CN", "ja", "th", "en")] == [
        "zh",
        "ja-mecab",
        "char",
        "13a",
    ]
    regions = ("zh_cn", "cmn_hans_cn", "ja_jp", "ko_kr", "my_mm", "pt_BR", "zho_Hans")
    tokenizers = ["zh", "zh", "ja-mecab", "ko-mecab", "char", "13a", "zh"]
    assert [tokenizer_for(name) for name in regions] == tokenizers
    result = score_bleu(["我们今天去北京"], ["我们今天去上海"], "zh", False)
    assert 30.0 < result.value < 100.0
    assert "tok:zh" in result.signature


def test_an_unknown_tokenizer_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match=r"must be one of .*13a.* but got 'mosses'"):
        score_bleu(["a"], ["a"], "mosses", False)


def test_a_tokenizer_whose_package_is_missing_is_refused_before_stage_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for code in ("ja", "ko"):
        monkeypatch.delitem(sys.modules, f"sacrebleu.tokenizers.tokenizer_{code}_mecab", False)
    for package in ("MeCab", "mecab_ko"):
        monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    objectives = read_run({"asr_langs": "en", "st_pairs": "en_de en_ja_jp en_ko"}).objectives
    config, german, japanese, korean = ScoreConfig(), *objectives[1:]
    Translation().check_scoring(german, config)
    for objective, package in ((japanese, "ja"), (korean, "ko")):
        said = rf"^{objective.name} cannot be scored \(stage 12\): .*'sacrebleu\[{package}\]'"
        with pytest.raises(ValueError, match=said):
            Translation().check_scoring(objective, config)
        Translation().check_scoring(objective, ScoreConfig(bleu_tokenizer="char"))

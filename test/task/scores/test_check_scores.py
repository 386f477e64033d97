"""Criteria and settings of scores that a run cannot have end it before training."""

import logging

import pytest

OFF = "names the score wer, but scores while training are off: set `scores_conf: {utterances: 20}`"
ON = "scores_conf: {utterances: 2}\n"
BEST = "best_model_criterion: [[valid, {}, min]]\n"


@pytest.fixture
def refuse(runs, tmp_path):
    """Train by a YAML and return the message of its refusal."""

    def train(yaml, *options):
        path = tmp_path / "train.yaml"
        path.write_text(yaml, encoding="utf-8")
        with pytest.raises(ValueError, match=r"`|tokenizer") as refusal:
            runs.train("refused", "--config", str(path), "--max_epoch", "1", *options)
        assert not list((runs.root / "refused").glob("*epoch.pth"))
        return str(refusal.value)

    return train


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        (BEST.format("wer"), f"`best_model_criterion` {OFF}."),
        ("early_stopping_criterion: [valid, wer, min]\n", f"`early_stopping_criterion` {OFF}."),
        ("val_scheduler_criterion: [valid, wer]\n", f"`val_scheduler_criterion` {OFF}."),
        (
            BEST.format("eer") + ON,
            "`best_model_criterion` names the score eer, which no objective of this run has:"
            " asr_en has wer and cer and sentence_error, asr_fr",
        ),
        (BEST.format("bleu_lc_rm") + ON, "names the score bleu_lc_rm, which no objective of this"),
        (BEST.format("wer/asr_fr") + ON, "`best_model_criterion` of valid has no 'wer/asr_fr'"),
        (
            BEST.format("wer") + "scores_conf: {utterances: 2, every: 2}\n",
            "names the score wer, which every epoch must have, but `scores_conf` has `every: 2`",
        ),
        (
            "scores_conf: {utterances: 2, asr_method: hybrid}\n",
            "`scores_conf`: `asr_method: hybrid` needs an attention decoder",
        ),
        ("scores_conf: {utterances: 2, bleu_tokenizer: x}\n", "The BLEU tokenizer must be one of"),
    ],
)
def test_a_run_with_a_score_that_it_cannot_have_is_refused(refuse, yaml, said):
    assert said in refuse(yaml)


def test_a_score_of_translation_without_translation_is_refused(refuse):
    message = refuse(BEST.format("bleu") + ON, "--st_pairs")
    assert "names the score bleu, which no objective of this run has: asr_en has wer" in message


def test_earlier_epochs_without_scores_cannot_be_compared_with_later_ones(runs, tmp_path):
    folder = runs.train("scored_later", "--max_epoch", "1")
    path = tmp_path / "train.yaml"
    path.write_text(BEST.format("wer") + ON, encoding="utf-8")
    with pytest.raises(ValueError, match=r"compares wer of all epochs, but .* of epoch 1, which"):
        runs.train("scored_later", "--config", str(path), "--max_epoch", "2")
    assert not (folder / "2epoch.pth").exists()


def test_scores_may_begin_in_the_middle_of_a_run_that_is_not_selected_by_them(runs, caplog):
    runs.train("scored_from_2", "--max_epoch", "1")
    with caplog.at_level(logging.INFO):
        runs.train("scored_from_2", "--scores_conf", "utterances=2", "--max_epoch", "2")
    assert "scores of epoch 2: wer " in caplog.text

"""Settings of scores while training, and the names that they have as statistics."""

import pytest

from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.task.scores.config import read_scores_config
from espnet_soups.task.scores.examples import add_to_tensorboard, write_examples
from espnet_soups.task.scores.names import score_names
from espnet_soups.testing.toy_objectives import build_objectives

OPTIONS = {"batch_type": "numel", "batch_bins": 500, "valid_batch_bins": None}


def read(**conf):
    return read_scores_config({**OPTIONS, "scores_conf": conf})


def test_scores_are_off_and_greedy_by_default():
    config = read()
    assert config.utterances == 0
    assert config.decoding.kinds["beam_size"] == 1
    assert config.decoding.batch_bins == 500


def test_options_of_decoding_and_scoring_reach_their_places():
    config = read(utterances=5, asr_method="ctc_prefix", beam_size=4, bleu_lowercase=True)
    assert config.decoding.kinds == {"beam_size": 4, "asr_method": "ctc_prefix"}
    assert config.scoring.bleu_lowercase


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"utterance": 5}, r"^`scores_conf` has no 'utterance' \(closest: 'utterances'\)"),
        ({"utterances": -1}, r"^`scores_conf`: `utterances` must be a whole number, 0 or more"),
        ({"every": 0}, "`every` must be a whole number, 1 or more, but got 0"),
        ({"beam_size": 0}, r"^`scores_conf`: .*`beam_size` must be a whole number, 1 or more"),
        ({"bleu_lowercase": 3}, "`bleu_lowercase` must be"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(conf, said):
    with pytest.raises(ValueError, match=said):
        read(**conf)


def test_a_language_without_spaces_has_no_word_error_rate():
    objectives = build_objectives(["en", "zh"], ["en_zh"])
    names = score_names(objectives, {"input_size": 8}, ScoreConfig(bleu_lc_rm=True))
    assert names == {
        "asr_en": ["wer", "cer", "sentence_error"],
        "asr_zh": ["cer", "sentence_error"],
        "st_en_zh": ["bleu", "chrf", "bleu_lc_rm"],
    }


def test_later_epochs_of_an_interrupted_run_are_replaced(tmp_path):
    def texts(hypothesis):
        return {"asr_fr": {"u1": {"reference": "un", "hypothesis": hypothesis}}}

    for epoch, hypothesis in ((1, "a"), (2, "b"), (3, "c"), (2, "d")):
        write_examples(tmp_path, epoch, texts(hypothesis))
    listing = (tmp_path / "examples.txt").read_text(encoding="utf-8")
    assert listing.splitlines()[1:] == ["  reference: un", "  epoch 1: a", "  epoch 2: d"]


def test_a_bar_in_a_text_does_not_break_the_table_of_tensorboard():
    class Writer:
        def add_text(self, name, text, step):
            self.given = (name, text, step)

    writer = Writer()
    add_to_tensorboard(writer, 7, {"st": {"u": {"reference": "a|b", "hypothesis": ""}}})
    name, text, step = writer.given
    assert (name, step) == ("examples/st", 7)
    assert text.splitlines()[-1] == r"| u | a\|b |  |"

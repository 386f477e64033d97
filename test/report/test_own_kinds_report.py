"""Experiments with kinds that do not come along: classes of speakers, a user's own kind."""

import copy
import json
from pathlib import Path

import pytest
from made_up_experiment import build_experiment, report, score_record
from made_up_records import change_records, level_record
from test_report_command import Page, headings

from espnet_soups.objectives.kind import Kind
from espnet_soups.objectives.self_supervision.kind import SelfSupervision
from espnet_soups.report.confusion import confusions
from espnet_soups.report.history import read_history
from espnet_soups.report.markdown import render_comparison, render_scores
from espnet_soups.report.plots.comparison_plot import plot_comparison
from espnet_soups.report.plots.figure import objective_styles, style_context
from espnet_soups.report.plots.score_plot import plot_scores
from espnet_soups.report.plots.training_plots import plot_accuracies, plot_losses
from espnet_soups.report.train_log import TrainLog
from espnet_soups.report.wording import describe_levels

OBJECTIVES = ["asr_fr", "asr_it", "mood_face", "mood_voice", "ssl"]
ESTIMATE = {"value": 80.0, "low": 75.0, "high": 85.25}
METRICS = [
    {"name": "wer", "title": "WER", "unit": "%", "lower_is_better": True, "counts": "Wrd"},
    {"name": "cer", "title": "CER", "unit": "%", "lower_is_better": True, "counts": "Chr"},
    {"name": "sentence_error", "title": "S.Err", "headline": False},
    {"name": "accuracy", "title": "Accuracy", "unit": "%", "lower_is_better": False},
    {"name": "macro_f1", "title": "Macro F1", "unit": "%", "lower_is_better": False},
    {"name": "cost", "title": "Cost", "unit": "", "headline": False, "digits": 3},
]


def own_scores() -> dict:
    """Return a scores.json with recognition and two objectives of classes."""
    record = score_record(["asr_fr", "asr_it"])
    detail = {"labels": ["glad", "sad <3>"], "confusion": [[12, 3], [2, 8]]}
    for name in ("mood_face", "mood_voice"):
        record["objectives"][name] = {
            **{"task": "my_kinds:Mood", "language": "", "target": None, "utterances": 25},
            **{"without_reference": 0, "empty_hypotheses": 0},
            "accuracy": ESTIMATE | detail,
            "macro_f1": ESTIMATE,
            "cost": {"value": 0.1234, "low": 0.1, "high": 0.2},
            "examples": {"worst": ["u1  glad, heard sad"], "median": [], "best": []},
        }
    record["objectives"]["mood_voice"]["accuracy"] = ESTIMATE
    record["objectives"]["mood_voice"]["drawn"] = "8 speakers"
    means = {"accuracy": ESTIMATE, "macro_f1": ESTIMATE, "cost": {**ESTIMATE, "value": 0.1}}
    record["mean"] |= {name: {**item, "objectives": 2} for name, item in means.items()}
    kinds = {"asr": "Recognition", "my_kinds:Mood": "Moods"}
    return record | {"metrics": METRICS, "kinds": kinds}


def learn_moods(record: dict) -> None:
    """Make an epoch one of recognition over moods over self-supervision."""
    record |= {"objectives": OBJECTIVES, "cosine": None, "cosine_steps": None}
    for key in ("loss", "valid_loss", "valid_accuracy", "gradient_norm", "raised", "signal_share"):
        record[key] = dict.fromkeys(OBJECTIVES, 0.5)
    record["unalignable"] = {"asr_fr": 1, "mood_face": 2, "ssl": 3}
    levels = (["asr_fr", "asr_it"], ["mood_face", "mood_voice"], ["ssl"])
    record["levels"] = [level_record(n, own, 0.02) for n, own in enumerate(levels, start=1)]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moods") / "exp" / "msp_moods"
    build_experiment(folder, ["asr_fr", "asr_it"], 4)
    change_records(folder, learn_moods)
    (folder / "beam5/test/scores.json").write_text(json.dumps(own_scores()), encoding="utf-8")
    report(folder)
    return folder


def test_a_comparison_has_a_column_for_each_headline(experiment) -> None:
    record = json.loads((experiment / "results.json").read_text(encoding="utf-8"))
    head, _, row = render_comparison([record]).splitlines()[:3]
    assert "| raised | WER % | CER % | Accuracy % | Macro F1 % | epochs |" in head
    assert "| ASR×2 > MOOD×2 > SSL×1 | modo |" in row
    assert "| 20.0 [15.0, 25.2] | 80.0 [75.0, 85.2] | 80.0 [75.0, 85.2] | 4 |" in row
    texts = copy.deepcopy(record) | {"name": "msp_texts"}
    texts["scores"] = score_record(["asr_fr", "st_fr_en"])  # of an earlier release: no `metrics`
    head, _, moods, other = render_comparison([record, texts]).splitlines()[:4]
    assert "| WER % | CER % | BLEU | chrF | Accuracy % | Macro F1 % | epochs |" in head
    assert len({line.count("|") for line in (head, moods, other)}) == 1
    assert "| – | – | 4 |" in other


def test_a_section_has_a_table_of_the_kind_and_its_confusion(experiment) -> None:
    text = (experiment / "RESULTS.md").read_text(encoding="utf-8")
    method = "### Was the method at work?"
    sections = ["### WER", "### CER", "### Accuracy and Macro F1", method, "### Environments"]
    assert headings(experiment / "RESULTS.md")[2:-1] == ["## msp_moods", *sections]
    assert "| objective | Snt | Accuracy % | Macro F1 % | Cost |" in text
    score = "80.0 [75.0, 85.2]"
    assert f"| mood_face | 25 | {score} | {score} | 0.123 [0.100, 0.200] |" in text
    assert f"| mean | 50 | {score} | {score} |" in text
    assert "Confusion of mood_face: rows are references, columns are hypotheses." in text
    assert "| reference | glad | sad <3> |\n| :--- | ---: | ---: |\n| glad | 12 | 3 |" in text
    assert "over utterances. Of mood_voice: over 8 speakers." in text
    assert "left out of CTC: asr_fr 1." in text
    assert f"{Kind.left_out}: mood_face 2." in text
    assert f"{SelfSupervision.left_out}: ssl 3." in text


def test_the_page_has_cards_tables_and_the_confusion(experiment) -> None:
    text = (experiment / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    for title in ("mean Accuracy %", "mean Macro F1 %"):
        assert f'<div class="card">{title}<b>80.0</b>' in text
    assert "<h3>Recognition</h3>" in text
    assert "<h3>Moods</h3>" in text
    assert "<th>reference</th><th>glad</th><th>sad &lt;3&gt;</th>" in text
    assert "u1  glad, heard sad" in text


def test_many_labels_are_shown_by_their_worst_pairs() -> None:
    labels = [f"l{number}" for number in range(20)]
    counts = [[9 if i == j else int(i == j + 1) * j for j in range(20)] for i in range(20)]
    scores = own_scores()
    detail = {"labels": labels, "confusion": counts}
    scores["objectives"]["mood_face"]["accuracy"] = ESTIMATE | detail
    (shown,) = confusions(scores)
    assert shown.title == "The most frequent confusions of mood_face, of 20 labels:"
    assert shown.rows[:2] == [["l19", "l18", "18"], ["l18", "l17", "17"]]
    assert len(shown.rows) == 10


def test_scores_are_drawn_by_which_way_is_better() -> None:
    with style_context():
        axes = plot_scores(own_scores(), "test").axes
    assert [item.get_xlabel() for item in axes] == [
        "WER (%), lower is better",
        "CER (%), lower is better",
        "Accuracy (%), higher is better",
        "Macro F1 (%), higher is better",
    ]
    colors = [item.containers[0].lines[0].get_color() for item in axes]
    assert colors[0] == colors[1] != colors[2] == colors[3]


def test_pictures_of_the_training_name_what_is_counted(experiment) -> None:
    history = read_history(experiment, TrainLog())
    with style_context():
        losses, accuracies = plot_losses(history), plot_accuracies(history)
        comparison = plot_comparison({"msp_moods": history})
    title = "Loss per label token (mood: per label, ssl: per prediction)"
    assert losses.get_suptitle().replace("\n", " ") == title
    assert [axes.get_title() for axes in accuracies.axes] == ["ASR", "MOOD", "SSL"]
    assert [axes.get_ylabel() for axes in accuracies.axes] == [
        "right tokens (%)",
        "right labels (%)",
        "right predictions (%)",
    ]
    panels = {axes.get_title(): axes.get_ylabel() for axes in comparison.axes}
    assert panels["MOOD accuracy"] == "right labels (%)"
    assert panels["MOOD loss"] == "loss (nats per label)"
    assert "mean over the objectives of a kind" in comparison.get_suptitle().replace("\n", " ")


def test_objectives_of_own_kinds_look_like_no_other() -> None:
    names = [*OBJECTIVES, "st_fr_en", "taste_sweet", "taste_sour", "touch"]
    styles = objective_styles(names, epochs=20)
    looks = {(s["color"], str(s["linestyle"]), s["marker"]) for s in styles.values()}
    assert len(looks) == len(names)


def test_levels_are_counted_by_the_signs_of_kinds_or_their_names() -> None:
    levels = [["asr_fr", "cls_gender", "cls_age"], ["mood_face"], ["ssl"]]
    assert describe_levels(levels) == "ASR×1 + CLS×2 > MOOD×1 > SSL×1"


def test_signatures_are_compared_where_both_have_them(experiment) -> None:
    record = json.loads((experiment / "results.json").read_text(encoding="utf-8"))
    others = [copy.deepcopy(record) | {"name": f"msp_{number}"} for number in range(2)]
    for other in others:
        other["scores"] = score_record(["st_fr_en"])
    assert "signatures differ" not in render_comparison([record, *others])
    others[1]["scores"]["objectives"]["st_fr_en"]["bleu"]["signature"] = "case:mixed"
    text = render_comparison([record, *others])
    assert "The BLEU signatures differ: compare BLEU only where they agree." in text
    assert "The chrF signatures differ" not in text


def test_scores_of_earlier_releases_are_tabulated_as_they_were() -> None:
    record = {"scores": score_record(["asr_fr"]), "training": {"unalignable": {}}}
    listed = {**record["scores"], "metrics": METRICS[:3], "kinds": {"asr": "Recognition"}}
    assert render_scores(record) == render_scores(record | {"scores": listed})

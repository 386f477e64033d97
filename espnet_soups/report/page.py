"""report.html: one page with everything in it, that can be mailed or kept."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.report.compute import compute_text, environment_rows
from espnet_soups.report.method import stayed_near_uniform
from espnet_soups.report.method_text import (
    HEAD,
    TITLE,
    WARNING,
    WHY,
    level_rows,
    step_notes,
    why_no_levels,
)
from espnet_soups.report.plots.pictures import TITLES
from espnet_soups.report.results import Decoding, Experiment
from espnet_soups.report.wording import (
    count,
    describe_levels,
    duration,
    interval,
    intervals,
    soup_name,
    training_origin,
)

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1080px;margin:2rem auto;padding:0 1rem}
h1{margin-bottom:0}h2{margin-top:2.2rem;border-bottom:1px solid #ddd}
.cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}
.card{border:1px solid #ddd;border-radius:8px;padding:.6rem 1rem;min-width:8rem}
.card b{display:block;font-size:1.7rem}.card small,.note{color:#666}
table{border-collapse:collapse;margin:.8rem 0}th,td{padding:.25rem .8rem;text-align:right}
table.texts th,table.texts td{text-align:left}td,.card b{font-variant-numeric:tabular-nums}
th{border-bottom:2px solid #999}td{border-bottom:1px solid #eee}
th:first-child,td:first-child{text-align:left}tr.mean td{font-weight:bold;border-top:2px solid #999}
pre{background:#f6f6f6;padding:.6rem .9rem;overflow-x:auto;border-radius:6px;font-size:13px}
.warning{background:#fff3cd;border-left:4px solid #d98c00;padding:.6rem .9rem}
img{max-width:100%;height:auto}figure{margin:1.4rem 0}summary{cursor:pointer;font-weight:600}
"""
LABELS = {
    "wer": "WER %",
    "cer": "CER %",
    "sentence_error": "S.Err %",
    "bleu": "BLEU",
    "bleu_lc_rm": "BLEU lc.rm",
    "chrf": "chrF",
}


def render_page(
    experiment: Experiment,
    decodings: Sequence[Decoding],
    scores: Mapping[str, Path],
    pictures: Mapping[str, Path],
    left_out: Mapping[str, str],
) -> str:
    """Return the page.

    Args:
        experiment: What it is about.
        decodings: All its reported decodings.
        scores: PNG files of their scores by `<inference_tag>/<set>`, put into the page itself.
        pictures: Those of the training by name.
        left_out: Why other pictures are missing, by name.
    """
    results = experiment.results
    missing = "; ".join(f"{TITLES[name].lower()} ({why})" for name, why in left_out.items())
    parts = [
        f"<h1>{escape(results['name'])}</h1>",
        f"<p class=note>{escape(results['inference_tag'])}/{escape(results['set'])}, "
        f"{escape(results['environment']['date'])}</p>",
        _warning(results["training"]),
        _cards(results),
        *(part for item in decodings for part in _decoding(item, scores, len(decodings) > 1)),
        "<h2>Training</h2>",
        *_method(results["training"]),
        *(_figure(path, TITLES[name]) for name, path in pictures.items()),
        f"<p class=note>Left out: {escape(missing)}.</p>" if missing else "",
        *_how_made(results, experiment.config),
    ]
    head = (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width">'
        f"<title>{escape(results['name'])}</title><style>{STYLE}</style></head>\n<body>\n"
    )
    return head + "\n".join(part for part in parts if part) + "\n</body></html>\n"


def _decoding(item: Decoding, scores: Mapping[str, Path], several: bool) -> list[str]:
    title = f"Scores of {item.label}" if several else "Scores"
    return [
        f"<h2>{escape(title)}</h2>",
        *_score_tables(item.scores),
        _figure(scores[item.label], title),
        "<h3>Examples</h3>",
        *_examples(item.scores["objectives"]),
    ]


def shorten_config(config: Mapping[str, Any]) -> str:
    """Return config.yaml as text, token lists replaced by how many tokens they hold."""
    short = dict(config)
    for option in ("asr_token_list", "st_token_list"):
        lists = short.get(option)
        if isinstance(lists, dict):
            short[option] = {
                language: f"({len(tokens)} tokens)" if isinstance(tokens, list) else tokens
                for language, tokens in lists.items()
            }
    text: str = yaml.safe_dump(short, sort_keys=True, allow_unicode=True)
    return text


def _cards(results: Mapping[str, Any]) -> str:
    mean, training, decoding = results["scores"]["mean"], results["training"], results["decoding"]
    cards = [
        (
            _card_title(name, mean[name]),
            f"{mean[name]['value']:.1f}",
            interval(mean[name]).partition(" ")[2],
        )
        for name in ("wer", "cer", "bleu", "chrf")
        if name in mean
    ]
    compute = compute_text(training["compute"])
    cards.append(
        ("train time", duration(training["seconds"]), f"{training['epochs']} epochs, {compute}")
    )
    cards.append(("parameters", count(training["parameters"]), soup_name(training)))
    if decoding is not None:
        cards.append(("real-time factor", f"{decoding['rtf']:.3g}", "decoding"))
    inside = "".join(
        f"<div class=card>{escape(title)}<b>{escape(value)}</b><small>{escape(more)}</small></div>"
        for title, value, more in cards
    )
    return f"<div class=cards>{inside}</div>"


def _card_title(name: str, mean: Mapping[str, Any]) -> str:
    return f"mean {LABELS[name]}" if mean["objectives"] > 1 else LABELS[name]


def _score_tables(scores: Mapping[str, Any]) -> list[str]:
    parts = []
    for task, title in (("asr", "Recognition"), ("st", "Translation")):
        members = {
            name: item for name, item in scores["objectives"].items() if item["task"] == task
        }
        if not members:
            continue
        columns = [name for name in LABELS if any(name in item for item in members.values())]
        rows = [
            [name, str(item["utterances"]), *(interval(item.get(column)) for column in columns)]
            for name, item in members.items()
        ]
        if len(members) > 1:
            total = sum(item["utterances"] for item in members.values())
            rows.append(["mean", str(total), *(interval(scores["mean"][name]) for name in columns)])
        parts.append(f"<h3>{title}</h3>")
        parts.append(_rows_table(["", "utterances", *(LABELS[name] for name in columns)], rows))
    signatures = {
        f"{LABELS[key]}: {item[key]['signature']}"
        for item in scores["objectives"].values()
        for key in ("bleu", "chrf")
        if key in item
    }
    notes = [intervals(scores).replace("`", ""), *sorted(signatures)]
    return [*parts, f"<p class=note>{'<br>'.join(escape(note) for note in notes)}</p>"]


def _warning(training: Mapping[str, Any]) -> str:
    if not stayed_near_uniform(training):
        return ""
    return f"<p class=warning><b>Warning:</b> {escape(WARNING)} ({escape(WHY)}).</p>"


def _method(training: Mapping[str, Any]) -> list[str]:
    name = f"{soup_name(training)}, {training['combiner']}"
    levels = describe_levels(training["levels"])
    parts = [
        f"<p>Soup: <b>{escape(name)}</b>; levels, top first: {escape(levels)}</p>",
        f"<h3>{TITLE}</h3>",
        _warning(training),
    ]
    rows, notes = level_rows(training), step_notes(training) or [why_no_levels(training)]
    if rows:
        parts.append(_rows_table(HEAD, rows, "texts"))
    return [*parts, *(f"<p>{escape(note.replace('`', ''))}</p>" for note in notes)]


def _how_made(results: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    training = results["training"]
    rows = environment_rows(results["environment"], training["compute"])
    return [
        "<h2>How it was made</h2>",
        f"<pre>{escape(results['command'])}</pre>",
        _rows_table(["", ""], rows + training_origin(training), "texts"),
        f"<details><summary>config.yaml</summary><pre>{escape(shorten_config(config))}</pre>"
        "</details>",
    ]


def _examples(objectives: Mapping[str, Mapping[str, Any]]) -> list[str]:
    parts, separator = [], "\n\n"
    for number, (name, item) in enumerate(objectives.items()):
        blocks = "".join(
            f"<p>{rank}</p><pre>{escape(separator.join(texts))}</pre>"
            for rank, texts in item["examples"].items()
            if texts
        )
        opened = " open" if number == 0 else ""
        parts.append(f"<details{opened}><summary>{escape(name)}</summary>{blocks}</details>")
    return parts


def _figure(path: Path, title: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<figure><img alt="{escape(title)}" src="data:image/png;base64,{data}"></figure>'


def _rows_table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "numbers") -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head) if any(head) else ""
    body = "".join(
        f"<tr{' class=mean' if row[0] == 'mean' else ''}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>\n"
        for row in rows
    )
    return f"<table class={kind}>{f'<tr>{top}</tr>' if top else ''}{body}</table>"

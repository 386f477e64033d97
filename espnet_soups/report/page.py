"""report.html: one page with everything in it, that can be mailed or kept."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.report.compute import compute_text, environment_rows
from espnet_soups.report.confusion import confusions
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
from espnet_soups.report.score_tables import cell, plain_rows, signatures
from espnet_soups.report.wording import (
    count,
    describe_levels,
    duration,
    intervals,
    soup_name,
    training_origin,
)
from espnet_soups.scoring.score_metrics import headlines, scores_by_kind

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
    for option, lists in config.items():
        if option.endswith("_token_list") and isinstance(lists, dict):
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
            f"mean {metric.heading}" if mean[metric.name]["objectives"] > 1 else metric.heading,
            f"{mean[metric.name]['value']:.{metric.digits}f}",
            cell(mean[metric.name], metric).partition(" ")[2],
        )
        for metric in headlines([results["scores"]])
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


def _score_tables(scores: Mapping[str, Any]) -> list[str]:
    parts = []
    for kind in scores_by_kind(scores):
        head = ["", "utterances", *(metric.heading for metric in kind.metrics)]
        parts.append(f"<h3>{escape(kind.title)}</h3>")
        parts.append(_rows_table(head, plain_rows(kind, kind.metrics, scores["mean"])))
    for item in confusions(scores):
        parts.append(f"<p>{escape(item.title)}</p>")
        parts.append(_rows_table(item.head, item.rows))
    listed = {f"{title}: {text}" for title, own in signatures(scores).items() for text in own}
    notes = [intervals(scores).replace("`", ""), *sorted(listed)]
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

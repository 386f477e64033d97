"""report.html: one self-contained page that can be mailed or archived."""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from espnet_soups.report.clips import Clip, Clips, keys_of
from espnet_soups.report.comparison import TEXTS, Comparison
from espnet_soups.report.compute import compute_text, environment_rows
from espnet_soups.report.confusion import confusions
from espnet_soups.report.left_out import left_out_notes
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
from espnet_soups.scoring.score_metrics import (
    headlines,
    not_scored_notes,
    scores_by_kind,
    undefined_scores,
)

NARROWEST = 0.59  # share of a picture's width: letters keep 9 pixels, narrow screens scroll it


@dataclass(frozen=True)
class Picture:
    """Picture that is embedded in the page.

    Attributes:
        name: Anchor for links.
        title: Title of the picture.
        source: PNG as a data URI.
        width: Width, pixels.
        height: Height, pixels.
    """

    name: str
    title: str
    source: str
    width: int
    height: int

    @property
    def narrowest(self) -> int:
        """Smallest width at which its letters are legible, pixels."""
        return round(NARROWEST * self.width)


def render_page(
    experiment: Experiment,
    decodings: Sequence[Decoding],
    scores: Mapping[str, Path],
    pictures: Mapping[str, Path],
    left_out: Mapping[str, str],
    clips: Clips,
    overview: str,
) -> str:
    """Return the page of an experiment.

    Args:
        experiment: The experiment.
        decodings: All its reported decodings.
        scores: PNG files of their scores by `<inference_tag>/<set>`, which are embedded in the
            page.
        pictures: PNG files of the training's pictures, by name.
        left_out: Reasons why other pictures are missing, by name.
        clips: Recordings of examples.
        overview: Link to the page that compares experiments.
    """
    results, training = experiment.results, experiment.results["training"]
    several = len(decodings) > 1
    rows = environment_rows(results["environment"], training["compute"])
    page = (
        _environment()
        .get_template("experiment.html")
        .render(
            results=results,
            overview=overview,
            warning=f"{WARNING} ({WHY})." if stayed_near_uniform(training) else "",
            cards=_cards(results),
            decodings=[
                _decoding(number, item, scores[item.label], several, clips)
                for number, item in enumerate(decodings, start=1)
            ],
            clips=clips,
            soup=f"{soup_name(training)}, {training['combiner']}",
            levels=describe_levels(training["levels"]),
            method=_method(training),
            pictures=[read_picture(path, name, TITLES[name]) for name, path in pictures.items()],
            missing=[f"{TITLES[name].lower()} ({why})" for name, why in left_out.items()],
            environment=rows + training_origin(training),
            config=shorten_config(experiment.config),
        )
    )
    return f"{page}\n"


def render_overview(comparison: Comparison, picture: Path | None, pages: Mapping[str, str]) -> str:
    """Return the page that compares the experiments of a directory.

    Args:
        comparison: The table of the experiments.
        picture: PNG file of their curves; None if there is none.
        pages: Link to the page of each experiment that has one.
    """
    title = "Validation curves of the experiments"
    page = (
        _environment()
        .get_template("comparison.html")
        .render(
            comparison=comparison,
            texts=TEXTS,
            notes=_plain(comparison.notes),
            warning=WARNING,
            picture=None if picture is None else read_picture(picture, "curves", title),
            pages=pages,
        )
    )
    return f"{page}\n"


def read_picture(path: Path, name: str, title: str) -> Picture:
    """Return a PNG file as a picture for a page.

    Args:
        path: The file.
        name: Anchor for links.
        title: Title of the picture.
    """
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    source = f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"
    return Picture(name, title, source, width, height)


def shorten_config(config: Mapping[str, Any]) -> str:
    """Return config.yaml as text, with token lists replaced by their number of tokens.

    Args:
        config: Content of config.yaml.
    """
    short = dict(config)
    for option, lists in config.items():
        if option.endswith("_token_list") and isinstance(lists, dict):
            short[option] = {
                language: f"({len(tokens)} tokens)" if isinstance(tokens, list) else tokens
                for language, tokens in lists.items()
            }
    text: str = yaml.safe_dump(short, sort_keys=True, allow_unicode=True)
    return text


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("espnet_soups.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _decoding(
    number: int, item: Decoding, scores: Path, several: bool, clips: Clips
) -> dict[str, Any]:
    title = f"Scores of {item.label}" if several else "Scores"
    empty = [f"{text}." for text in undefined_scores(item.scores)]
    empty += [f"{text}." for text in not_scored_notes(item.scores)]
    listed = {f"{name}: {text}" for name, own in signatures(item.scores).items() for text in own}
    return {
        "number": number,
        "title": title,
        "examples_title": f"Examples of {item.label}" if several else "Examples",
        "kinds": [
            {
                "title": kind.title,
                "head": ["", "utterances", *(metric.heading for metric in kind.metrics)],
                "rows": plain_rows(kind, kind.metrics, item.scores["mean"]),
            }
            for kind in scores_by_kind(item.scores)
        ],
        "confusions": confusions(item.scores),
        "notes": _plain(
            [intervals(item.scores), *sorted(listed), *empty, *left_out_notes(item.record)]
        ),
        "picture": read_picture(scores, f"scores-{number}", title),
        "examples": _examples(item, clips),
    }


def _examples(item: Decoding, clips: Clips) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return texts and clips by objective and rank."""
    heard: dict[str, Clip] = {
        key: c for (label, key), c in clips.found.items() if label == item.label
    }
    return {
        name: {
            rank: [
                {"text": text, "clips": [heard[key] for key in keys_of(text, heard)]}
                for text in texts
            ]
            for rank, texts in own["examples"].items()
            if texts
        }
        for name, own in item.scores["objectives"].items()
    }


def _cards(results: Mapping[str, Any]) -> list[tuple[str, str, str]]:
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
    return cards


def _method(training: Mapping[str, Any]) -> dict[str, Any]:
    notes = step_notes(training) or [why_no_levels(training)]
    return {"title": TITLE, "head": HEAD, "rows": level_rows(training), "notes": _plain(notes)}


def _plain(notes: Sequence[str]) -> list[str]:
    """Return sentences without the marks of Markdown."""
    return [note.replace("`", "") for note in notes]

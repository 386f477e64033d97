"""Writes the files of a report, each whole or not at all."""

import json
import os
from pathlib import Path

from espnet_soups.report.markdown import render_results
from espnet_soups.report.page import render_page
from espnet_soups.report.pictures import TITLES, draw_pictures
from espnet_soups.report.published import PUBLISHED, read_sets, read_siblings, render_lines, upsert
from espnet_soups.report.results import RESULTS, Experiment

MARKDOWN = "RESULTS.md"
PAGE = "report.html"


def write_report(experiment: Experiment, exp_dir: Path) -> tuple[list[Path], dict[str, str]]:
    """Writes results.json, RESULTS.md, images and report.html of an experiment.

    results.json goes beside the scores of its set too, so that RESULTS.md shows all sets.

    Returns:
        (the files, why each picture that is missing was left out).
    """
    pictures, left_out = draw_pictures(experiment.history, experiment.scores, exp_dir / "images")
    titles = {f"{path.parent.name}/{path.name}": TITLES[name] for name, path in pictures.items()}
    results = experiment.results
    record = json.dumps(results, ensure_ascii=False, indent=1) + "\n"
    _write(exp_dir / results["inference_tag"] / results["set"] / RESULTS, record)
    texts = {
        exp_dir / RESULTS: record,
        exp_dir / MARKDOWN: render_results(read_sets(exp_dir, results), titles),
        exp_dir / PAGE: render_page(experiment, pictures, left_out),
    }
    for path, text in texts.items():
        _write(path, text)
    return [*texts, *pictures.values()], left_out


def write_overview(expdir: Path) -> Path:
    """Writes RESULTS.md of all experiments of a directory that have a results.json."""
    _write(expdir / MARKDOWN, render_results(read_siblings(expdir)))
    return expdir / MARKDOWN


def publish(experiment: Experiment, folder: Path) -> list[Path]:
    """Puts an experiment into results.jsonl of a recipe and renders its RESULTS.md from that.

    Raises:
        ValueError: If results.jsonl is malformed.
    """
    records = upsert(folder / PUBLISHED, experiment.results)
    _write(folder / PUBLISHED, render_lines(records))
    _write(folder / MARKDOWN, render_results(records))
    return [folder / PUBLISHED, folder / MARKDOWN]


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)

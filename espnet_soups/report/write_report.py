"""Files of a report, each written completely or not at all."""

import json
from pathlib import Path
from urllib.parse import quote

from espnet_soups.files import write_text
from espnet_soups.report.clips import collect_clips
from espnet_soups.report.comparison import compare_records, in_order
from espnet_soups.report.markdown import render_results
from espnet_soups.report.page import render_overview, render_page
from espnet_soups.report.plots.pictures import TITLES, draw_comparison, draw_scores, draw_training
from espnet_soups.report.published import PUBLISHED, read_siblings, render_lines, upsert
from espnet_soups.report.results import RESULTS, SCORES, Experiment, read_decodings, read_result

MARKDOWN = "RESULTS.md"
PAGE = "report.html"
COMPARISON = "comparison.png"
OVERVIEW = "comparison.html"


def write_report(experiment: Experiment, exp_dir: Path) -> tuple[list[Path], dict[str, str]]:
    """Write results.json, RESULTS.md, images and report.html of an experiment.

    Every decoded set has its own results.json beside its scores, and RESULTS.md and the page show
    them all; the one beside the model is that of the decoding reported last.

    Args:
        experiment: The experiment to report.
        exp_dir: Folder of the experiment.

    Returns:
        (the files, the reason why a picture is missing by name).
    """
    results = experiment.results
    record = json.dumps(results, ensure_ascii=False, indent=1) + "\n"
    own = exp_dir / results["inference_tag"] / results["set"] / RESULTS
    _keep_earlier(exp_dir)
    write_text(own, record)
    decodings = read_decodings(exp_dir)
    images = exp_dir / "images"
    scores = draw_scores(decodings, images)
    pictures, left_out = draw_training(experiment.history, images)
    titles = {f"images/{path.name}": f"Scores of {label}" for label, path in scores.items()}
    titles |= {f"images/{path.name}": TITLES[name] for name, path in pictures.items()}
    texts = {
        exp_dir / RESULTS: record,
        exp_dir / MARKDOWN: render_results([item.record for item in decodings], titles),
        exp_dir / PAGE: render_page(
            experiment,
            decodings,
            scores,
            pictures,
            left_out,
            collect_clips(decodings),
            f"../{OVERVIEW}",
        ),
    }
    for path, text in texts.items():
        write_text(path, text)
    return [own, *texts, *scores.values(), *pictures.values()], left_out


def write_overview(expdir: Path) -> tuple[list[Path], dict[str, str]]:
    """Write RESULTS.md, comparison.html and comparison.png of all experiments of a directory.

    Args:
        expdir: Folder with the experiments.

    Returns:
        (the files, the reason why an experiment is missing in one of them).
    """
    picture, left_out = draw_comparison(expdir, COMPARISON)
    found, broken = read_siblings(expdir, lambda record: render_results([record]))
    records = in_order(found)
    names = {record["name"]: f"{quote(record['name'])}/{PAGE}" for record in records}
    pages = {name: link for name, link in names.items() if (expdir / name / PAGE).is_file()}
    texts = {
        expdir / MARKDOWN: render_results(records, comparison=COMPARISON if picture else None),
        expdir / OVERVIEW: render_overview(compare_records(records), picture, pages),
    }
    for path, text in texts.items():
        write_text(path, text)
    left_out = {f"{name} of {COMPARISON}": why for name, why in left_out.items()}
    left_out |= {f"{name} of {expdir / MARKDOWN}": why for name, why in broken.items()}
    return [*texts, *([] if picture is None else [picture])], left_out


def publish(experiment: Experiment, folder: Path) -> list[Path]:
    """Add an experiment to results.jsonl of a recipe, and render its RESULTS.md from that file.

    Args:
        experiment: The experiment to publish.
        folder: Folder of the recipe.

    Returns:
        The written files.

    Raises:
        ValueError: If results.jsonl is malformed.
    """
    own = {key: value for key, value in experiment.results.items() if key != "audio"}
    records = upsert(folder / PUBLISHED, own)
    write_text(folder / PUBLISHED, render_lines(records))
    write_text(folder / MARKDOWN, render_results(records))
    return [folder / PUBLISHED, folder / MARKDOWN]


def _keep_earlier(exp_dir: Path) -> None:
    """Copy the last report, if made by an earlier release, to the folder of its decoding."""
    last = exp_dir / RESULTS
    if last.is_file():
        try:
            record = read_result(last)
            folder = exp_dir / record["inference_tag"] / record["set"]
        except (ValueError, KeyError, TypeError):
            return  # it is about to be overwritten
        if (folder / SCORES).is_file() and not (folder / RESULTS).exists():
            write_text(folder / RESULTS, last.read_text(encoding="utf-8"))

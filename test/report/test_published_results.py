"""What recipes have published is rendered as it was, to the byte."""

import json
from pathlib import Path

import pytest

from espnet_soups.report.markdown import render_results

RECIPES = Path(__file__).parents[2] / "egs2"
PUBLISHED = sorted(RECIPES.glob("*/*/results.jsonl"))


def test_there_are_published_results() -> None:
    assert RECIPES / "asterisk/msp1/results.jsonl" in PUBLISHED


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parts[-3])
def test_results_md_is_what_its_lines_give(path) -> None:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert render_results(records) == path.with_name("RESULTS.md").read_text(encoding="utf-8")

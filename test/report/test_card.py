"""The card of a bundle has the scores, the method and the versions of the report."""

from pathlib import Path

import yaml

from espnet_soups import __version__
from espnet_soups.report.results import read_decodings
from espnet_soups.sharing.card import Corpus, render_card


def test_the_card_of_a_scored_model_has_what_the_report_has(reported: Path):
    corpora = [Corpus("Prompts", "CC-BY-SA 3.0", "https://example.org")]
    card = render_card(reported, corpora, "cc-by-sa-3.0")
    _, head, body = card.split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "cc-by-sa-3.0"
    assert "| Prompts | CC-BY-SA 3.0 | https://example.org |" in body
    record = read_decodings(reported)[-1].record
    rows = [line for line in body.splitlines() if line.startswith("| asr_fr ")]
    assert len(rows) == 1
    assert rows[0].count("20.0 [15.0, 25.2]") == 3  # WER, CER and sentence errors
    for line in (
        "### beam5/test",
        f"| command | `{record['command']}` |",
        f"| reported | {record['environment']['date']} |",
        "| soup | vm SA |",
        "* beam5/test: 25 utterances for each objective",
        f"Packed by espnet-soups {__version__}.",
    ):
        assert line in body, body
    assert f"espnet {record['environment']['espnet']}" in body
    assert "was not scored" not in body

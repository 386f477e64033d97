"""The site: it builds without a warning, loads nothing from the network, and has every page."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from espnet_soups.testing.browser import Browser, find_browser
from tools.docs.draw_results import PICTURE, RESULTS, draw, read_means
from tools.docs.site_pages import (
    find_documents,
    find_modules,
    find_pictures,
    render_notebook,
    rewrite_links,
)

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tools" / "docs" / "mkdocs.yml"
# What a browser fetches by itself, by tag.
FETCHED = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
}


class Fetched(HTMLParser):
    """Collects what a page fetches by itself, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.resources: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        address = given.get(FETCHED.get(tag, ""))
        if address is not None and given.get("rel") not in ("canonical", "next", "prev"):
            self.resources.append(address)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    if importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed: pip install 'espnet-soups[docs]'")
    folder = tmp_path_factory.mktemp("site")
    words = ["-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(CONFIG)]
    done = subprocess.run(
        [sys.executable, *words, "--site-dir", str(folder)],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def read(page: Path) -> Fetched:
    """Return what a page fetches and links."""
    found = Fetched()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def test_no_page_loads_anything_from_the_network(site: Path):
    # the page of missing pages is for servers alone, with addresses from their root
    pages = sorted(path for path in site.rglob("*.html") if path.name != "404.html")
    assert len(pages) > 50
    for page in pages:
        resources = read(page).resources
        assert resources
        for resource in resources:
            assert not re.match(r"(https?:)?//", resource), f"{page.name}: {resource}"
            if not resource.startswith("data:"):
                assert (page.parent / resource.split("?")[0]).is_file(), f"{page.name}: {resource}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", style.read_text()), style.name


def test_every_document_and_every_room_has_a_page(site: Path):
    wanted = [path.stem for path in (ROOT / "docs").glob("*.md")]
    wanted += [page.removesuffix(".md") for page in find_documents().values()]
    wanted += [f"reference/{room}" for room in find_modules()]
    assert len(wanted) > 50
    start = read(site / "index.html").links
    for name in wanted:
        assert (site / f"{name}.html").is_file(), name
        assert f"{name}.html" in start or name == "index", f"{name} is not in the navigation"


def test_the_reference_has_signatures_and_texts_of_docstrings(site: Path):
    page = (site / "reference" / "inference.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", page)
    assert "from_pretrained" in text
    assert "Model that recognises, translates and labels speech." in text
    assert 'id="espnet_soups.inference.speech2text.Speech2Text.from_pretrained"' in page


def test_the_search_works_in_a_folder_without_a_server(site: Path, tmp_path: Path):
    if find_browser() is None:
        pytest.skip("no Chromium is installed")
    with Browser(tmp_path) as browser:
        browser.call("Page.navigate", url=(site / "index.html").as_uri())
        browser.wait("document.querySelector('[data-md-component=search-query]')")
        browser.wait("document.querySelector('iframe')?.contentWindow.lunr")
        browser.run("document.querySelector('[data-md-component=search-query]').focus()")
        browser.call("Input.insertText", text="penalty")
        browser.wait("document.querySelector('.md-search-result__item')")
        browser.look(360, 800, "dark")
        assert browser.run("document.documentElement.scrollWidth") <= 360
        assert browser.complaints == []


def test_links_of_the_repository_become_links_of_the_site():
    pages = find_documents()
    for text, source, page, wanted in (
        ("[x](limits.md#a)", "docs/faq.md", "faq.md", "[x](limits.md#a)"),
        ("[x](docs/faq.md)", "README.md", "index.md", "[x](faq.md)"),
        (
            "[x](../egs2/asterisk/msp1/RESULTS.md)",
            "docs/ssl.md",
            "ssl.md",
            "[x](recipes/asterisk_results.md)",
        ),
        (
            "[x](../../../docs/ssl.md)",
            "egs2/asterisk/msp1/README.md",
            "recipes/asterisk_readme.md",
            "[x](../ssl.md)",
        ),
        (
            "[`kind.py`](../espnet_soups/objectives/kind.py)",
            "docs/objectives.md",
            "objectives.md",
            "[`kind.py`](reference/objectives.md#espnet_soups.objectives.kind)",
        ),
        ("see [x](LICENSE).", "README.md", "index.md", "see x."),
        ("[x](https://a.b/c)", "README.md", "index.md", "[x](https://a.b/c)"),
        ("```\n[x](LICENSE)\n```", "README.md", "index.md", "```\n[x](LICENSE)\n```"),
    ):
        assert rewrite_links(text, source, page, pages) == wanted


def test_published_studies_have_pages_with_their_pictures(tmp_path: Path):
    folder = tmp_path / "egs2" / "mine" / "msp1" / "studies" / "first"
    folder.mkdir(parents=True)
    for name in ("study.md", "front.svg", "runs.jsonl"):
        (folder / name).touch()
    pages, pictures = find_documents(tmp_path), find_pictures(tmp_path)
    here = "egs2/mine/msp1/studies/first/"
    assert pages[f"{here}study.md"] == "recipes/mine_study_first.md"
    assert pictures == {f"{here}front.svg": "recipes/mine_study_first_front.svg"}
    text = rewrite_links(
        "![f](front.svg)", f"{here}study.md", pages[f"{here}study.md"], pages | pictures
    )
    assert text == "![f](mine_study_first_front.svg)"


def test_a_notebook_becomes_a_page():
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "Text."]},
        {"cell_type": "code", "source": ["print(1)"], "outputs": [{"text": ["1\n"]}]},
        {"cell_type": "code", "source": ["a = 2"], "outputs": []},
    ]
    wanted = (
        "# Title\nText.\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n```python\na = 2\n```\n"
    )
    assert render_notebook(json.dumps({"cells": cells})) == wanted


def test_the_picture_of_results_shows_the_published_ones():
    means = read_means(RESULTS)
    assert PICTURE.read_text(encoding="utf-8") == draw(means), (
        "run python -m tools.docs.draw_results"
    )
    markers = re.findall(r'circle class="cer" cx="([\d.]+)"', draw(means))
    cers = [scores["cer"]["value"] for scores in means.values()]
    order = sorted(range(len(cers)), key=lambda number: cers[number])
    assert order == sorted(range(len(cers)), key=lambda number: float(markers[number]))


def test_numbers_beyond_an_axis_and_missing_experiments_are_refused(tmp_path: Path):
    means = {name: json.loads(json.dumps(scores)) for name, scores in read_means(RESULTS).items()}
    next(iter(means.values()))["cer"]["high"] = 99.0
    with pytest.raises(ValueError, match=r"cer 99\.0 lies outside the axis 10 to 35"):
        draw(means)
    (tmp_path / "results.jsonl").write_text("")
    with pytest.raises(ValueError, match=r"has no results of msp_.*: name others in ROWS"):
        read_means(tmp_path / "results.jsonl")


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "images").glob("*.svg")), ids=str)
def test_pictures_are_whole_titled_and_need_no_network(path: Path):
    root = ElementTree.parse(path).getroot()
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    text = path.read_text(encoding="utf-8")
    assert "prefers-color-scheme:dark" in text
    assert text.count("http") == 1  # the name of SVG itself

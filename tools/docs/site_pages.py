"""What MkDocs asks while it builds the site: pages from outside docs/, and links that fit there.

Documents link to files of the repository, as one reads them in a clone. On the site a link to a
document leads to its page, a link to a module to its reference; of any other link the text stays.
"""

import json
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "espnet_soups"
NOTEBOOK = "docs/notebooks/first_soup.ipynb"
STUDIES = "egs2/*/msp1/studies/*/"
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
SCRIPT = "iframe-worker.js"
NO_REFERENCE = ("bin",)  # commands have --help


def find_documents(root: Path = ROOT) -> dict[str, str]:
    """Return the page of every document outside docs/, by its path in the repository."""
    pages = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
    pages["CONTRIBUTING.md"] = "contributing.md"
    for file in ("README", "RESULTS"):
        for path in sorted(root.glob(f"egs2/[!t]*/msp1/{file}.md")):  # not those of tests
            page = f"recipes/{path.parts[-3]}_{file.lower()}.md"
            pages[path.relative_to(root).as_posix()] = page
    for study in sorted(root.glob(STUDIES + "*.md")):
        pages[study.relative_to(root).as_posix()] = f"recipes/{_study_of(study)}.md"
    pages[NOTEBOOK] = "notebooks/first_soup.md"
    return pages


def find_pictures(root: Path = ROOT) -> dict[str, str]:
    """Return where pictures of published studies lie on the site, by their path here."""
    return {
        path.relative_to(root).as_posix(): f"recipes/{_study_of(path)}_{path.name}"
        for path in sorted(root.glob(STUDIES + "*"))
        if path.suffix in (".png", ".svg")
    }


def _study_of(path: Path) -> str:
    return f"{path.parents[3].name}_study_{path.parent.name}"


def find_modules(package: Path = PACKAGE) -> dict[str, list[str]]:
    """Return the modules of every room that has a reference, by its name."""
    rooms: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        if parts[-1].startswith("__") or len(parts) < 3 or parts[1] in NO_REFERENCE:
            continue
        rooms.setdefault(parts[1], []).append(".".join(parts))
    return rooms


def rewrite_links(text: str, source: str, page: str, pages: Mapping[str, str]) -> str:
    """Return a document with links as they must be on the site.

    Args:
        text: Markdown.
        source: Path of the document in the repository.
        page: Path of its page on the site.
        pages: Pages of the documents outside docs/, see `find_documents`.

    >>> rewrite_links("[a](../egs2/x/R.md#b), [c](../setup.py)", "docs/d.md", "d.md",
    ...               {"egs2/x/R.md": "recipes/x.md"})
    '[a](recipes/x.md#b), c'
    """

    def rewrite(match: re.Match[str]) -> str:
        picture, words, target = match.groups()
        if target.startswith(("#", "http://", "https://", "mailto:")):
            return match[0]
        place, _, anchor = target.partition("#")
        found = posixpath.normpath(posixpath.join(posixpath.dirname(source), place))
        led, own = _page_of(found, pages)
        if not led:
            return words
        anchor = own or anchor
        link = posixpath.relpath(led, posixpath.dirname(page) or ".")
        return f"{picture}[{words}]({link}{'#' if anchor else ''}{anchor})"

    parts = FENCE.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(rewrite, part) for part in parts)


def _page_of(path: str, pages: Mapping[str, str]) -> tuple[str, str]:
    """Return the page of a file of the repository and an anchor; empty: it has none."""
    if path in pages:
        return pages[path], ""
    if path.startswith("docs/"):
        return path.removeprefix("docs/"), ""
    parts = path.removesuffix(".py").split("/")
    if parts[0] == PACKAGE.name and len(parts) > 1 and parts[1] not in NO_REFERENCE:
        anchor = ".".join(parts) if path.endswith(".py") else ""
        return f"reference/{parts[1]}.md", anchor
    return "", ""


def render_notebook(text: str) -> str:
    """Return a notebook as Markdown: its texts, its code, and what the code printed.

    Args:
        text: The notebook, JSON.
    """
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        printed = "".join("".join(item.get("text", "")) for item in cell["outputs"])
        if printed:
            parts.append(f"```text\n{printed.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def render_reference(room: str, modules: list[str]) -> str:
    """Return the page of a room, which mkdocstrings fills from docstrings."""
    head = f"---\nsearch:\n  boost: 0.2\n---\n\n# {room}\n\n::: {PACKAGE.name}.{room}\n"
    options = "    options:\n      members: false\n      show_root_heading: false\n"
    return head + options + "".join(f"\n::: {module}\n" for module in modules)


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Add recipes and reference to the navigation."""
    navigation: Any = config.nav
    recipes = [
        {Path(page).stem.replace("_", " "): page}
        for page in find_documents().values()
        if page.startswith("recipes/")
    ]
    for entry in navigation:
        for title, below in entry.items():
            if title == "Results":
                below += recipes
    navigation.append({"Reference": [f"reference/{room}.md" for room in find_modules()]})
    return config


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages that lie outside docs/."""
    from mkdocs.structure.files import File

    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            files.remove(file)
    for source, page in find_documents().items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = render_notebook(text) if source == NOTEBOOK else text
        files.append(File.generated(config, page, content=text))
    for source, place in find_pictures().items():
        content = (ROOT / source).read_bytes()
        files.append(File.generated(config, place, content=content))
    for room, modules in find_modules().items():
        reference = render_reference(room, modules)
        files.append(File.generated(config, f"reference/{room}.md", content=reference))
    script = Path(__file__).with_name(SCRIPT).read_text(encoding="utf-8")
    files.append(File.generated(config, f"assets/{SCRIPT}", content=script))
    return files


def on_page_markdown(markdown: str, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """Mend the links of a page."""
    pages = find_documents()
    sources = {found: source for source, found in pages.items()}
    path = page.file.src_uri
    source = sources.get(path, f"docs/{path}")
    return rewrite_links(markdown, source, path, pages | find_pictures())

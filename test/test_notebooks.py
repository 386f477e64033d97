"""The notebooks of the documents run, and show what their texts say."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_there_is_a_notebook():
    assert NOTEBOOKS


def test_the_first_soup_learns_and_aligns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / "first_soup.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    said = [
        "".join(item.get("text", "") for item in cell.get("outputs", [])) for cell in notebook.cells
    ]
    shown = "\n".join(said)
    assert "transcript: hgfa\n" in shown
    assert "language: fr\n" in shown
    rows = [line.split() for line in shown.splitlines() if line.strip()[:1].isdigit()]
    assert [int(row[0]) for row in rows] == list(range(1, 11))
    penalties = [float(row[3]) for row in rows]
    assert penalties == sorted(penalties)
    assert penalties[-1] == 1.5
    assert {round(float(row[1]) + float(row[2]), 2) for row in rows} == {1.0}
    assert len({row[1] for row in rows}) > 1  # the weights moved
    times = [line.split() for line in said[-1].splitlines()]
    assert [words[0] for words in times] == list("hgfa")
    for number, words in enumerate(times):
        start = 0.1 + 0.08 * number
        assert start - 0.08 < float(words[1]) < start + 0.08

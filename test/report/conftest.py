"""A finished experiment, small and made up, for the tests of the report."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_experiment import OBJECTIVES, build_experiment, report

from espnet_soups.report import write_report
from espnet_soups.report.results import Decoding

Maker = Callable[..., Path]


@pytest.fixture
def make_experiment(tmp_path: Path) -> Maker:
    """Make an experiment under `tmp_path/exp`."""

    def make(
        name: str = "msp_vm",
        objectives: list[str] | None = None,
        epochs: int = 4,
        drift: float = 0.02,
    ) -> Path:
        folder = tmp_path / "exp" / name
        build_experiment(folder, OBJECTIVES if objectives is None else objectives, epochs, drift)
        return folder

    return make


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment that was reported; for tests that only read."""
    folder = tmp_path_factory.mktemp("reported") / "exp" / "msp_vm"
    build_experiment(folder, OBJECTIVES, 4)
    report(folder)
    return folder


@pytest.fixture
def one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing but a point, for tests that are not about pictures."""

    def draw(decodings: list[Decoding], folder: Path) -> dict[str, Path]:
        folder.mkdir(exist_ok=True)
        (folder / "scores.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1")
        return {item.label: folder / "scores.png" for item in decodings}

    monkeypatch.setattr(write_report, "draw_scores", draw)
    monkeypatch.setattr(write_report, "draw_training", lambda history, folder: ({}, {}))
    monkeypatch.setattr(write_report, "draw_comparison", lambda expdir, name: (None, {}))

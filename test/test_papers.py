"""LICENSE, CITATION.cff and the version are there and agree."""

import re
from pathlib import Path

import setuptools
import yaml

import espnet_soups

ROOT = Path(__file__).parents[1]


def test_the_version_is_the_same_in_all_its_places_and_semantic():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    packaged = re.search(r'version="(.+)"', (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert packaged is not None
    assert {cited["version"], packaged[1]} == {espnet_soups.__version__}
    assert re.fullmatch(r"\d+\.\d+\.\d+", packaged[1])


def test_the_licence_is_the_one_that_is_named(monkeypatch):
    import runpy

    asked = {}
    monkeypatch.setattr(setuptools, "setup", lambda **given: asked.update(given))
    runpy.run_path(str(ROOT / "setup.py"))
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert asked["license_expression"] == cited["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text

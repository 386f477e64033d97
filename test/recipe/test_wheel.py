"""The package as a user has it: built, installed into a new environment, run outside a clone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from tiny_recipe import CONFIG, DATA, ROOT, RUN, write_corpus

SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
SOURCES += ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "tools/__init__.py")
SOURCES += ("tools/package_recipes.py",)
BUILD = (
    "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
)


def call(*words: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command where nothing but its own environment leads to a clone."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    return subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def build(what: str, source: Path, target: Path) -> Path:
    """Build an sdist or a wheel as `python -m build` does, and return it."""
    done = call(sys.executable, "-c", BUILD, f"build_{what}", target, cwd=source)
    assert done.returncode == 0, done.stderr
    return next(target.glob("*.tar.gz" if what == "sdist" else "*.whl"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist of a clone in which a recipe has run."""
    root = tmp_path_factory.mktemp("sdist")
    clone = root / "clone"
    (clone / "tools").mkdir(parents=True)
    for name in SOURCES:
        shutil.copy(ROOT / name, clone / name)
    left_out = shutil.ignore_patterns(
        "__pycache__", "tmp_*", "data", "dump", "exp", "downloads", "*.egg-info"
    )
    shutil.copytree(ROOT / "egs2", clone / "egs2", symlinks=True, ignore=left_out)
    shutil.copytree(
        ROOT / "espnet_soups", clone / "espnet_soups", ignore=shutil.ignore_patterns("__pycache__")
    )
    (clone / "egs2" / "asterisk" / "msp1" / "exp").mkdir()
    (clone / "egs2" / "asterisk" / "msp1" / "exp" / "secret.pth").touch()
    return build("sdist", clone, root)


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """A wheel that was built from the sdist."""
    root = sdist.parent / "unpacked"
    with tarfile.open(sdist) as archive:
        archive.extractall(root, filter="data")
    return build("wheel", next(root.iterdir()), sdist.parent)


@pytest.fixture(scope="module")
def environment(wheel: Path) -> Path:
    """A new environment with the wheel; all else comes from the environment of the tests."""
    folder = wheel.parent / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    words = ("install", "--no-deps", "--no-index", "--quiet", wheel)
    done = call(sys.executable, "-m", "pip", "--python", python, *words, cwd=wheel.parent)
    assert done.returncode == 0, done.stderr
    site = next((folder / "lib").glob("python*/site-packages"))
    # with the .pth files of the tests' environment, one of which brings distutils back
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (site / "tests.pth").write_text(line)
    done = call(python, "-c", "import espnet_soups; print(espnet_soups.__file__)", cwd=wheel.parent)
    assert Path(done.stdout.strip()).is_relative_to(folder), done.stdout + done.stderr
    return folder


def test_what_is_built_has_valid_metadata_and_the_projects_papers(sdist: Path, wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        head = archive.read(next(name for name in names if name.endswith("dist-info/METADATA")))
    metadata = Metadata.from_email(head, validate=True)
    assert metadata.license_expression == "Apache-2.0"
    assert metadata.license_files == ["LICENSE"]
    assert set(metadata.project_urls or {}) == {"Paper", "ESPnet"}
    assert "# espnet-soups" in str(message_from_bytes(head).get_payload())
    assert "espnet_soups/py.typed" in names
    templates = ("report/templates/experiment.html", "sharing/templates/card.md")
    templates += ("demo/page/index.html", "demo/page/page.js", "demo/page/style.css")
    assert {f"espnet_soups/{name}" for name in templates} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(sdist) as archive:
        members = {name.partition("/")[2]: archive.getmember(name) for name in archive.getnames()}
    assert {"LICENSE", "CITATION.cff", "CONTRIBUTING.md"} <= set(members)
    assert members["egs2/asterisk/msp1/conf/train_msp.yaml"].issym()
    for held in (names, members):
        assert not [name for name in held if "secret" in name or "RESULTS.md" in name]


def test_the_wheel_holds_each_file_of_the_recipes_once(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if "/egs2/" in name]
    assert [name for name in names if name.endswith("msp.sh")] == [
        "espnet_soups/recipes/egs2/TEMPLATE/msp1/msp.sh"
    ]
    for recipe in ("asterisk", "covost2", "debian_speech", "librispeech_aishell"):
        assert f"espnet_soups/recipes/egs2/{recipe}/msp1/run.sh" in names


def test_a_recipe_of_the_wheel_runs_outside_a_clone(environment: Path, tmp_path: Path):
    command = environment / "bin" / "espnet-soups"
    done = call(command, "recipe", "asterisk", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "mine"
    config = folder / "conf" / "train_msp.yaml"
    assert os.readlink(config) == "tuning/train_msp_e_branchformer_muon.yaml"
    assert not [path for path in folder.rglob("*") if path.is_symlink() and not path.exists()]
    write_corpus(folder / "corpus")
    config.unlink()
    config.write_text(CONFIG)
    (folder / "conf" / "decode_msp.yaml").write_text("beam_size: 2\nmaxlenratio: 0.5\n")
    (folder / "run.sh").write_text(RUN)
    (folder / "local" / "data.sh").write_text(DATA)
    # a `python` that stands first on PATH is not the one of the folder
    decoy = tmp_path / "decoy"
    decoy.mkdir()
    (decoy / "python").write_text("#!/bin/sh\necho decoy >&2\nexit 99\n")
    (decoy / "python").chmod(0o755)
    done = call("./run.sh", "--stop_stage", "3", cwd=folder, PATH=f"{decoy}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stdout + done.stderr
    tables = sorted((folder / "dump").rglob("feats.scp"))
    assert {path.parent.name for path in tables} >= {"train_sp", "dev"}
    assert all(len(path.read_text().splitlines()) >= 8 for path in tables)

    (folder / "path.soups.sh").write_text("soups_python=/nowhere/bin/python\n")
    done = call("./run.sh", "--stop_stage", "1", cwd=folder)
    assert done.returncode == 1
    assert "path.soups.sh names /nowhere/bin/python, which is gone" in done.stderr


def test_the_command_answers_from_the_wheel(environment: Path, tmp_path: Path):
    command = environment / "bin" / "espnet-soups"
    assert call(command, "--version", cwd=tmp_path).stdout == "espnet-soups 0.1.0\n"
    listed = call(command, "list", "recipes", cwd=tmp_path)
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [
        "asterisk",
        "covost2",
        "debian_speech",
        "librispeech_aishell",
    ]

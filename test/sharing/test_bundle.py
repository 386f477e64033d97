"""A packed model travels whole, decodes as before, and is refused where it was changed."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hub_stand_in import stand_in

from espnet_soups import Speech2Text
from espnet_soups.bin.main import main
from espnet_soups.inference.bundle import TABLE, open_bundle
from espnet_soups.testing.audible_model import FS, say
from espnet_soups.testing.toy_corpus import ToyExperiment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for what is unpacked."""
    monkeypatch.setenv("ESPNET_SOUPS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def bundle(audible: ToyExperiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed model, whose training data and statistics are gone."""
    path = tmp_path_factory.mktemp("packed") / "tones.zip"
    corpora = path.with_name("corpora.yaml")
    corpora.write_text(
        "licence: cc0-1.0\ncorpora: [{name: Tones, licence: CC0, url: 'https://example.org'}]\n"
    )
    main(["pack", str(audible.exp_dir), "--output", str(path), "--corpora", str(corpora)])
    return path


@pytest.fixture
def unpacked(bundle: Path, tmp_path: Path) -> Path:
    """The bundle as a folder that tests may change."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def text_of(model: str | Path) -> str:
    result = Speech2Text.from_pretrained(model)(say("abcde", "en"), "en", FS)
    assert result.transcript is not None
    return result.transcript.text


def test_a_bundle_decodes_and_needs_nothing_of_the_recipe(bundle: Path, cache: Path):
    assert text_of(bundle) == "abcde"
    (folder,) = cache.iterdir()
    assert (folder / "exp" / "msp_audible" / "feats_stats.npz").is_file()
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
    assert {"meta.yaml", TABLE, "README.md", "exp/msp_audible/config.yaml"} <= set(names)
    assert not [name for name in names if name.startswith("/") or ".." in name]
    table = json.loads((folder / TABLE).read_text())
    digests = {
        name: subprocess.run(
            ["sha256sum", name], cwd=folder, capture_output=True, text=True
        ).stdout.split()[0]
        for name in table["files"]
    }
    assert digests == table["files"]


def test_a_cache_that_was_changed_is_unpacked_anew(bundle: Path, cache: Path):
    folder = open_bundle(bundle)
    (folder / "config.yaml").write_text("encoder: none\n")
    assert open_bundle(bundle) == folder
    assert "transformer" in (folder / "config.yaml").read_text()
    assert len(list(cache.iterdir())) == 1


def test_the_card_names_languages_data_licences_and_limits(bundle: Path):
    with zipfile.ZipFile(bundle) as archive:
        card = archive.read("README.md").decode()
    _, head, body = card.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "language": ["en", "fr"],
        "license": "cc0-1.0",
        "library_name": "espnet-soups",
        "tags": [
            "espnet",
            "espnet-soups",
            "automatic-speech-recognition",
            "automatic-speech-translation",
            "audio-classification",
        ],
    }
    for line in (
        "* Recognition: en, fr",
        "* Translation: fr → en",
        "| Tones | CC0 | https://example.org |",
        "Licence of the model: cc0-1.0.",
        "This model was not scored.",
        "* It was trained on audio of 8000 Hz",
    ):
        assert line in body, line


def test_a_card_without_data_and_licence_warns(audible: ToyExperiment):
    from espnet_soups.sharing.card import render_card

    card = render_card(audible.exp_dir, [], "")
    assert "license:" not in card
    assert "did not name the data that it was trained on" in card
    assert "No licence of the model is named: ask whoever gave it to you" in card


def change_file(folder: Path) -> None:
    with open(folder / "exp" / "msp_audible" / "config.yaml", "a") as file:
        file.write("# changed\n")


def make_newer(folder: Path) -> None:
    table = json.loads((folder / TABLE).read_text())
    (folder / TABLE).write_text(json.dumps(table | {"format": 2, "espnet_soups": "3.1.0"}))


def lead_out(folder: Path) -> None:
    table = json.loads((folder / TABLE).read_text())
    (folder / TABLE).write_text(json.dumps(table | {"exp_dir": "../../elsewhere"}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change_file, r"exp/msp_audible/config\.yaml was changed after it was packed; get the"),
        (make_newer, r"is a bundle of format 2 \(espnet-soups 3\.1\.0\), but .* up to 1: pip inst"),
        (lead_out, r"bundle\.json names \.\./\.\./elsewhere, which lies outside; get it again"),
        (lambda f: next(f.rglob("*.pth")).unlink(), r"lacks exp/msp_audible/valid\.\S+\.pth; get"),
        (
            lambda f: (f / TABLE).write_text("{"),
            r"bundle\.json is not JSON .*; run `espnet-soups p",
        ),
        (
            lambda f: (f / TABLE).write_text('{"format": 1}'),
            r"bundle\.json is not as it is written",
        ),
    ],
)
@pytest.mark.usefixtures("cache")
def test_a_bundle_that_was_changed_or_is_newer_is_refused(unpacked: Path, damage, said: str):
    damage(unpacked)
    with pytest.raises((ValueError, OSError), match=said):
        Speech2Text.from_pretrained(unpacked)
    again = shutil.make_archive(str(unpacked.with_name("again")), "zip", unpacked)
    with pytest.raises((ValueError, OSError), match=said):
        Speech2Text.from_pretrained(again)


@pytest.mark.usefixtures("cache")
def test_what_is_no_bundle_is_refused_by_name(tmp_path: Path):
    (tmp_path / "words.zip").write_text("no zip file")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("thesis.tex", "words")
    with pytest.raises(
        ValueError, match=r"words\.zip is damaged, or not a bundle \(File is not a zip"
    ):
        Speech2Text.from_pretrained(tmp_path / "words.zip")
    with pytest.raises(
        ValueError, match=r"other\.zip is not a bundle: it holds no bundle\.json; make"
    ):
        Speech2Text.from_pretrained(tmp_path / "other.zip")


def test_files_outside_that_differ_in_their_folders_alone_are_packed_and_found(
    audible: ToyExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from espnet_soups.inference.model_files import locate
    from espnet_soups.sharing import pack

    models = [
        tmp_path / place / language / "bpe" / "bpe.model"
        for place, language in (("data", "fr"), ("data", "en"), ("other", "en"))
    ]
    for path in models:
        path.parent.mkdir(parents=True)
        path.write_text(str(path))
    read = pack.read_config
    named: list[str] = []

    def read_config(exp_dir: Path, kinds: tuple[str, ...], found: dict[str, Path]):
        args = read(exp_dir, kinds, found)
        found.update({name: Path(name) for name in named})
        return args

    monkeypatch.setattr(pack, "read_config", read_config)
    named += map(str, models[:2])
    files = pack.files_of_model(audible.exp_dir, None, ())
    inside = [name for name in files if name.endswith("bpe.model")]
    assert inside == ["exp/msp_audible/bpe.model", "exp/msp_audible/en/bpe/bpe.model"]
    for name in inside:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(files[name], tmp_path / name)
    for path in models[:2]:
        found = locate(str(path), tmp_path / "exp" / "msp_audible")
        assert found.read_text() == str(path)
        shutil.copy(found, path)
    named.append(str(models[2]))
    with pytest.raises(ValueError, match=r"both be packed as exp/msp_audible/en/bpe/bpe\.model"):
        pack.files_of_model(audible.exp_dir, None, ())


def test_corpora_are_those_of_the_working_directory_where_the_recipe_is_not_above(
    audible: ToyExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "corpora.yaml").write_text(
        "corpora: [{name: Tones, licence: CC0, url: 'https://example.org'}]\n"
    )
    monkeypatch.chdir(tmp_path)
    main(["pack", str(audible.exp_dir), "--output", "tones.zip"])
    with zipfile.ZipFile("tones.zip") as archive:
        assert "| Tones | CC0 | https://example.org |" in archive.read("README.md").decode()
    assert "the card names no data" not in capsys.readouterr().out


# --- the hub ---------------------------------------------------------------------------------


def in_a_process(code: str, tmp_path: Path, address: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a hub of its own: its client reads its settings once, when it is imported."""
    settings = {
        "HF_ENDPOINT": address,
        "HF_HOME": str(tmp_path / "hub-cache"),
        "HF_TOKEN": "hf_stand_in",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "ESPNET_SOUPS_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HF_HUB_OFFLINE": "0"} | settings,  # other tests need no hub
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that stands for the hub, and its address."""
    (tmp_path / "hub").mkdir()
    with stand_in(tmp_path / "hub") as address:
        yield tmp_path / "hub", address


CALL = "from espnet_soups.bin.main import main, run_command; run_command(lambda _: main({}))"


def test_an_uploaded_model_is_used_by_its_name(bundle: Path, hub, tmp_path: Path):
    folder, address = hub
    done = in_a_process(CALL.format(["upload", str(bundle), "we/tones"]), tmp_path, address)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{address}/we/tones\n"
    assert (folder / "we" / "tones" / "README.md").read_text().startswith("---\nlanguage:")
    import soundfile

    soundfile.write(tmp_path / "a.wav", say("abcde", "en"), FS)
    words = ["transcribe", str(tmp_path / "a.wav"), "--lang", "en", "--model", "we/tones"]
    done = in_a_process(CALL.format(words), tmp_path, address)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "abcde\n"


def test_a_model_that_the_hub_lacks_and_a_hub_out_of_reach_end_in_one_sentence(hub, tmp_path: Path):
    _, address = hub
    for place in (address, "http://127.0.0.1:9"):  # a port at which nobody answers
        words = ["transcribe", __file__, "--lang", "en", "--model", "we/nothing"]
        done = in_a_process(CALL.format(words), tmp_path, place)
        assert done.returncode == 1
        (last,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert re.match(
            r"error: we/nothing is not a file or folder, and could not be fetched \(Hugging Face"
            r" hub\): .+; check the name, the network, and for a private model `hf auth login`\.$",
            last,
        )
        assert "Traceback" not in done.stderr


def test_a_name_that_the_hub_cannot_have_and_a_missing_bundle_are_refused(
    bundle: Path, tmp_path: Path
):
    with pytest.raises(ValueError, match=r"named organisation/model, but got 'tones'"):
        main(["upload", str(bundle), "tones"])
    with pytest.raises(FileNotFoundError, match=r"none\.zip does not exist: make it by `espnet-"):
        main(["upload", str(tmp_path / "none.zip"), "we/tones"])


def test_without_the_client_of_the_hub_the_extra_is_named(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match=r"not installed: pip install 'espnet-soups\[hub\]'"):
        main(["upload", str(bundle), "we/tones"])


@pytest.mark.usefixtures("cache")
def test_a_bundle_whose_bytes_are_damaged_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", json.dumps({str(number): number for number in range(999)}))
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"model\.zip is damaged, or not a bundle .*; get it again"
    ):
        Speech2Text.from_pretrained(path)

"""Pack a trained model: all that decoding needs, the report, a card, and a digest of every file."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups import __version__
from espnet_soups.files import read_yaml, whole_file, write_json, write_text
from espnet_soups.inference.bundle import FORMAT, TABLE, digest_of
from espnet_soups.inference.load_model import find_model_file
from espnet_soups.inference.model_files import nested_name
from espnet_soups.inference.training_config import (
    STATISTICS,
    check_statistics,
    config_path,
    read_config,
)
from espnet_soups.objectives.recognition import Recognition
from espnet_soups.sharing.card import CARD, Corpus, render_card
from espnet_soups.sharing.espnet_pack import write_pack
from espnet_soups.task.training.model_file import load_tensors

REPORTS = ("RESULTS.md", "report.html", "images")  # of stage 13, if they exist
EXPERIMENTS = "exp"  # the folder of experiments inside a bundle


@dataclass(frozen=True)
class Packed:
    """A bundle that was written.

    Attributes:
        path: The zip file.
        files: Names inside it.
    """

    path: Path
    files: list[str]


def pack_model(
    exp_dir: Path,
    output: Path,
    corpora: Sequence[Corpus] = (),
    licence: str = "",
    model_file: str | None = None,
    own_kinds: Sequence[str] = (),
) -> Packed:
    """Pack a model; the file appears whole or not at all.

    Args:
        exp_dir: The folder that training wrote.
        output: The zip file to write.
        corpora: What the model was trained on, for the card.
        licence: Licence of the model, such as `cc-by-sa-3.0`; empty: the card says that none is
            named.
        model_file: See `find_model_file`.
        own_kinds: Classes of kinds that the model names and that may be imported.

    Raises:
        OSError: If a file is missing or cannot be written.
        ValueError: If the model does not fit its configuration, or two files have one name.
    """
    files = files_of_model(exp_dir, model_file, own_kinds)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".pack.") as name:
        stage = Path(name)
        for inside, path in files.items():
            (stage / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, stage / inside)
        write_text(stage / CARD, render_card(exp_dir, corpora, licence))
        folder = f"{EXPERIMENTS}/{exp_dir.resolve().name}"
        inside_names = sorted([*files, CARD])
        table = {
            "format": FORMAT,
            "espnet_soups": __version__,
            "exp_dir": folder,
            "files": {inside: digest_of(stage / inside) for inside in inside_names},
        }
        write_json(stage / TABLE, table)
        model = f"{folder}/{find_model_file(exp_dir, model_file).name}"
        with whole_file(output) as temporary:
            config = f"{folder}/config.yaml"
            # ESPnet has no name for models of several tasks: that of ASR has the same files
            names = [*inside_names, TABLE]
            write_pack(stage, Recognition.name, config, model, names, temporary)
    return Packed(output, [*inside_names, TABLE])


def files_of_model(
    exp_dir: Path, model_file: str | None, own_kinds: Sequence[str]
) -> dict[str, Path]:
    """Return the files of a bundle: name inside it to path.

    A file that the configuration names is packed under that name, so that it is found in the
    unpacked bundle as it is in the recipe; one whose name leads out of the recipe is packed beside
    the model, in folders of its own if its name is taken.

    Args:
        exp_dir: The folder that training wrote.
        model_file: See `find_model_file`.
        own_kinds: Classes of kinds that the model names and that may be imported.

    Raises:
        OSError: If a file is missing.
        ValueError: If the model does not fit its configuration, or two files have one name.
    """
    located: dict[str, Path] = {}
    args = read_config(exp_dir, own_kinds, located)
    model = find_model_file(exp_dir, model_file)
    named = next((name for name in located if str(located[name]) == _statistics(args)), None)
    check_statistics(args, exp_dir, load_tensors(model))
    if named is not None:
        located[named] = Path(args.normalize_conf[STATISTICS])
    folder = Path(EXPERIMENTS, exp_dir.resolve().name)
    found = {folder / "config.yaml": config_path(exp_dir), folder / model.name: model}
    for name in REPORTS:
        path = exp_dir / name
        inner = sorted(path.rglob("*")) if path.is_dir() else [path]
        found |= {folder / item.relative_to(exp_dir): item for item in inner if item.is_file()}
    for name, path in located.items():
        found[_name_inside(name, path, folder, found)] = path
    return {inside.as_posix(): path for inside, path in found.items()}


def _name_inside(name: str, path: Path, folder: Path, found: Mapping[Path, Path]) -> Path:
    """Return the name inside a bundle of a file that the configuration names.

    Raises:
        ValueError: If it is taken by a file of other content.
    """
    leads_out = Path(name).is_absolute() or ".." in Path(name).parts
    names = [folder / Path(name).name, folder / nested_name(name)] if leads_out else [Path(name)]
    for inside in names:
        if inside not in found or found[inside].read_bytes() == path.read_bytes():
            return inside
    raise ValueError(
        f"{found[names[-1]]} and {path} would both be packed as {names[-1]}: give one of them"
        " another name in the config.yaml."
    )


def _statistics(args: object) -> str | None:
    return (getattr(args, "normalize_conf", None) or {}).get(STATISTICS)


def read_corpora(path: Path) -> list[Corpus]:
    """Read the corpora of a recipe.

    Args:
        path: YAML: a list below `corpora`, each with `name`, `licence`, `url`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed.
    """
    entry = {"name": str, "licence": str, "url": str}
    found = read_yaml(path, "the corpora of the recipe", {"corpora": [entry], "licence?": str})
    return [Corpus(**item) for item in found["corpora"]]


def licence_of(path: Path) -> str:
    """Return the licence that a recipe proposes for its models; empty: it proposes none.

    Args:
        path: YAML file of the corpora, with a key `licence`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed.
    """
    return str(read_yaml(path, "the corpora of the recipe").get("licence") or "")

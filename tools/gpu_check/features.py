"""Copy what training reads of a recipe: features, compressed, with labels, tokens, statistics."""

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.data.ark import read_array
from espnet_soups.files import read_table, read_yaml, write_table, write_text

OPTIONS = "options.yaml"  # in the folder: options of training, with paths relative to it
KEPT = (
    *("input_size", "feats_conf", "st_pairs", "asr_token_list", "asr_token_type"),
    *("st_token_list", "st_token_type"),
)
SPEECH_FEATURES = 2  # Kaldi's compression: a byte a number, on a scale for each filter
DATA = "{}_data_path_and_name_and_type"
SETS = ("train", "valid")


def find_statistics(recipe: Path) -> Path:
    """Return the folder that stage 6 of a recipe wrote.

    Args:
        recipe: Folder of the recipe.

    Raises:
        FileNotFoundError: If there is none, or several.
    """
    found = sorted((recipe / "exp").glob("msp_stats_*/jobs/stats.1/config.yaml"))
    if len(found) != 1:
        names = ", ".join(path.parents[2].name for path in found)
        raise FileNotFoundError(
            f"{recipe}/exp must hold the statistics of one run (msp_stats_*), but has"
            f' {names or "none"}: run `./run.sh --stop_stage 6 --speed_perturb_factors ""` there,'
            " or remove the others."
        )
    return found[0].parents[2]


def copy_features(recipe: Path, target: Path) -> None:
    """Copy features, labels, tokens and statistics of a recipe after its stage 6.

    Args:
        recipe: Folder of the recipe.
        target: A new folder.

    Raises:
        FileNotFoundError: If stage 6 has not been run.
    """
    statistics = find_statistics(recipe)
    options = read_yaml(statistics / "jobs/stats.1/config.yaml", "the options of stage 6")
    kept = {name: options[name] for name in KEPT}
    target.mkdir(parents=True)
    for name in SETS:
        (target / name).mkdir()
        files = options[DATA.format(name)]
        kept[DATA.format(name)] = _copy_set(recipe, files, target / name)
        shutil.copy(statistics / name / "speech_shape", target / name / "speech_shape")
        kept[f"{name}_shape_file"] = [f"{name}/speech_shape"]
    kept["st_bpemodel"] = _copy_models(recipe, options["st_bpemodel"] or {}, target)
    shutil.copy(statistics / "train/feats_stats.npz", target / "feats_stats.npz")
    kept["normalize"] = "global_mvn"
    kept["normalize_conf"] = {"stats_file": "feats_stats.npz"}
    write_text(target / OPTIONS, yaml.safe_dump(kept, allow_unicode=True, sort_keys=False))


def _copy_set(recipe: Path, files: Sequence[Sequence[str]], target: Path) -> list[list[str]]:
    """Copy one set, and return its data as ESPnet reads them: (path, name, type) each."""
    copied = []
    for path, name, kind in files:
        source = recipe / path
        copied.append([f"{target.name}/{source.name}", name, kind])
        if kind == "kaldi_ark":
            _compress(recipe, source, target / source.name)
        else:
            shutil.copy(source, target / source.name)
    return copied


def _compress(recipe: Path, source: Path, target: Path) -> None:
    """Write the arrays of a table in one archive, a byte a number, and a table relative to it."""
    import kaldiio

    arrays = {key: read_array(str(recipe / place)) for key, place in read_table(source).items()}
    ark = target.with_suffix(".ark")
    table = io.StringIO()
    with open(ark, "wb") as file:
        kaldiio.save_ark(file, arrays, scp=table, compression_method=SPEECH_FEATURES)
    lines = (line.split(" ", 1) for line in table.getvalue().split("\n") if line)
    own = f"{target.parent.name}/{ark.name}"
    write_table(target, {key: place.replace(str(ark), own) for key, place in lines})


def _copy_models(recipe: Path, models: Mapping[str, str], target: Path) -> dict[str, Any]:
    """Copy sentencepiece models, and return their new paths by target language."""
    copied = {}
    for language, path in models.items():
        copied[language] = f"{language}.model"
        shutil.copy(recipe / path, target / copied[language])
    return copied

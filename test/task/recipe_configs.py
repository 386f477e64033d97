"""The configurations of the recipes, found and read."""

from pathlib import Path

import yaml

EGS2 = Path(__file__).parents[2] / "egs2"
PAPER = ("covost2", "librispeech_aishell")
BASE = {"covost2": "train_msp_conformer_83m", "librispeech_aishell": "train_msp_conformer_58m"}
CONFIGS = sorted(
    path
    for path in EGS2.glob("[!t]*/msp1/conf/**/*.yaml")  # not those of tests
    if not path.is_symlink() and "optim" in yaml.safe_load(path.read_text(encoding="utf-8"))
)


def name_of(path):
    return f"{path.relative_to(EGS2).parts[0]}/{path.stem}"


def read(recipe, name):
    folder = EGS2 / recipe / "msp1" / "conf"
    path = folder / f"{name}.yaml"
    return yaml.safe_load((path if path.exists() else folder / "tuning" / path.name).read_text())

"""The Conformer configurations have the sizes of the paper, heads of their recipe included."""

import json
import re
from pathlib import Path

import pytest

from tools.machine_plan.parameters import main

RECIPES = Path(__file__).parents[2] / "egs2"
COVOST = "--asr_vocab en=502 fr=502 de=502 es=502 ca=502 --st_vocab en=1002"
COVOST += " --st_pairs fr_en de_en es_en ca_en"
HEADS = {"covost2": COVOST, "librispeech_aishell": "--asr_vocab en=1002 zh=4233"}
CONFIGS = sorted(RECIPES.glob("*/msp1/conf/tuning/train_msp_conformer_*m.yaml"))


def test_all_sizes_of_the_paper_are_there():
    sizes = sorted(int(re.findall(r"_(\d+)m$", path.stem)[0]) for path in CONFIGS)
    assert sizes == [58, 83, 100, 150]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_has_the_size_that_its_name_says_within_two_percent(path: Path, capsys):
    heads = HEADS[path.parents[3].name]
    main(["--config", str(path), "--json", *heads.split()])
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    millions = int(re.findall(r"_(\d+)m$", path.stem)[0])
    assert counts["total"] == sum(number for part, number in counts.items() if part != "total")
    assert counts["total"] / 1e6 == pytest.approx(millions, rel=0.02)

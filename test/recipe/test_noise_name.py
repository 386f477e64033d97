"""Names of noisy sets: folders of one name must not share them."""

import re
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1/scripts"


def test_a_folder_is_told_by_its_name_and_its_real_path(bash, tmp_path):
    def name(noise):
        result = bash(f'. {SCRIPTS}/noise_name.sh\nname_of_noise "$1"', noise)
        assert result.returncode == 0, result.stderr
        return result.stdout.rstrip("\n")

    for corpus in ("musan", "wham"):
        (tmp_path / corpus / "noise").mkdir(parents=True)
    (tmp_path / "generated").mkdir()
    (tmp_path / "link").symlink_to("musan")
    musan = name("musan/noise")
    assert re.fullmatch("noise_[0-9a-f]{8}", musan)
    assert name("wham/noise") != musan
    assert name(f"{tmp_path}/musan/noise/") == name("link/noise") == musan
    assert name("generated") == "generated"
    assert re.fullmatch("generated_[0-9a-f]{8}", name("./generated"))
    assert name("no where/at all").startswith("at all_")

"""Which objectives a decoded set holds, and which folders are refused."""

from pathlib import Path

import pytest

from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.objective_file import OBJECTIVES, write_objectives
from espnet_soups.scoring.find_objectives import find_objectives


def decode(folder: Path, *names: str, file: str = "text") -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / file).write_text("a b\n", encoding="utf-8")


def found(folder: Path) -> list[str]:
    return [objective.name for objective in find_objectives(folder)]


def test_objectives_are_found_recognition_first(tmp_path) -> None:
    decode(tmp_path, "st_fr_en", "asr_it", "asr_fr")
    (tmp_path / "logdir").mkdir()
    assert found(tmp_path) == ["asr_fr", "asr_it", "st_fr_en"]


def test_an_objective_without_text_is_named(tmp_path) -> None:
    (tmp_path / "asr_fr").mkdir()
    with pytest.raises(ValueError, match=r"has no `text` in \['asr_fr'\]"):
        find_objectives(tmp_path)


def test_a_folder_without_any_objective_is_refused(tmp_path) -> None:
    (tmp_path / "logdir").mkdir()
    with pytest.raises(ValueError, match="has no folder of an objective, such as asr_… or st_…"):
        find_objectives(tmp_path)


@pytest.mark.parametrize("name", ["asr_", "st_fr", "st_fr_", "mt_fr_en"])
def test_output_of_no_known_objective_is_refused_by_name(tmp_path, name) -> None:
    decode(tmp_path, "asr_fr", name)
    with pytest.raises(ValueError, match=rf"/{name} holds output, but objectives.json beside it"):
        find_objectives(tmp_path)


def test_what_decoding_wrote_down_counts_before_the_name(tmp_path) -> None:
    mine = Objective("emotion", "my_kinds:Emotion", label="emotion", label_file="utt2emotion")
    decoded = Objective("asr_fr", "asr", "fr", label="text", label_file="text")
    decode(tmp_path, "emotion", "asr_fr", "st_fr_en")
    write_objectives(tmp_path / OBJECTIVES, [mine, decoded])
    objectives = find_objectives(tmp_path)
    assert [objective.name for objective in objectives] == ["asr_fr", "st_fr_en", "emotion"]
    assert objectives[2] == mine


def test_an_objective_that_returns_arrays_needs_no_text(tmp_path) -> None:
    decode(tmp_path, "enh_clean", file="array.scp")
    write_objectives(tmp_path / OBJECTIVES, [Objective("enh_clean", "my_kinds:Enhancement")])
    assert found(tmp_path) == ["enh_clean"]


def test_an_objective_that_was_not_decoded_in_this_set_is_not_missed(tmp_path) -> None:
    decode(tmp_path, "asr_fr")
    names = ("asr_fr", "asr_it")
    write_objectives(tmp_path / OBJECTIVES, [Objective(name, "asr", name[4:]) for name in names])
    assert found(tmp_path) == ["asr_fr"]


def test_languages_with_regions_are_found_by_the_names_of_all_folders(tmp_path) -> None:
    decode(tmp_path, "asr_en_us", "st_en_us_fr")
    languages = [(item.language, item.target) for item in find_objectives(tmp_path)]
    assert languages == [("en_us", None), ("en_us", "fr")]

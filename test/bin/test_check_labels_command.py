"""Labels that the length filter takes, before a model is built."""

from pathlib import Path

import pytest

from espnet_soups.bin.check_labels import main
from espnet_soups.data.data_dir import DataDir, write_data_dir


def write_set(folder: Path, keys: list[str]) -> DataDir:
    """Write a set whose languages stand at the beginning of the ids."""
    table = {key: key[:2] for key in keys}
    labels = {"text": dict.fromkeys(keys, "a"), "text.en": dict.fromkeys(keys, "<na>")}
    data = DataDir(folder, dict.fromkeys(keys, "x.ark:1"), table, table, labels)
    write_data_dir(data, "feats.scp")
    return data


def test_an_objective_that_loses_all_labels_to_the_length_filter_is_named_with_their_number(
    tmp_path,
) -> None:
    write_set(tmp_path / "whole", ["en-1", "en-2", "fr-1", "fr-2"])
    write_set(tmp_path / "kept", ["en-1"])
    words = ["--whole", str(tmp_path / "whole"), "--kept", str(tmp_path / "kept")]
    with pytest.raises(ValueError, match=r"every label of asr_fr \(all 2 labels\) in \S+/whole: "):
        main([*words, "--asr_langs", "en fr", "--", "--config", "none.yaml"])


def test_what_never_had_a_label_is_not_blamed_on_the_filter(tmp_path) -> None:
    from espnet_soups.objectives.run import read_run
    from espnet_soups.objectives.set_labels import emptied_objectives, labels_by_objective

    whole = write_set(tmp_path / "whole", ["en-1", "fr-1"])
    run = read_run({"asr_langs": "en fr", "st_pairs": "fr_en"})
    before = labels_by_objective(whole, run.objectives)
    after = labels_by_objective(whole.keep(["en-1"]), run.objectives)
    assert emptied_objectives(before, after) == {"asr_fr": 1}
    assert emptied_objectives(before, before) == {}

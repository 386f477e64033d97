"""Training again in a folder that was trained with other data."""

import shutil
from pathlib import Path

import kaldiio
import pytest
from soup_options import SOUP

from espnet_soups.files import read_json, read_table, write_table
from espnet_soups.task.checks.changed_data import RECORD, describe_data


@pytest.fixture
def finished(runs, soup_run):
    """A soup of three epochs in a folder of its own."""
    folder = runs.root / "finished_data"
    shutil.copytree(soup_run, folder, symlinks=True)
    yield folder
    shutil.rmtree(folder)


def with_other(runs, name, change):
    """Return the options with another version of a table of training."""
    old = next(w for w in runs.options if w.split(",")[1:2] == [name])
    path = Path(old.split(",")[0])
    new = path.parents[1] / "elsewhere" / path.parent.name / path.name
    write_table(new, change(read_table(path)))
    return [w.replace(f"{path},{name},", f"{new},{name},") for w in runs.options]


def test_a_finished_run_is_refused_other_data_by_name_and_keeps_its_record(runs, finished):
    before = read_json(finished / RECORD, "training")
    config = (finished / "config.yaml").read_bytes()
    options = with_other(runs, "text", lambda table: {k: v[::-1] for k, v in table.items()})
    said = (
        rf"{finished} was trained for 3 epochs with other data, and no epoch is left to train with"
        r" those of now: `text` of training \(.*/elsewhere/train/text\) changed\. Use another"
        r" folder .*`--msp_tag` or `--expdir`.*or remove this one to train anew, or put the"
    )
    with pytest.raises(ValueError, match=said):
        runs._train(options, finished.name, [*SOUP, "--max_epoch", "3"])
    assert read_json(finished / RECORD, "training") == before
    assert (finished / "config.yaml").read_bytes() == config


def test_the_same_tables_at_another_place_are_the_same_data(runs, finished):
    runs._train(with_other(runs, "text", dict), finished.name, [*SOUP, "--max_epoch", "3"])


def test_training_goes_on_with_other_data_and_says_so_on_the_terminal(runs, finished):
    options = with_other(runs, "text", lambda table: {k: v[::-1] for k, v in table.items()})
    runs._train(options, finished.name, [*SOUP, "--max_epoch", "4"])
    remark = (finished / "remarks.txt").read_text().splitlines()[0]
    assert remark.startswith(
        "training goes on after epoch 3 with other data than before: `text` of"
    )
    runs._train(options, finished.name, [*SOUP, "--max_epoch", "4"])  # they are its data now


def test_a_folder_that_an_earlier_release_trained_has_no_record_and_passes(runs, finished):
    (finished / RECORD).unlink()
    runs.train(finished.name, *SOUP, "--max_epoch", "3")
    assert (finished / RECORD).is_file()


@pytest.mark.parametrize("with_digests", [True, False])
def test_audio_counts_by_what_it_sounds_like_or_else_by_its_size(tmp_path, with_digests):
    import numpy as np

    def describe(frames, digest):
        kaldiio.save_ark(
            str(tmp_path / "a.ark"), {"k": np.ones((frames, 2))}, scp=str(tmp_path / "feats.scp")
        )
        if with_digests:
            write_table(tmp_path / "speech.digest", {"k": digest, "left out": "x"})
        files = [(str(tmp_path / "feats.scp"), "speech", "kaldi_ark")]
        settings = {f"{part}_data_path_and_name_and_type": files for part in ("train", "valid")}
        return describe_data(settings)["train"]["speech"]

    first = describe(3, "a")
    assert first.basis == ("audio" if with_digests else "sizes")
    assert (describe(3, "b") == first) == (not with_digests)
    assert (describe(4, "a") == first) == with_digests

"""The average of the best epochs: what it is made of, and what cannot be averaged."""

import shutil

import pytest
import torch

from espnet_soups.task.training.averaging import average_best_epochs


@pytest.fixture
def folder(soup_run, tmp_path):
    """A trained run that may be damaged."""
    return shutil.copytree(soup_run, tmp_path / "run", symlinks=True)


def test_the_average_of_one_epoch_is_a_file_of_its_own(folder):
    average = average_best_epochs(folder, nbest=1)[0]
    path = average.path.resolve()
    assert path.name == f"{average.criterion}.ave_1best.pth"
    best = folder / f"{average.epochs[0][0]}epoch.pth"
    assert path.read_bytes() == best.read_bytes()
    best.unlink()
    assert average.path.is_file()


@pytest.mark.parametrize("nbest", [1, 2])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_a_broken_file_is_named_in_one_sentence(folder, nbest, damage):
    epoch = average_best_epochs(folder, nbest)[0].epochs[-1][0]
    path = folder / f"{epoch}epoch.pth"
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes(255 - value for value in content[middle : middle + 64])
    flipped += content[middle + 64 :]
    damaged = {"cut": content[:middle], "flipped": flipped, "empty": b"", "text": b"no model"}
    path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match=rf"{path} is (cut short|damaged) or not") as caught:
        average_best_epochs(folder, nbest)
    assert "\n" not in str(caught.value)


def test_a_broken_checkpoint_and_another_model_are_named(folder):
    epochs = average_best_epochs(folder, 2)[0].epochs
    path = folder / f"{epochs[-1][0]}epoch.pth"
    torch.save({"other": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=rf"{path} is of another configuration"):
        average_best_epochs(folder, 2)
    (folder / "checkpoint.pth").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"checkpoint\.pth is cut short or not a model file"):
        average_best_epochs(folder)

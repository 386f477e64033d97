"""Checkpoints on a disk that is full."""

import errno
import resource
import shutil
import zipfile

import pytest
import torch
from soup_options import SOUP

from espnet_soups.task.training.checkpoint import is_disk_full, recover


@pytest.fixture
def limit_file_size():
    """Return a function that limits what files may hold: beyond it they end as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_in_a_sentence_and_leaves_a_checkpoint_to_go_on_from(
    runs, soup_run, limit_file_size
):
    folder = runs.root / "full"
    shutil.copytree(soup_run, folder, symlinks=True)
    before = (folder / "checkpoint.pth").read_bytes()
    limit_file_size(len(before) // 2)
    said = f"A file of {folder} could not be written, is the disk full.*goes on from the last"
    with pytest.raises(OSError, match=said):
        runs.train(folder.name, *SOUP, "--max_epoch", "4")
    limit_file_size(resource.RLIM_INFINITY)
    assert (folder / "checkpoint.pth").read_bytes() == before
    assert all(zipfile.is_zipfile(path) for path in folder.glob("*.pth"))
    runs.train(folder.name, *SOUP, "--max_epoch", "4")
    assert (folder / "4epoch.pth").exists()
    said = (folder / "resumed.txt").read_text()
    assert said.startswith("goes on from epoch 4 of 4: 3 are done (")
    assert not (soup_run / "resumed.txt").exists()


def test_a_damaged_checkpoint_is_told_from_a_whole_one_and_the_previous_one_is_taken(tmp_path):
    current, previous = tmp_path / "checkpoint.pth", tmp_path / "checkpoint.previous.pth"
    torch.save({"model": torch.arange(1000)}, current)
    whole = current.read_bytes()
    middle = len(whole) // 2
    current.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(ValueError, match=r"checkpoint\.pth is damaged, and there is no checkpoint"):
        recover(tmp_path)
    previous.write_bytes(whole)
    recover(tmp_path)
    assert current.read_bytes() == whole
    assert not previous.exists()


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 768 vs 662"),
            True,
        ),
        (
            RuntimeError("[enforce fail at inline_container.cc:862] . PytorchStreamWriter failed"),
            True,
        ),
        (
            RuntimeError("PytorchStreamReader failed reading zip archive, inline_container.cc"),
            False,
        ),
        (OSError(errno.EACCES, "Permission denied"), False),
        (RuntimeError("The size of tensor a (3) must match that of tensor b (2)"), False),
    ],
)
def test_a_full_disk_is_told_from_other_errors(error, full):
    assert is_disk_full(error) == full

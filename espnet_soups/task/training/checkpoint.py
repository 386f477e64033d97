"""Checkpoints that survive SIGKILL, and that are looked at before they are used."""

import difflib
import errno
import logging
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from espnet2.torch_utils.safe_torch_load import safe_torch_load
from espnet2.train.reporter import Reporter
from torch import Tensor

from espnet_soups.files import read_lines, whole_file, write_text

CURRENT, PREVIOUS, CONFIG = "checkpoint.pth", "checkpoint.previous.pth", "config.yaml"


def set_aside(output_dir: Path) -> None:
    """Renames the checkpoint, since ESPnet is about to write the next one over it."""
    if (output_dir / CURRENT).exists():
        os.replace(output_dir / CURRENT, output_dir / PREVIOUS)


def recover(output_dir: Path) -> None:
    """Puts the previous checkpoint back where the current one is missing or cut short.

    Raises:
        ValueError: If the current one is cut short and there is no other.
    """
    current, previous = output_dir / CURRENT, output_dir / PREVIOUS
    if zipfile.is_zipfile(current):
        return
    if zipfile.is_zipfile(previous):
        logging.warning(f"{current} is missing or cut short: going on from {previous}.")
        os.replace(previous, current)
    elif current.exists():
        raise ValueError(
            f"{current} is cut short, and there is no {previous.name} to fall back to: remove it"
            " to train anew."
        )


@contextmanager
def keep_whole_files(output_dir: Path) -> Iterator[None]:
    """Makes one sentence of a full disk, and room for it: files that are cut short are removed.

    The previous checkpoint takes the place of a current one that is not whole.

    Raises:
        OSError: If a file could not be written.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not is_disk_full(error):
            raise
        for pattern in (CURRENT, "*epoch.pth", "*best.pth"):
            for path in output_dir.glob(pattern):
                if not path.is_symlink() and not zipfile.is_zipfile(path):
                    path.unlink()
        recover(output_dir)
        left = "from the last checkpoint" if (output_dir / CURRENT).exists() else "from the start"
        raise OSError(
            f"A file of {output_dir} could not be written, is the disk full? Free some space, then"
            f" run the same command again: it goes on {left}."
        ) from error


def is_disk_full(error: OSError | RuntimeError) -> bool:
    """Tells whether an error comes from a full disk, a quota or a limit of file size.

    PyTorch names no reason when it writes: `inline_container.cc:672] . unexpected pos 768 vs 662`.
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return "inline_container" in str(error) and "PytorchStreamReader" not in str(error)


@contextmanager
def keep_config(
    output_dir: Path, begun: Callable[[], bool], dry_run: bool = False
) -> Iterator[str | None]:
    """Puts `config.yaml` back where training is refused, or interrupted, before its first epoch.

    ESPnet writes it before the checkpoint is looked at: a refused run with another configuration
    would leave a folder whose models cannot be loaded any more.

    Args:
        output_dir: Folder of the run.
        begun: Tells whether an epoch has begun.
        dry_run: Whether nothing is to be trained, so that it is put back at any rate.

    Yields:
        `config.yaml` as it is before this run; None: nothing has been trained.
    """
    config = output_dir / CONFIG
    trained = any((output_dir / name).exists() for name in (CURRENT, PREVIOUS))
    kept = "\n".join([*read_lines(config), ""]) if trained and config.exists() else None
    trains = False
    try:
        yield kept
        trains = not dry_run
    finally:
        if kept is not None and not trains and not begun():
            write_text(config, kept)


def mend_epoch_files(
    output_dir: Path,
    states: Mapping[str, Any],
    criteria: Sequence[Sequence[str]],
) -> None:
    """Writes what a run that was killed right after its checkpoint had no time to write.

    Args:
        output_dir: Folder of the run.
        states: The checkpoint.
        criteria: `best_model_criterion`: set, statistic, `min` or `max`.
    """
    reporter = Reporter()
    reporter.load_state_dict(dict(states["reporter"]))
    epoch = reporter.get_epoch()
    name = f"{epoch}epoch.pth"
    if epoch > 0 and not zipfile.is_zipfile(output_dir / name):
        logging.warning(f"{output_dir / name} is missing or cut short: taken from {CURRENT}.")
        with whole_file(output_dir / name) as temporary:
            torch.save(states["model"], temporary)
    links = ["latest.pth"] + [
        f"{phase}.{key}.best.pth"
        for phase, key, mode in criteria
        if reporter.has(phase, key) and reporter.get_best_epoch(phase, key, mode) == epoch
    ]
    for link in links if epoch > 0 else []:
        with whole_file(output_dir / link) as temporary:
            temporary.symlink_to(name)


OTHER_ENCODER = "Train with the model that it was trained with, or pre-train this one."
OTHER_OUTPUT = (
    "Use another folder (`--msp_tag` of run.sh, `--output_dir` of msp_train), or the configuration"
    " that it was trained with."
)


def check_tensors(
    found: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    source: str,
    advice: str = OTHER_OUTPUT,
) -> None:
    """Compares the tensors of a checkpoint with those of the model.

    Args:
        found: Tensors of the checkpoint by name.
        expected: Tensors of the model by name.
        source: What to call the checkpoint.
        advice: What to do if they differ.

    Raises:
        ValueError: If a name is missing or surplus, or a shape differs; it names the first one.
    """
    for name in sorted(set(found) ^ set(expected)):
        side = "lacks" if name not in found else "holds the unknown"
        raise ValueError(f"{source} is of another configuration: it {side} tensor {name}. {advice}")
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape:
            raise ValueError(
                f"{source} is of another configuration: tensor {name} is"
                f" {tuple(found[name].shape)} there and {tuple(tensor.shape)} here. {advice}"
            )


def check_init_param(setting: str, expected: Mapping[str, Tensor]) -> None:
    """Compares a file of `--init_param` with the part of the model that it is meant for.

    ESPnet itself accepts files in which tensors are missing.

    Args:
        setting: `<file>[:<source module>[:<target module>[:<excluded prefixes>]]]`.
        expected: The tensors of the model by name.

    Raises:
        ValueError: If a name is missing or surplus, a shape differs, or nothing is left out by an
            excluded prefix.
        OSError: If there is no such file.
    """
    path, source, target, excluded = [*setting.split(":", 3), "", "", ""][:4]
    if not Path(path).exists():
        raise OSError(f"`init_param` names {path}, which does not exist.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"`init_param` names {path}, which is no model file or is cut short.")
    skipped = tuple(prefix for prefix in excluded.split(",") if prefix)
    loaded = safe_torch_load(path, map_location="cpu")
    for prefix in skipped:
        if not any(name.startswith(prefix) for name in loaded):
            close = difflib.get_close_matches(prefix, loaded, n=3, cutoff=0.3)
            raise ValueError(
                f"`init_param` leaves out {prefix!r}, but {path} has no tensor whose name begins"
                f" so{f' (closest: {close})' if close else ''}."
            )
    found = _below({k: v for k, v in loaded.items() if not k.startswith(skipped)}, source)
    if not found:
        raise ValueError(f"`init_param` names module {source!r}, which {path} does not have.")
    kept = {
        name: value
        for name, value in _below(expected, target).items()
        if not (f"{source}.{name}" if source else name).startswith(skipped)
    }
    check_tensors(found, kept, f"{path} (`init_param`)", OTHER_ENCODER)


def _below(tensors: Mapping[str, Tensor], module: str) -> dict[str, Tensor]:
    """Gives the tensors of a module under their names inside it."""
    prefix = f"{module}." if module else ""
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}

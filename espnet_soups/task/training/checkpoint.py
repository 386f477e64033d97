"""Keep checkpoints that survive SIGKILL, and check them before they are used."""

import difflib
import errno
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from espnet2.train.reporter import Reporter
from torch import Tensor

from espnet_soups.backbone.adapters import has_adapters, without_adapters
from espnet_soups.files import read_lines, whole_file, write_text
from espnet_soups.task.training.epoch_progress import estimate
from espnet_soups.task.training.epoch_record import read_records
from espnet_soups.task.training.midepoch.checkpoint import FILE as MIDEPOCH
from espnet_soups.task.training.midepoch.keeper import place_of
from espnet_soups.task.training.model_file import check_tensors, is_archive, is_whole, read_states

RESUMED = "resumed.txt"  # for the terminal
CURRENT, PREVIOUS, CONFIG = "checkpoint.pth", "checkpoint.previous.pth", "config.yaml"


def set_aside(output_dir: Path) -> None:
    """Rename the checkpoint, since ESPnet is about to overwrite it.

    Args:
        output_dir: Folder of the run.
    """
    if (output_dir / CURRENT).exists():
        os.replace(output_dir / CURRENT, output_dir / PREVIOUS)


def recover(output_dir: Path) -> None:
    """Put the previous checkpoint back if the current one is missing, cut short or damaged.

    Args:
        output_dir: Folder of the run.

    Raises:
        ValueError: If the current one is cut short or damaged, and there is no other.
    """
    current, previous = output_dir / CURRENT, output_dir / PREVIOUS
    if is_whole(current):
        return
    fault = "damaged" if is_archive(current) else "cut short"
    if is_whole(previous):
        logging.warning(f"{current} is missing or {fault}: going on from {previous}.")
        os.replace(previous, current)
    elif current.exists():
        raise ValueError(
            f"{current} is {fault}, and there is no {previous.name} to fall back to: remove it to"
            " train anew."
        )


@contextmanager
def keep_whole_files(output_dir: Path) -> Iterator[None]:
    """On a full disk, remove truncated files and raise one clear error.

    The previous checkpoint takes the place of a current one that is not whole.

    Args:
        output_dir: Folder of the run.

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
                if not path.is_symlink() and not is_archive(path):
                    path.unlink()
        recover(output_dir)
        left = "from the last checkpoint" if (output_dir / CURRENT).exists() else "from the start"
        raise OSError(
            f"A file of {output_dir} could not be written, is the disk full? Free some space, then"
            f" run the same command again: it goes on {left}."
        ) from error


def is_disk_full(error: OSError | RuntimeError) -> bool:
    """Return whether an error comes from a full disk, a quota or a limit of file size.

    PyTorch gives no reason when it fails to write: `inline_container.cc:672] . unexpected pos 768
    vs 662`.

    Args:
        error: The error.
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return "inline_container" in str(error) and "PytorchStreamReader" not in str(error)


@contextmanager
def keep_config(
    output_dir: Path, begun: Callable[[], bool], dry_run: bool = False
) -> Iterator[str | None]:
    """Put `config.yaml` back if training is refused or interrupted before its first epoch.

    ESPnet writes it before the checkpoint is checked, so that a refused run with another
    configuration would leave a folder whose models can no longer be loaded.

    Args:
        output_dir: Folder of the run.
        begun: Function that returns whether an epoch has begun.
        dry_run: Whether nothing is trained, so that the file is put back in any case.

    Yields:
        `config.yaml` as it is before this run; None: nothing has been trained.
    """
    config = output_dir / CONFIG
    trained = any((output_dir / name).exists() for name in (CURRENT, PREVIOUS, MIDEPOCH))
    kept = "\n".join([*read_lines(config), ""]) if trained and config.exists() else None
    trains = False
    try:
        yield kept
        trains = not dry_run
    finally:
        if kept is not None and not trains and not begun():
            write_text(config, kept)


def tell_resumption(
    output_dir: Path,
    states: Mapping[str, Any] | None,
    max_epoch: int,
    midepoch: Mapping[str, Any] | None = None,
) -> None:
    """Log where training resumes, and write it to `resumed.txt`.

    Args:
        output_dir: Folder of the run.
        states: The checkpoint of the last whole epoch; None: there is none.
        max_epoch: Number of the last epoch.
        midepoch: The checkpoint inside the next epoch; None: there is none.
    """
    (output_dir / RESUMED).unlink(missing_ok=True)
    if states is None and midepoch is None:
        return
    done = 0 if states is None else states["reporter"]["epoch"]
    line = f"goes on from epoch {done + 1} of {max_epoch}: {done} are done ({output_dir / CURRENT})"
    if midepoch is not None:
        line = (
            f"goes on from the checkpoint inside {place_of(midepoch)}, {done} of {max_epoch} epochs"
            f" are done ({output_dir / MIDEPOCH})"
        )
    left = max_epoch - done
    if midepoch is not None:
        left -= midepoch["done"] / midepoch["batches"]
    line += estimate(read_records(output_dir)[:done], left)
    if done >= max_epoch:
        line = f"nothing is left to train: {done} epochs are done ({output_dir / CURRENT})"
    logging.info(line)
    write_text(output_dir / RESUMED, f"{line}\n")


def mend_epoch_files(
    output_dir: Path,
    states: Mapping[str, Any],
    criteria: Sequence[Sequence[str]],
) -> None:
    """Write the files that a run killed right after its checkpoint had no time to write.

    Args:
        output_dir: Folder of the run.
        states: The checkpoint.
        criteria: `best_model_criterion`: set, statistic, `min` or `max`.
    """
    reporter = Reporter()
    reporter.load_state_dict(dict(states["reporter"]))
    epoch = reporter.get_epoch()
    name = f"{epoch}epoch.pth"
    if epoch > 0 and not is_whole(output_dir / name):
        logging.warning(
            f"{output_dir / name} is missing, cut short or damaged: taken from {CURRENT}."
        )
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


def check_init_param(
    setting: str, expected: Mapping[str, Tensor], sized: Callable[[str], bool] = lambda name: True
) -> str:
    """Compare a file of `--init_param` with the part of the model that it is meant for.

    The file may be of a run without adapters, even if this run has some.

    ESPnet itself accepts files in which tensors are missing. It selects a module by the beginning
    of its name, so that `heads.asr_en` selects `heads.asr_en_us`, too, and reads an empty list of
    prefixes as all.

    Args:
        setting: `<file>[:<source module>[:<target module>[:<excluded prefixes>]]]`.
        expected: The tensors of the model by name.
        sized: See `check_tensors`; it gets the full name.

    Returns:
        The setting, in words by which ESPnet loads exactly what was compared.

    Raises:
        ValueError: If a name is missing or surplus, a shape differs, or an excluded prefix excludes
            nothing.
        OSError: If there is no such file.
    """
    path, source, target, excluded = [*setting.split(":", 3), "", "", ""][:4]
    loaded = _read_init_param(path)
    if not has_adapters(loaded):  # of a run without: those of this one begin anew
        expected = without_adapters(expected)
    skipped = tuple(prefix for prefix in excluded.split(",") if prefix)
    _check_skipped(skipped, path, loaded)
    found = _below({k: v for k, v in loaded.items() if not k.startswith(skipped)}, source)
    if not found:
        raise ValueError(f"`init_param` names module {source!r}, which {path} does not have.")
    kept = {
        name: value
        for name, value in _below(expected, target).items()
        if not (f"{source}.{name}" if source else name).startswith(skipped)
    }
    own = f"{target}." if target else ""
    check_tensors(
        found, kept, f"{path} (`init_param`)", OTHER_ENCODER, lambda name: sized(f"{own}{name}")
    )
    namesakes = [k for k in loaded if source and k.startswith(source) and k[len(source)] != "."]
    left_out = ",".join(dict.fromkeys([*skipped, *namesakes]))
    return ":".join([path, source, target, left_out]).rstrip(":")


def _check_skipped(skipped: Sequence[str], path: str, loaded: Mapping[str, Any]) -> None:
    for prefix in skipped:
        if not any(name.startswith(prefix) for name in loaded):
            close = difflib.get_close_matches(prefix, loaded, n=3, cutoff=0.3)
            raise ValueError(
                f"`init_param` leaves out {prefix!r}, but {path} has no tensor whose name begins"
                f" so{f' (closest: {close})' if close else ''}."
            )


def _read_init_param(path: str) -> dict[str, Any]:
    if not Path(path).exists():
        raise OSError(f"`init_param` names {path}, which does not exist.")
    if not is_archive(Path(path)):
        raise ValueError(f"`init_param` names {path}, which is not a model file or is cut short.")
    loaded = read_states(Path(path))
    if not isinstance(loaded, dict):
        raise ValueError(f"`init_param` names {path}, which holds no tensors by name.")
    return dict(loaded.get("module", loaded))


def _below(tensors: Mapping[str, Tensor], module: str) -> dict[str, Tensor]:
    """Return the tensors of a module under their names inside it."""
    prefix = f"{module}." if module else ""
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}

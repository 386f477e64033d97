"""Checkpoints that are cut short or of which a bit is flipped: never a silent wrong result."""

import itertools
import random
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from injured_recipe import (
    EXP,
    OPTIONS,
    Prepared,
    copy_recipe,
    must_end_well,
    must_equal,
    run,
)

from espnet_soups.task.training.checkpoint import CURRENT, PREVIOUS, recover
from espnet_soups.task.training.model_file import read_states

ENTRY = b"PK\x01\x02"  # begins an entry of the table of contents of an archive


def damage(content: bytes, random_: random.Random) -> bytes:
    """Cut a file short, or flip one bit of it."""
    place = random_.randrange(len(content))
    if random_.random() < 0.5:
        return content[:place]
    flipped = content[place] ^ (1 << random_.randrange(8))
    return content[:place] + bytes([flipped]) + content[place + 1 :]


def damage_states(folder: Path, times: int, random_: random.Random) -> Counter[str]:
    """Damage a checkpoint many times, with and without one before it, and read what is left.

    Returns:
        How often it was refused, replaced by the one before, or read as it was (the bit meant
        nothing).

    Raises:
        AssertionError: If what is read is neither the one nor the other.
    """
    current, previous = folder / CURRENT, folder / PREVIOUS
    whole = _save(current, 1)
    before = _save(previous, 2)
    ends: Counter[str] = Counter()
    for _ in range(times):
        current.write_bytes(damage(whole, random_))
        previous.unlink(missing_ok=True)
        if random_.random() < 0.5:
            previous.write_bytes(before)
        ends[_read(folder)] += 1
    return ends


def flip_every_bit(folder: Path, named: bytes = b"") -> Counter[str]:
    """Flip each bit of the table of contents of a checkpoint, one at a time, and read it.

    PyTorch and Python read this table with different eyes: a bit that says "a folder" lets PyTorch
    take for a tensor what lies in memory.

    Args:
        folder: For the checkpoint.
        named: What is in the name of the entries to take; empty: all.

    Returns, raises: As `damage_states`.
    """
    current = folder / CURRENT
    whole = _save(current, 1)
    begins = [found.start() for found in re.finditer(ENTRY, whole)]
    entries = [range(*span) for span in itertools.pairwise([*begins, len(whole)])]
    taken = [
        place for entry in entries if named in whole[entry.start : entry.stop] for place in entry
    ]
    ends: Counter[str] = Counter()
    for place, bit in itertools.product(taken, range(8)):
        flipped = whole[place] ^ (1 << bit)
        current.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        ends[_read(folder)] += 1
    return ends


def _save(path: Path, seed: int) -> bytes:
    generator = torch.Generator().manual_seed(seed)
    tensors = {f"layer.{i}": torch.randn(7, 11, generator=generator) for i in range(8)}
    torch.save({"model": tensors, "seed": seed, "reporter": {"epoch": seed}}, path)
    return path.read_bytes()


def _read(folder: Path) -> str:
    try:
        recover(folder)
        states = read_states(folder / CURRENT)
    except ValueError as error:
        refusal = str(error)
    else:
        return _compare(states)
    assert str(folder / CURRENT) in refusal
    assert not (folder / PREVIOUS).exists(), f"a whole one was there: {refusal}"
    return "refused"


def _compare(states: dict[str, Any]) -> str:
    generator = torch.Generator().manual_seed(states["seed"])
    assert states["reporter"] == {"epoch": states["seed"]}
    assert len(states["model"]) == 8
    for index in range(8):
        expected = torch.randn(7, 11, generator=generator)
        assert torch.equal(states["model"][f"layer.{index}"], expected), "a silent wrong result"
    return "the one before" if states["seed"] == 2 else "as it was"


def damage_a_training(prepared: Prepared, name: str, random_: random.Random) -> str:
    """Stop a training half-way, damage its checkpoint, and run it to its end.

    Returns:
        How it went on: from the checkpoint before, or refused and then trained anew.

    Raises:
        AssertionError: If it ends with other results than an undisturbed run.
    """
    recipe = copy_recipe(prepared.finished, name)
    exp_dir = recipe / EXP
    for path in exp_dir.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    half = OPTIONS[1].replace("8", "4")
    must_end_well(recipe, OPTIONS[0], half, "--stop_stage=9")
    checkpoint = exp_dir / CURRENT
    checkpoint.write_bytes(damage(checkpoint.read_bytes(), random_))
    if (exp_dir / PREVIOUS).exists() and random_.random() < 0.3:
        (exp_dir / PREVIOUS).unlink()
    said, how = run(recipe, *OPTIONS, "--stop_stage=9", timeout=1500), "gone on with"
    if said.returncode != 0:
        text = (said.stdout + said.stderr) + (exp_dir / "train.log").read_text()
        assert "Traceback" not in said.stdout + said.stderr, text[-3000:]
        assert f"{CURRENT} is " in text, text[-3000:]
        checkpoint.unlink()
        how = "refused, then trained anew"
    must_end_well(recipe)
    must_equal(recipe, prepared.bits)
    return how

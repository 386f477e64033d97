"""The tiny recipe as the thing that is injured: copies of one that is prepared, and their bits."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "test" / "recipe"))
from tiny_recipe import environment, run, tensors_of, write_recipe  # noqa: E402

EXP = "exp/msp_x"
OPTIONS = ("--msp_tag=x", "--train_args=--max_epoch 8")
COMMAND = (*OPTIONS, "--stop_stage=12")
SPACE = re.compile(r"^ *(error: .*(space|disk|write|Read-only).*)", re.MULTILINE)


@dataclass(frozen=True)
class Prepared:
    """A recipe whose data dirs are made, and what becomes of it where nothing disturbs it.

    Attributes:
        folder: Its folder; stages 1 and 2 are done.
        finished: A copy in which all stages are done.
        bits: Digest of each result, see `bits_of`.
        lasts: How long each stage ran, in seconds; stages of several sets are one.
    """

    folder: Path
    finished: Path
    bits: dict[str, str]
    lasts: dict[int, float]


@contextmanager
def prepared_recipe(name: str) -> Iterator[Prepared]:
    """Prepare a recipe and run a copy of it to its end; all is removed afterwards."""
    root = ROOT / "egs2" / f"tmp_{name}"
    try:
        write_recipe(root / "msp1")
        must_end_well(root / "msp1", *OPTIONS, "--stop_stage=2")
        finished = copy_recipe(root / "msp1", "finished")
        begin, lasts = time.monotonic(), {}
        running, log = start(finished)
        while running.poll() is None:
            now, reached = time.monotonic(), stage_in(log)
            lasts[reached] = lasts.get(reached, 0.0) + now - begin
            begin = now
            time.sleep(0.05)
        if running.returncode != 0:
            raise AssertionError(log.read_text())
        yield Prepared(root / "msp1", finished, bits_of(finished), lasts)
    finally:
        for folder in root.parent.glob(f"tmp_{name}*"):
            shutil.rmtree(folder)


def copy_recipe(source: Path, name: str) -> Path:
    """Copy a recipe, its stamps and times included, and return the folder of the copy."""
    target = source.parents[1] / f"{source.parent.name}_{name}" / source.name
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    return target


def start(
    recipe: Path, *arguments: str, log_in: Path | None = None, **variables: str
) -> tuple["subprocess.Popen[bytes]", Path]:
    """Start the recipe in a group of processes of its own; return it and its log."""
    log = (log_in or recipe) / f"said.{time.monotonic_ns()}.log"
    with open(log, "wb") as said:
        command = ["./run.sh", *(arguments or COMMAND)]
        running = subprocess.Popen(
            command,
            cwd=recipe,
            env=environment() | variables,
            stdout=said,
            stderr=said,
            process_group=0,
        )
    return running, log


def stage_in(log: Path) -> int:
    """Return the stage that a run is at by what it has printed; 0: none has begun."""
    found = re.findall(r"^stage (\d+): (?!.*(?:up to date|skipped))", log.read_text(), re.M)
    return int(found[-1]) if found else 0


def must_end_well(recipe: Path, *arguments: str) -> str:
    """Run the recipe to its end and return what it has printed.

    Raises:
        AssertionError: If its status is not 0.
    """
    ended = run(recipe, *(arguments or COMMAND), timeout=1500)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said[-3000:]
    return said


def must_refuse(recipe: Path, *arguments: str) -> str:
    """Run the recipe, which cannot write, and return the sentence in which it ends.

    Raises:
        AssertionError: If it ends well, with a traceback, or without a sentence about the place.
    """
    ended = run(recipe, *arguments, timeout=1500)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0, f"ended well: {said[-3000:]}"
    return refusal_in(said)


def refusal_in(said: str) -> str:
    """Return the sentence in which a run that cannot write has ended.

    Raises:
        AssertionError: If there is none about the place, or if there is a traceback.
    """
    assert "Traceback" not in said, said[-3000:]
    sentence = SPACE.search(said)
    assert sentence, f"no sentence: {said[-3000:]}"
    return sentence[1]


def bits_of(recipe: Path) -> dict[str, str]:
    """Return a digest of the averaged model, of each decoded table, and of the scores."""
    digests = {}
    tensors = tensors_of(recipe / EXP / "valid.acc.ave.pth")
    whole = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        whole.update(name.encode() + tensor.numpy().tobytes())
    digests["model"] = whole.hexdigest()
    for path in sorted((recipe / EXP).glob("decode_*/*/**/*")):
        if path.name in ("text", "token", "token_int", "score") and "logdir" not in path.parts:
            digests[str(path.relative_to(recipe))] = _digest(path.read_bytes())
        if path.name == "scores.json":
            digests[str(path.relative_to(recipe))] = _digest(_without_times(path))
    assert len(digests) > 3, f"too few results: {sorted(digests)}"
    return digests


def must_equal(recipe: Path, bits: dict[str, str]) -> None:
    """Compare the results of a recipe with those of an undisturbed run.

    Raises:
        AssertionError: If one differs, is missing or surplus; it names them.
    """
    found = bits_of(recipe)
    differ = sorted(
        name for name in bits.keys() | found.keys() if bits.get(name) != found.get(name)
    )
    assert not differ, f"{recipe}: not the bits of an undisturbed run: {differ}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _without_times(path: Path) -> bytes:
    scores = json.loads(path.read_text(encoding="utf-8"))
    scores.pop("speed", None)
    return json.dumps(scores, sort_keys=True).encode()

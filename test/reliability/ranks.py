"""Training on two processes of which one is killed, stopped, hangs, or fails on its own."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kaldiio
import numpy as np
import torch

from espnet_soups.task.training.checkpoint import CURRENT
from espnet_soups.task.training.model_file import is_whole
from espnet_soups.testing.toy_corpus import make_toy_corpus
from espnet_soups.testing.toy_model import DECODER_CONF, ENCODER_CONF

INJECT = Path(__file__).parent / "inject"
ROOT = Path(__file__).parents[2]
BATCHES = 3  # of an epoch
EPOCHS = 2
TIMEOUT = 20  # seconds, `--dist_timeout`
PATIENCE = 400.0  # seconds until a run counts as hanging; imports alone take half a minute
LAUNCHERS = ("torchrun", "none")
KINDS = ("kill", "stop", "sleep", "fail")
SPOILT_LANGUAGE = "es"
MOST_SECONDS = 0.05  # about as long as a step takes
SENTENCE = re.compile(r"error: ((?:Rank|The ranks|Training|the disk).*)")


@dataclass(frozen=True)
class Injury:
    """What befalls one of two ranks.

    Attributes:
        launcher: `torchrun`, which ends all ranks when one has ended, or `none`.
        how: kill, stop, sleep or fail; see `injured_trainer.py`.
        rank: Which one; rank 0 writes the files, and without torchrun it keeps the store.
        epoch: When.
        batch: When.
        seconds: After the mini-batch was taken.
    """

    launcher: str
    how: str
    rank: int
    epoch: int = 2
    batch: int = 2
    seconds: float = 0.0

    def words(self) -> str:
        """Return what `injured_trainer.py` reads."""
        return f"{self.rank}:{self.epoch}:{self.batch}:{self.how}:{self.seconds}"


@dataclass(frozen=True)
class Ended:
    """How two ranks have ended: their statuses (torchrun: its own), what they said, and when."""

    statuses: tuple[int, ...]
    said: str
    seconds: float

    @property
    def sentences(self) -> list[str]:
        """What the ranks said of their ends."""
        return SENTENCE.findall(self.said)


class Ranks:
    """A toy corpus and the command that trains on it by two processes, in folders of its own.

    Args:
        root: For all files.
        variables: Of the environment, in which `PYTHONPATH` gets the folder of injuries, too.
    """

    def __init__(self, root: Path, variables: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.variables = {"PYTHONPATH": str(ROOT), **(variables or {})}
        self.corpus = make_toy_corpus(root, utterances=12)
        self.options = [
            *self.corpus.arguments,
            *("--encoder", "e_branchformer", *_words("encoder_conf", ENCODER_CONF)),
            *_words("st_decoder_conf", DECODER_CONF),
            *("--batch_bins", "1200", "--valid_batch_bins", "9999", "--num_workers", "0"),
            *("--optim", "adam", "--optim_conf", "lr=0.01", "--use_tensorboard", "false"),
            *("--trainer", "injured_trainer:InjuredTrainer", "--resume", "true"),
            *("--trainer_conf", "soup=vm", "--trainer_conf", "order=SA"),
            *("--max_epoch", str(EPOCHS), "--dist_timeout", str(TIMEOUT), "--ngpu", "0"),
        ]

    def command(self, name: str) -> list[str]:
        """Return the words of a process that trains in a folder."""
        folder = ["--output_dir", str(self.root / name)]
        return ["-m", "espnet_soups.bin.msp_train", *self.options, *folder]

    def spoil(self, key: str) -> None:
        """Make the features of an utterance, which one rank alone hears, no numbers."""
        scp = self.root / "train" / "feats.scp"
        features = dict(kaldiio.load_scp(str(scp)))
        features[key] = np.full_like(features[key], np.nan)
        kaldiio.save_ark(f"{self.root}/spoilt.ark", features, scp=str(scp))

    def train(self, name: str, launcher: str, injury: Injury | None = None) -> Ended:
        """Run the command until all processes have ended.

        Raises:
            AssertionError: If one hangs; all are killed.
        """
        environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
        environment |= self.variables
        environment["PYTHONPATH"] += f"{os.pathsep}{INJECT}"
        environment["OMP_NUM_THREADS"] = "1"
        if injury is not None:
            environment["RELIABILITY_RANK"] = injury.words()
        begin = time.monotonic()
        log = self.root / f"{name}.{time.monotonic_ns()}.log"
        with open(log, "w") as said:
            commands = _commands(launcher, self.command(name))
            started = [
                subprocess.Popen(
                    command, env=environment | own, stdout=said, stderr=said, process_group=0
                )
                for command, own in commands
            ]
        limit = time.monotonic() + PATIENCE
        try:
            statuses = tuple(one.wait(limit - time.monotonic()) for one in _last(started, injury))
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"A rank hangs: {log.read_text()[-3000:]}") from error
        finally:
            for one in started:
                if one.poll() is None:
                    os.killpg(one.pid, signal.SIGKILL)
                    one.wait()
        return Ended(statuses, log.read_text(), time.monotonic() - begin)

    def bits(self, name: str) -> dict[str, Any]:
        """Return what training has ended with: tensors as bytes, and the losses of all epochs."""
        folder = self.root / name
        model = torch.load(folder / CURRENT, weights_only=True)["model"]
        lines = (folder / "soup.jsonl").read_text(encoding="utf-8").splitlines()
        losses = [{k: json.loads(line)[k] for k in ("epoch", "loss", "levels")} for line in lines]
        return {"losses": losses} | {k: tensor.numpy().tobytes() for k, tensor in model.items()}


def draw_injuries(random_: random.Random) -> list[Injury]:
    """Return every kind of injury of each rank with each launcher, at random moments of epoch 2."""
    return [
        Injury(
            launcher,
            how,
            rank,
            batch=random_.randint(1, BATCHES),
            seconds=random_.random() * MOST_SECONDS,
        )
        for launcher in LAUNCHERS
        for how in KINDS
        for rank in range(2)
    ]


def injure_a_rank(ranks: Ranks, name: str, injury: Injury, expected: dict[str, Any]) -> Ended:
    """Injure one of two ranks, then run the same command again, to its end.

    Returns:
        How the injured training has ended.

    Raises:
        AssertionError: If it hangs, ends with status 0, without a sentence or with half a
            checkpoint, or if the second run does not end as an undisturbed one.
    """
    ended = ranks.train(name, injury.launcher, injury)
    assert 0 not in ended.statuses, ended
    assert ended.sentences, f"no sentence: {ended.said[-3000:]}"
    checkpoint = ranks.root / name / CURRENT
    assert is_whole(checkpoint), f"{checkpoint} is missing or half-written"
    again = ranks.train(name, injury.launcher)
    assert set(again.statuses) == {0}, again.said[-3000:]
    assert ranks.bits(name) == expected, f"{injury}: not the bits of an undisturbed training"
    return ended


def train_with_nan(root: Path) -> str:
    """Train where one rank hears an utterance of `SPOILT_LANGUAGE` that is no numbers.

    Returns:
        What was skipped.

    Raises:
        AssertionError: If anything but its steps is skipped, or the model is not finite.
    """
    ranks = Ranks(root)
    ranks.spoil(f"{SPOILT_LANGUAGE}-003")
    ended = ranks.train("spoilt", "none")
    assert set(ended.statuses) == {0}, ended.said[-3000:]
    lines = (root / "spoilt" / "soup.jsonl").read_text(encoding="utf-8").splitlines()
    for record in map(json.loads, lines):
        assert record["skipped_steps"] == 1, record
        assert record["not_finite"] == {f"asr_{SPOILT_LANGUAGE}": 1, f"st_{SPOILT_LANGUAGE}_en": 1}
        assert all(value > 0 for value in record["valid_loss"].values()), record
    model = torch.load(root / "spoilt" / CURRENT, weights_only=True)["model"]
    assert all(tensor.isfinite().all() for tensor in model.values())
    return f"1 of {BATCHES} steps skipped in each of {len(lines)} epochs, its objectives named"


def _commands(launcher: str, words: list[str]) -> list[tuple[list[str], dict[str, str]]]:
    """Return the commands to start, and their variables."""
    if launcher == "torchrun":
        agent = ["-m", "torch.distributed.run", "--nproc_per_node", "2"]
        agent += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0"]
        return [([sys.executable, *agent, *words], {})]
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    alone = [sys.executable, *words, "--multiprocessing_distributed", "false"]
    return [(alone, meeting | {"RANK": str(rank)}) for rank in range(2)]


def _last(
    started: list["subprocess.Popen[bytes]"], injury: Injury | None
) -> list["subprocess.Popen[bytes]"]:
    """Return the processes that must end by themselves: without torchrun nobody ends a rank that
    is stopped or asleep."""
    if len(started) == 1 or injury is None or injury.how in ("kill", "fail"):
        return started
    return [one for rank, one in enumerate(started) if rank != injury.rank]


def _words(name: str, conf: Mapping[str, Any]) -> list[str]:
    return [word for key, value in conf.items() for word in (f"--{name}", f"{key}={value}")]

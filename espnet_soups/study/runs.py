"""List the runs of a study, one for every arm, seed and setting, with their commands."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.study.definition import INDIFFERENT
from espnet_soups.study.plan import Arm, Study
from espnet_soups.study.record import RunRecord
from espnet_soups.tables.plan import Row
from espnet_soups.tables.train_words import (
    PRETRAIN,
    TRAIN,
    TrainWords,
    read_words,
    split_train_words,
)

FIRST_STAGE = "7"  # earlier stages are the same for all arms of a setting
ONE_CORE = ("--num_threads", "1", "--nj", "1", "--inference_nj", "1")


@dataclass(frozen=True)
class StudyRun:
    """One training with decoding and scores.

    Attributes:
        study: Its study.
        setting: Name of its setting.
        arm: Its arm.
        seed: Its seed.
    """

    study: Study
    setting: str
    arm: Arm
    seed: int

    @property
    def tag(self) -> str:
        """Name of its experiment, below `exp/msp_`."""
        place = [] if len(self.study.settings) == 1 else [self.setting]
        return "_".join([self.study.name, *place, self.arm.name, f"seed{self.seed}"])

    def folder(self, expdir: Path) -> Path:
        """Return the folder of its experiment.

        Args:
            expdir: Folder of the experiments.
        """
        return expdir / f"msp_{self.tag}"

    def donor(self) -> "StudyRun | None":
        """Return the run whose weights or penalties this one uses; None: it uses none."""
        if not self.arm.donor:
            return None
        return StudyRun(self.study, self.setting, self.study.arm(self.arm.donor), self.seed)

    def command(self, donor: RunRecord | None, more: Sequence[str] = ()) -> list[str]:
        """Return the words of its command.

        Args:
            donor: The record of `donor()`; None: this run uses no numbers of another.
            more: Further options of run.sh.
        """
        given = split_train_words(self._options, more)
        training = self._training(given, "" if donor is None else self._donated(donor))
        words = ["./run.sh", *ONE_CORE, "--msp_tag", self.tag, *given.options]
        words += [f"--{name}={text}" for name, text in training.items()]
        return [*words, *given.more]

    def definition(self, more: Sequence[str] = ()) -> dict[str, str]:
        """Return the options of run.sh that decide its results, by name.

        Numbers of another run are not among them, but the options of that run are, below
        `weights_of` or `penalties_of`.

        Args:
            more: Further options of run.sh.
        """
        given = split_train_words(self._options, more)
        options = {**self._options, **read_words(given.more)}
        aside = {TRAIN, PRETRAIN, *INDIFFERENT}
        found = {name: value for name, value in options.items() if name not in aside}
        donor = self.donor()
        if donor is not None:
            theirs = [f"--{name}={value}" for name, value in donor.definition(more).items()]
            key = "weights_of" if self.arm.weights_of else "penalties_of"
            found[key] = f"{donor.arm.name}: {line_of(theirs)}"
        return dict(sorted((found | self._training(given)).items()))

    @property
    def _options(self) -> dict[str, str]:
        return {**self.study.shared, **self.study.settings[self.setting], **self.arm.options}

    def _training(self, given: TrainWords, donated: str = "") -> dict[str, str]:
        """Return the options of training, and of pre-training where the arm has it."""
        own = {**self.arm.train_args}
        if donated:
            own["trainer_conf"] = f"{own.get('trainer_conf', '')} {donated}".strip()
        settings = [f"--{name} {word}" for name, value in own.items() for word in value.split()]
        seed = f"--seed {self.seed}"
        found = {TRAIN: " ".join(filter(None, [given.train, *settings, seed]))}
        if Row("", "", options=self._options).pretrains:
            found[PRETRAIN] = " ".join(filter(None, [given.pretrain, seed]))
        return found

    def _donated(self, donor: RunRecord) -> str:
        if self.arm.weights_of:
            levels = [
                {name: round(weight, 6) for name, weight in level.items()}
                for level in donor.mean_weights()
            ]
            combiners = _compact(["measure_only"] * len(levels))
            weights = _compact([{"weights": level} for level in levels])
            return f"combiner={combiners} combiner_conf={weights}"
        constant = [
            {"level": level, "schedule": "constant", "init": round(penalty, 6)}
            for level, penalty in enumerate(donor.mean_penalties(), start=1)
            if level > 1
        ]
        return f"penalty={_compact(constant)}"


def plan_study(study: Study, arms: Sequence[str] = ()) -> list[StudyRun]:
    """List the runs, seed by seed, so that an interrupted study has whole pairs; donors come first.

    Args:
        study: The study.
        arms: Names of the arms, and those whose numbers they use are added; empty: all arms.
    """
    wanted = {*arms, *(study.arm(name).donor for name in arms)}
    return [
        StudyRun(study, setting, arm, seed)
        for seed in study.seeds
        for setting in study.settings
        for arm in sorted(study.arms_of(setting), key=lambda arm: bool(arm.donor))
        if not arms or arm.name in wanted
    ]


def preparations(study: Study, more: Sequence[str] = ()) -> list[list[str]]:
    """Return the commands that prepare the data of every setting, before stages that arms change.

    Args:
        study: The study.
        more: Further options of run.sh.
    """
    commands = []
    for options in study.settings.values():
        given = split_train_words({**study.shared, **options}, more)
        last = str(int(FIRST_STAGE) - 1)
        command = ["./run.sh", *given.options, *given.more, "--stop_stage", last]
        if command not in commands:
            commands.append(command)
    return commands


def line_of(command: Sequence[str]) -> str:
    """Return a command as a line for a shell.

    Args:
        command: Words of the command.
    """
    return shlex.join(command)


def _compact(value: Sequence[Mapping[str, object] | str]) -> str:
    return json.dumps(value, separators=(",", ":"))

"""A run of a recipe: the objectives that run.sh and the training configuration declare."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from espnet_soups.data.data_dir import LANGUAGES, is_text_file
from espnet_soups.file_names import require_file_name, short_name
from espnet_soups.files import read_table, read_yaml
from espnet_soups.objectives.kind import Kind, Options, Vocabulary
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import (
    KINDS,
    by_kind,
    declared_objectives,
    kind_of_name,
    kinds_of,
)
from espnet_soups.objectives.run_words import read_names, uses_of
from espnet_soups.settings import refuse_mistyped

# Options of run.sh that do not belong to a kind, with their defaults.
COMMON = {
    "objectives": "",
    "languages": "",
    "datadir": "data",
    "speeds": "",
    "train_config": "",
    "train_args": "",
    "pretrain_args": "",
    "ssl_audio": "labeled",
}
SUBSET_LONGEST = 60  # characters
# Options of msp_train that refine the objectives of run.sh and the configuration, and frontends.
REFINING = ("--objectives", "--languages", "--frontend", "--frontend_conf")
FRONTEND = ("frontend", "frontend_conf")
# Options of run.sh that decide which utterances are trained on, beside the files of labels.
SELECTING = (
    *("train_set", "dumpdir", "feats_type", "fs", "num_mel_bins", "stack"),
    *("min_wav_duration", "max_wav_duration"),
)


@dataclass(frozen=True)
class Label:
    """A file of labels that the model reads.

    Attributes:
        file: Name of the file in a data dir, such as `text.en`.
        name: Data name of the label, such as `text_en`.
        type: `text` or `audio`, see `Objective`.
    """

    file: str
    name: str
    type: str


@dataclass(frozen=True)
class Run:
    """Objectives of a run, with the options that declare them.

    Attributes:
        run: All options of run.sh.
        own: The options of `msp_train` that follow from those of run.sh; placeholders are mappings.
        options: All options of `msp_train` that declare objectives.
        objectives: The objectives in their order.
        languages: Languages that utterances may have: those of objectives, and further ones.
        left_out: Other languages of the training and the validation set, whose utterances are not
            used; empty if stage 1 has yet to make the sets.
    """

    run: Mapping[str, str]
    own: Options
    options: Options
    objectives: tuple[Objective, ...]
    languages: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def only(self) -> str:
        """Suffix of the names of folders that have these languages alone."""
        return short_name(f"_only_{'_'.join(self.languages)}", SUBSET_LONGEST)

    @property
    def subset(self) -> str:
        """The same, if training and validation leave languages out; else empty."""
        return self.only if self.left_out else ""

    def words(self) -> list[str]:
        """Return the options of run.sh as words of `msp_train`, without vocabularies."""
        # lists first, then the rest, then objectives, whose settings further words may change
        given = {name: value for name, value in self.own.items() if not isinstance(value, Mapping)}
        found: list[str] = []
        for name, value in sorted(given.items(), key=lambda item: not isinstance(item[1], list)):
            found += [f"--{name}", *(value if isinstance(value, list) else [str(value)])]
        for name in self.own.get("objectives", {}):
            found += ["--objectives", f"{name}={{}}"]
        return found

    def stand_ins(self) -> dict[str, Any]:
        """Return the options that name vocabularies, with placeholders for those yet to be made."""
        mappings = {name: value for name, value in self.own.items() if isinstance(value, Mapping)}
        mappings.pop("objectives", None)
        return mappings

    def labels(self) -> list[Label]:
        """Return the files of labels, each once."""
        labels = [
            Label(objective.label_file, objective.label, objective.label_type)
            for objective in self.objectives
            if objective.label_file
        ]
        return list(dict.fromkeys(labels))

    def score_files(self) -> list[str]:
        """Return the other files of test sets that are needed for scores, each once."""
        return list(dict.fromkeys(item.score_file for item in self.objectives if item.score_file))

    def refinements(self) -> list[str]:
        """Return the words of `train_args` that refine objectives and frontend."""
        words = self.run["train_args"].split()
        uses = [(option, values) for option in REFINING for values in uses_of(option, words)]
        return [word for option, values in uses for word in (option, *values)]

    def vocabularies(self) -> list[Vocabulary]:
        """Return the vocabularies that stage 5 makes, without those that settings already name."""
        run = {**self.run, "selection": self._selection()}
        return [
            vocabulary
            for kind, objectives in by_kind(self.objectives).items()
            for vocabulary in kind.vocabularies(objectives, run)
            if not self._gives(vocabulary)
        ]

    def settings(self) -> list[str]:
        """Return a line for each objective with settings, as vocabularies may depend on them."""
        given = self.options.get("objectives") or {}
        return [f"{name}={json.dumps(value, sort_keys=True)}" for name, value in given.items()]

    def class_of(self, option: str, words: str = "train_args") -> list[str]:
        """Return the class that an option of `msp_train` names, such as `normalize`; empty if none.

        Args:
            option: Name of the option.
            words: Option of run.sh with further words of `msp_train`, which change it.
        """
        uses = uses_of(f"--{option}", self.run[words].split())
        given: Any = " ".join(uses[-1]) if uses else self.options.get(option)
        name = str(given or "none").lower()  # as ESPnet reads it
        return [] if name in ("none", "null", "nil") else [name]

    def experiment_tag(self) -> str:
        """Return the part of the experiment's name that follows from the options of kinds."""
        return "_".join(filter(None, [kind.experiment_tag(self.run) for kind in self._kinds()]))

    def statistics_tag(self) -> str:
        """Return the part of the statistics' name that follows from labels and vocabularies."""
        grouped = by_kind(self.objectives)
        tags = [kind.statistics_tag(grouped.get(kind, []), self.run) for kind in self._kinds()]
        return "_".join(filter(None, tags))

    def frontend_tag(self) -> str:
        """Return the part of the statistics' name that follows from the settings of the frontend.

        Empty if it has none, or features come from disk.
        """
        words = self.run["train_args"].split()
        given = [self.options.get(option) for option in FRONTEND]
        given += [uses_of(f"--{option}", words) for option in FRONTEND]
        if self.run.get("feats_type") != "raw" or not any(given):
            return ""
        return f"{crc32(json.dumps(given, sort_keys=True).encode()):08x}"

    def _selection(self) -> str:
        """Return a tag that tells apart runs that train on different utterances of a corpus.

        Stage 4 keeps utterances with any text, and those with another label of the run.
        """
        files = sorted({label.file for label in self.labels() if not is_text_file(label.file)})
        return " ".join([*(self.run.get(option, "") for option in SELECTING), *files])

    def _gives(self, vocabulary: Vocabulary) -> bool:
        """Return True if the settings of an objective already name a vocabulary."""
        uses = uses_of("--objectives", vocabulary.words)
        named = [value.partition("=")[0].rpartition(".") for values in uses for value in values]
        return any(self.settings_of(name).get(key) is not None for name, _, key in named)

    def settings_of(self, name: str) -> Options:
        """Return the entry of an objective below `objectives:`, empty if it has none.

        Args:
            name: Name of the objective.
        """
        settings: Options = (self.options.get("objectives") or {}).get(name) or {}
        return settings

    def _kinds(self) -> list[Kind]:
        return kinds_of(self.options)


def read_run(given: Mapping[str, str]) -> Run:
    """Read a run.

    Args:
        given: Options of run.sh by name; missing ones have their defaults.

    Returns:
        The run.

    Raises:
        OSError: If the training configuration does not exist.
    """
    defaults = {name: default for kind in KINDS for name, (default, _) in kind.run_options.items()}
    run = {**COMMON, **defaults, **given}
    path = run["train_config"]
    config = read_yaml(Path(path), "the training configuration") if path else {}
    _check_config(config, path)
    declared = dict(config.get("objectives") or {})
    added: dict[str, Any] = {
        name: {} for name in read_names("objectives", run) if name not in declared
    }
    declared = _refined({**declared, **added}, run["train_args"].split())
    languages = read_names("languages", run)
    further = _further_languages(languages, config, run["train_args"].split(), path)
    own: dict[str, Any] = {}
    for kind in kinds_of({"objectives": declared}):
        own |= kind.options_of_run({**run, "languages": " ".join(further)})
    own |= {"languages": languages, "objectives": added}
    own = {name: value for name, value in own.items() if value not in ([], {})}
    options = {**config, **own, "objectives": declared, "languages": further}
    objectives = tuple(declared_objectives(options))
    _refuse_audio_labels(objectives, run)
    spoken = _languages(further, objectives)
    found = Run(run, own, options, objectives, spoken, _left_out(run, spoken))
    run["speeds"] += found.subset  # runs of all languages share other folders
    return found


def _left_out(run: Mapping[str, str], languages: Sequence[str]) -> tuple[str, ...]:
    tables = (
        Path(run["datadir"]) / run.get(name, "") / LANGUAGES for name in ("train_set", "valid_set")
    )
    found = {spoken for t in tables if t.is_file() for spoken in read_table(t).values()}
    return tuple(sorted(found - set(languages)))


def _check_config(config: Options, path: str) -> None:
    """Refuse options of kinds that have a wrong type, and malformed `objectives`.

    Raises:
        ValueError: If there is one; the message names the file.
    """
    parser = argparse.ArgumentParser()
    for kind in KINDS:
        kind.add_options(parser)
    refuse_mistyped(path, parser, config)
    try:
        for name, settings in (config.get("objectives") or {}).items() if kinds_of(config) else ():
            if not isinstance(name, str):
                raise ValueError(f"An objective must be named by a text, but is named {name!r}.")
            require_file_name("An objective", name)
            kind_of_name(name, settings).objective(name, settings or {})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _further_languages(
    own: Sequence[str], config: Options, words: Sequence[str], path: str
) -> list[str]:
    """Return `languages` of the options of `msp_train`.

    Args:
        own: Languages of run.sh.
        config: The training configuration, used if run.sh names none.
        words: Further words of `msp_train`, which change them.
        path: The training configuration, for messages.

    Raises:
        ValueError: If they are no list of words.
    """
    uses = uses_of("--languages", words)
    given: Any = uses[-1] if uses else own or config.get("languages") or []
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise ValueError(
            f"{path}: `languages` of the training configuration must list the languages in"
            f" utt2lang, such as `[en, 'no']`, but got {given!r}."
        )
    return list(given)


def _refuse_audio_labels(objectives: Sequence[Objective], run: Mapping[str, str]) -> None:
    """Refuse second recordings where mini-batches hold audio without labels.

    Raises:
        ValueError: If an objective learns from them.
    """
    for objective in objectives:
        if objective.label_type == "audio" and run["ssl_audio"] == "unlabeled":
            raise ValueError(
                f"{objective.name} learns from {objective.label_file}, which audio without labels"
                " lacks, so that the two cannot share mini-batches: leave out `--ssl_audio"
                " unlabeled`, or the objective."
            )


def _languages(further: Sequence[str], objectives: Sequence[Objective]) -> tuple[str, ...]:
    spoken = [objective.language for objective in objectives if objective.language]
    languages = tuple(dict.fromkeys([*spoken, *further]))
    if not languages:
        raise ValueError(
            "--languages must name the languages in utt2lang, such as 'en fr', since no objective"
            f" of this run names one: {[objective.name for objective in objectives]}"
        )
    return languages


def _refined(objectives: dict[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """Return `objectives`, changed by further words of `msp_train`."""
    values = [value for uses in uses_of("--objectives", words) for value in uses[:1]]
    if not values:
        return objectives
    from espnet2.utils.nested_dict_action import NestedDictAction

    action = NestedDictAction(["--objectives"], "objectives")
    namespace = argparse.Namespace(objectives=objectives)
    for value in values:
        action(argparse.ArgumentParser(), namespace, value)
    refined: dict[str, Any] = namespace.objectives
    return refined

"""Checks of the labels of a data dir against the needs of the objectives."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from espnet_soups.data.data_dir import NO_LABEL, DataDir, is_text_file
from espnet_soups.objectives.kind import Options
from espnet_soups.objectives.labels import NothingToLearnError, refuse_blind_validation
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import kind_of

NO_CLASSES = (NO_LABEL, "unknown")  # in tables of classes, `utt2<label>`


def count_labels(
    data: DataDir,
    objectives: Sequence[Objective],
    least: int = 1,
    languages: Sequence[str] | None = None,
) -> Counter[str]:
    """Count the labels of each objective.

    Args:
        data: The set.
        objectives: The objectives of the run.
        least: Smallest number of utterances of each language; a training step takes two.
        languages: Valid languages; None for those of the objectives.

    Returns:
        Number of labels by name of the objective; objectives without label files have none.

    Raises:
        ValueError: If an utterance speaks an unknown language, a label file is missing, an
            objective has no label, or a language too few utterances.
    """
    _check_languages(data, objectives, least, languages)
    counts: Counter[str] = Counter()
    for objective in objectives:
        if not objective.label_file:
            continue
        name = objective.label_file
        table = data.labels_of(name)
        if table is None:
            raise ValueError(
                f"{data.path} has no {name}, which {objective.name} needs: one line `key label`"
                f" per utterance, `{NO_LABEL}` where there is no label."
            )
        counts[objective.name] = _count(data, objective)
        if counts[objective.name] == 0:
            raise ValueError(
                f"{data.path / name} has no label of {objective.name}: add some, or leave the"
                " objective out of `--asr_langs`, `--st_pairs` and `--objectives`."
            )
    return counts


def emptied_objectives(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return the objectives that lose all their labels by a filter, with their number before.

    Args:
        before: `labels_by_objective` of the set before the filter.
        after: That of the set after it.

    >>> emptied_objectives({"fr_asr": 7, "en_asr": 9}, {"fr_asr": 0, "en_asr": 8})
    {'fr_asr': 7}
    """
    return {name: number for name, number in before.items() if number and not after[name]}


def labels_by_objective(data: DataDir, objectives: Sequence[Objective]) -> dict[str, int]:
    """Count the labels of each objective; one without a label file has none.

    Args:
        data: The set.
        objectives: The objectives of the run.
    """
    return {objective.name: _count(data, objective) for objective in objectives}


def compare_labels(
    data: DataDir,
    train: DataDir,
    objectives: Sequence[Objective],
    validated: Sequence[Objective] = (),
) -> None:
    """Compare the labels of a set with those of the training set, by the rules of each kind.

    Args:
        data: A validation or test set.
        train: The training set.
        objectives: The objectives of the run for which the set has labels.
        validated: All objectives of the run, if epochs are chosen on the set.

    Raises:
        ValueError: If they do not fit, such as labels of a class that training lacks, or no epoch
            could be chosen.
    """
    without: dict[str, str] = {}
    for objective in objectives:
        if not objective.label_file or is_text_file(objective.label_file):
            continue
        own, trained = (
            item.known_labels(objective.label_file, objective.language) for item in (data, train)
        )
        where = str(data.path / objective.label_file)
        try:
            kind_of(objective).check_set(objective, own, trained, where)
        except NothingToLearnError as error:
            without[objective.name] = str(error)
    refuse_blind_validation(validated, without, str(data.path))


def compare_with_settings(
    data: DataDir,
    objectives: Sequence[Objective],
    settings_of: Callable[[str], Options],
    training: bool,
) -> None:
    """Compare the labels of a set with the settings of objectives, by the rules of each kind.

    Args:
        data: The set.
        objectives: The objectives.
        settings_of: Function from the name of an objective to its entry below `objectives:`.
        training: Whether the set is used for training.

    Raises:
        OSError: If a file that settings name cannot be read.
        ValueError: If they do not fit, such as labels of a class that settings lack.
    """
    for objective in objectives:
        if objective.label_file and not is_text_file(objective.label_file):
            kind_of(objective).check_settings(
                objective,
                settings_of(objective.name),
                data.known_labels(objective.label_file, objective.language),
                str(data.path / objective.label_file),
                training,
            )


def objectives_of(data: DataDir, objectives: Sequence[Objective]) -> list[Objective]:
    """Return the objectives that a set can test: those whose language it has.

    A table without a label says that the set is not for its objective: a corpus for recognition
    alone has translations `<na>`. A missing table says so of objectives of all languages alone. If
    none qualifies, return all.

    Args:
        data: The set.
        objectives: The objectives of the run.
    """
    spoken = set(data.languages.values())
    found = [
        objective
        for objective in objectives
        if (not objective.language or objective.language in spoken)
        and (
            _count(data, objective) > 0
            or (objective.language and data.labels_of(objective.label_file) is None)
        )
    ]
    return found or list(objectives)


def _count(data: DataDir, objective: Objective) -> int:
    name = objective.label_file
    known = data.known_labels(name, objective.language).values()
    return sum(is_label(name, label) for label in known)


def is_label(name: str, label: str) -> bool:
    """Return True if an entry of a file of labels is a label; in tables, `unknown` is none.

    Args:
        name: Name of the file.
        label: The entry.

    >>> is_label("utt2gender", "unknown"), is_label("text", "unknown")
    (False, True)
    """
    return label != NO_LABEL if is_text_file(name) else label not in NO_CLASSES


def _check_languages(
    data: DataDir, objectives: Sequence[Objective], least: int, languages: Sequence[str] | None
) -> None:
    spoken = {objective.language for objective in objectives if objective.language}
    known = spoken if languages is None else set(languages)
    strangers = {lang: key for key, lang in data.languages.items() if lang not in known}
    if strangers:
        language, key = next(iter(strangers.items()))
        raise ValueError(
            f"{data.path / 'utt2lang'}: {key} has language {language!r}, but the run has"
            f" {sorted(known)}; name it in `--asr_langs`, `--st_pairs` or `--languages`, or remove"
            " its utterances."
        )
    for language, number in Counter(data.languages.values()).items():
        if number < least:
            raise ValueError(
                f"{data.path} has {number} utterance of {language}, but every step of training"
                f" takes {least} of each language: add some, or leave the language out."
            )

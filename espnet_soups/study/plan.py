"""Read a study from its YAML file: settings, arms, seeds, and hypotheses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet_soups.files import read_yaml
from espnet_soups.settings import refuse_unknown
from espnet_soups.tables.plan import SOUP_ARGUMENTS, SOUP_OPTIONS, texts_of

# Arms may differ in these alone, so that a difference has one cause.
ARM_OPTIONS = (
    *SOUP_OPTIONS,
    *("penalty", "combiner_conf", "plan_top", "conflict_batches", "nbest_average"),
)
ARM_ARGUMENTS = (*SOUP_ARGUMENTS, "keep_nbest_models")

ARM = {
    **{"title": str, "options?": dict[str, Any], "train_args?": dict[str, Any]},
    **{"weights_of?": str, "penalties_of?": str, "settings?": list[str]},
}
HYPOTHESIS = {
    **{"name": str, "statement": str, "arm": str, "against": str, "outcome": str},
    **{"settings?": list[str], "bound?": float},
}
SHAPE = {
    **{"title": str, "question": str, "seeds": list[int], "baseline": str},
    **{"shared?": dict[str, Any], "settings?": dict[str, dict[str, Any]]},
    **{
        "groups?": {"*": [str]},
        "arms": {"*": ARM},
        "hypotheses?": [HYPOTHESIS],
        "parallel?": int,
        "budget_hours?": float,
    },
}


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes:
        name: Its key in the YAML.
        title: As tables show it.
        options: Options of run.sh.
        train_args: Options of msp_train: name to settings, spaces between them.
        weights_of: Arm whose mean weights over the training, of the same seed, are this one's
            static weights; empty: none.
        penalties_of: Arm whose mean penalties are this one's constant ones; empty: none.
        settings: Settings in which it runs; empty: all.
    """

    name: str
    title: str
    options: Mapping[str, str] = field(default_factory=dict)
    train_args: Mapping[str, str] = field(default_factory=dict)
    weights_of: str = ""
    penalties_of: str = ""
    settings: tuple[str, ...] = ()

    @property
    def donor(self) -> str:
        """The arm that has to be trained before; empty: none."""
        return self.weights_of or self.penalties_of


@dataclass(frozen=True)
class Hypothesis:
    """A statement that the study tests: `arm` is better than `against` in `outcome`.

    Attributes:
        name: Such as H1.
        statement: In words.
        arm: The arm that should be better.
        against: The arm that it is compared with.
        outcome: `mean_loss`, `worst_loss`, a group of the study, `raised`, or the name of a score
            in scores.json.
        settings: Where it is tested; empty: in all.
        bound: Differences below it are of no use, in units of the outcome; 0: not stated.
    """

    name: str
    statement: str
    arm: str
    against: str
    outcome: str
    settings: tuple[str, ...] = ()
    bound: float = 0.0


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        name: Name of its file.
        title: What it is about.
        question: What it asks.
        seeds: Each arm is trained with each; arms of one seed share weights and order of data.
        baseline: The arm that losses are relative to.
        shared: Options of run.sh for all runs.
        settings: Options of run.sh for each setting.
        arms: The arms, in order.
        groups: Name of a further outcome to patterns of objectives: the mean of their relative
            losses.
        hypotheses: Stated before the runs.
        parallel: Trainings side by side.
        budget_hours: No run is started that would probably end later; 0: no limit.
    """

    name: str
    title: str
    question: str
    seeds: tuple[int, ...]
    baseline: str
    shared: Mapping[str, str]
    settings: Mapping[str, Mapping[str, str]]
    arms: tuple[Arm, ...]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hypotheses: tuple[Hypothesis, ...] = ()
    parallel: int = 1
    budget_hours: float = 0.0

    def arm(self, name: str) -> Arm:
        """Return an arm by its name.

        Args:
            name: Name of the arm; it must exist.
        """
        return next(arm for arm in self.arms if arm.name == name)

    def arms_of(self, setting: str) -> list[Arm]:
        """Return the arms that run in a setting.

        Args:
            setting: Name of the setting.
        """
        return [arm for arm in self.arms if not arm.settings or setting in arm.settings]


def load_study(path: Path) -> Study:
    """Read a study.

    Args:
        path: The YAML file.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is malformed, uses a name that it does not define, or its arms differ in
            more than `ARM_OPTIONS` and `ARM_ARGUMENTS`.
    """
    content = read_yaml(path, "the study", SHAPE)
    _refuse_keys(str(path), content, SHAPE)
    study = Study(
        name=path.stem,
        title=content["title"],
        question=content["question"],
        seeds=tuple(content["seeds"]),
        baseline=content["baseline"],
        shared=texts_of(content.get("shared")),
        settings={k: texts_of(v) for k, v in (content.get("settings") or {"all": {}}).items()},
        arms=tuple(_read_arm(name, item, path) for name, item in content["arms"].items()),
        groups=content.get("groups") or {},
        hypotheses=tuple(_read_hypothesis(item, path) for item in content.get("hypotheses") or ()),
        parallel=content.get("parallel", 1),
        budget_hours=float(content.get("budget_hours", 0.0)),
    )
    _check(study, path)
    return study


def _read_arm(name: str, item: Mapping[str, Any], path: Path) -> Arm:
    _refuse_keys(f"the arm {name} of {path}", item, ARM)
    texts = {part: texts_of(item.get(part)) for part in ("options", "train_args")}
    return Arm(name, **{**item, **texts, "settings": tuple(item.get("settings") or ())})


def _read_hypothesis(item: Mapping[str, Any], path: Path) -> Hypothesis:
    _refuse_keys(f"{item['name']} of {path}", item, HYPOTHESIS)
    return Hypothesis(**{**item, "settings": tuple(item.get("settings") or ())})


def _refuse_keys(place: str, item: Mapping[str, Any], shape: Mapping[str, Any]) -> None:
    refuse_unknown(place, item, [key.removesuffix("?") for key in shape])


def _check(study: Study, path: Path) -> None:
    names, where = [arm.name for arm in study.arms], f"of {path}"
    if not study.seeds or len(set(study.seeds)) < len(study.seeds):
        raise ValueError(f"`seeds` {where} must be one or more different numbers.")
    if study.parallel < 1 or study.budget_hours < 0:
        raise ValueError(f"`parallel` {where} must be 1 or more, `budget_hours` not negative.")
    refuse_unknown(f"`baseline` {where}", [study.baseline], names)
    if study.arm(study.baseline).settings:
        raise ValueError(f"`baseline` {where} must run in all settings: leave out its `settings`.")
    for arm in study.arms:
        _check_arm(arm, study, path)
    stated: set[str] = set()
    for item in study.hypotheses:
        if item.name in stated:
            raise ValueError(f"`hypotheses` {where} has {item.name} twice.")
        stated.add(item.name)
        refuse_unknown(f"{item.name} {where}", [item.arm, item.against], names)
        refuse_unknown(f"`settings` of {item.name} {where}", item.settings, list(study.settings))


def _check_arm(arm: Arm, study: Study, path: Path) -> None:
    strange = sorted(set(arm.options) - set(ARM_OPTIONS))
    strange += sorted(n for n in arm.train_args if n.partition(".")[0] not in ARM_ARGUMENTS)
    if strange:
        raise ValueError(
            f"{path}: the arm {arm.name} differs from the others in `{strange[0]}`. Arms may differ"
            f" in {', '.join([*ARM_OPTIONS, *ARM_ARGUMENTS])}; put the rest into `shared` or into"
            " a setting."
        )
    refuse_unknown(f"`settings` of {arm.name} of {path}", arm.settings, list(study.settings))
    if not arm.donor:
        return
    refuse_unknown(f"{arm.name} of {path}", [arm.donor], [other.name for other in study.arms])
    if arm.weights_of and arm.penalties_of:
        raise ValueError(f"{path}: {arm.name} has `weights_of` or `penalties_of`, not both.")
    if study.arm(arm.donor).donor:
        raise ValueError(f"{path}: {arm.name} takes numbers of {arm.donor}, which takes others'.")
    own, theirs = set(arm.settings or study.settings), set(study.arm(arm.donor).settings)
    if theirs and not own <= theirs:
        raise ValueError(f"{path}: {arm.name} runs in settings in which {arm.donor} does not.")

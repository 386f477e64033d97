"""Compare the arms of a study: paired differences, and the verdict on every hypothesis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from espnet_soups.conflict.significance import LEVEL, adjust
from espnet_soups.settings import refuse_unknown
from espnet_soups.study.finished import Finished
from espnet_soups.study.plan import Arm, Hypothesis, Study
from espnet_soups.study.record import LOSSES, RAISED, RunRecord, Score, difference
from espnet_soups.study.runs import StudyRun, plan_study
from espnet_soups.study.statistics import PairedDifference, least_p, paired_difference
from espnet_soups.tables.same_settings import find_differences

LEAST_MOVED = 0.2  # total variation from uniform; below it the weights were practically static

Records = Mapping[str, RunRecord]  # by tag


@dataclass(frozen=True)
class Test:
    """Verdict on a hypothesis in one setting.

    Attributes:
        hypothesis: The hypothesis.
        setting: The setting.
        difference: `arm` minus `against`, paired by seed.
        p: Its p value, adjusted for all tests of the study; NaN: not known.
        verdict: In words.
    """

    __test__ = False  # else pytest collects it as a test

    hypothesis: Hypothesis
    setting: str
    difference: PairedDifference
    p: float
    verdict: str


def paired(
    study: Study, records: Records, setting: str, arm: Arm, against: Arm, outcome: str
) -> PairedDifference:
    """Return the paired difference of two arms over the seeds that both have finished.

    Args:
        study: The study.
        records: Records of the finished runs, by tag.
        setting: Name of the setting.
        arm: The arm.
        against: The arm that is subtracted.
        outcome: The outcome: a group of the study, or see `difference`.

    Returns:
        The difference; seeds in which it is not finite are left out.
    """
    return paired_difference(
        list(seed_differences(study, records, setting, arm, against, outcome).values())
    )


def seed_differences(
    study: Study, records: Records, setting: str, arm: Arm, against: Arm, outcome: str
) -> dict[int, float]:
    """Return the difference of two arms by seed, where both are finished and it is finite.

    Args:
        study: The study.
        records: Records of the finished runs, by tag.
        setting: Name of the setting.
        arm: The arm.
        against: The arm that is subtracted.
        outcome: The outcome: a group of the study, or see `difference`.
    """
    found = {}
    for seed in study.seeds:
        ours = records.get(StudyRun(study, setting, arm, seed).tag)
        theirs = records.get(StudyRun(study, setting, against, seed).tag)
        if ours is not None and theirs is not None:
            if outcome in study.groups:
                value = difference(ours, theirs, "mean_loss", study.groups[outcome])
            else:
                value = difference(ours, theirs, outcome)
            if math.isfinite(value):
                found[seed] = value
    return found


def void_arms(study: Study, records: Records, setting: str) -> dict[str, float]:
    """Return the arms whose weights should have moved but did not, with how far they moved.

    Args:
        study: The study.
        records: Records of the finished runs, by tag.
        setting: Name of the setting.

    Returns:
        Name of the arm to the largest distance from uniform in the run that moved least.
    """
    found: dict[str, float] = {}
    for arm in study.arms_of(setting):
        tags = (StudyRun(study, setting, arm, seed).tag for seed in study.seeds)
        moved = [m for tag in tags if tag in records and (m := records[tag].moved) is not None]
        if moved and min(moved) < LEAST_MOVED:
            found[arm.name] = min(moved)
    return found


def known_scores(records: Records) -> dict[str, Score]:
    """Return one score of every metric that some run has, by name.

    Args:
        records: Records of the finished runs, by tag.
    """
    return {name: score for record in records.values() for name, score in record.scores.items()}


def known_outcomes(study: Study, records: Records) -> dict[str, str]:
    """Return the outcomes that are known of some pair of arms, with their titles.

    Args:
        study: The study.
        records: Records of the finished runs, by tag.
    """
    base = study.arm(study.baseline)
    scores = {name: score.title for name, score in known_scores(records).items()}
    return {
        outcome: title
        for outcome, title in (LOSSES | _group_titles(study) | RAISED | scores).items()
        if any(
            paired(study, records, setting, arm, base, outcome).values
            for setting in study.settings
            for arm in study.arms_of(setting)
            if arm != base
        )
    }


def _group_titles(study: Study) -> dict[str, str]:
    return {name: f"{name} loss, %" for name in study.groups}


def run_tests(study: Study, records: Records) -> list[Test]:
    """Test every hypothesis in each of its settings.

    Args:
        study: The study.
        records: Records of the finished runs, by tag.

    Returns:
        The verdicts; p values are adjusted for all of them together.

    Raises:
        ValueError: If no run has the outcome of a hypothesis.
    """
    scores = known_scores(records)
    if records:
        for item in study.hypotheses:
            known = [*LOSSES, *study.groups, *RAISED, *scores]
            refuse_unknown(f"`outcome` of {item.name} of {study.name}", [item.outcome], known)
    places = [
        (item, setting) for item in study.hypotheses for setting in item.settings or study.settings
    ]
    differences = [
        paired(study, records, s, study.arm(h.arm), study.arm(h.against), h.outcome)
        for h, s in places
    ]
    void = {setting: void_arms(study, records, setting) for setting in study.settings}
    counted = [
        math.nan if _void(h, void[s]) else d.p
        for (h, s), d in zip(places, differences, strict=True)
    ]
    return [
        Test(h, s, d, p, _verdict(study, h, d, p, _is_higher_better(h, scores), _void(h, void[s])))
        for (h, s), d, p in zip(places, differences, adjust(counted), strict=True)
    ]


def _void(hypothesis: Hypothesis, void: Mapping[str, float]) -> list[str]:
    return sorted({hypothesis.arm, hypothesis.against} & void.keys())


def _is_higher_better(hypothesis: Hypothesis, scores: Mapping[str, Score]) -> bool:
    score = scores.get(hypothesis.outcome)
    return score is not None and not score.lower_is_better


def _verdict(
    study: Study,
    hypothesis: Hypothesis,
    found: PairedDifference,
    p: float,
    higher: bool,
    void: Sequence[str],
) -> str:
    if void:
        return f"void: the weights of {', '.join(void)} hardly moved"
    if not found.values:
        return "not run yet"
    short = f", {len(found.values)} of {len(study.seeds)} seeds"
    missing = short if len(found.values) < len(study.seeds) else ""
    better = (found.mean > 0) == higher
    if p <= LEVEL:
        return ("supported" if better else "contradicted") + missing
    if hypothesis.bound and found.is_within(hypothesis.bound):
        return f"no difference beyond {hypothesis.bound:g}{missing}"
    least = least_p(len(found.values))
    count = "one seed allows" if len(found.values) == 1 else f"{len(found.values)} seeds allow"
    seeds = f"; {count} no p below {least:.2g}" if least > LEVEL else ""
    return f"open{missing}{seeds}"


def read_records(study: Study, finished: Finished) -> dict[str, RunRecord]:
    """Return the records of the finished runs of a study, by tag.

    Args:
        study: The study.
        finished: The finished runs, in their folders or published.

    Raises:
        ValueError: If a file is malformed, or runs of one setting differ in more than the study
            states.
    """
    found = {}
    for run in plan_study(study):
        record = finished.find(run)
        if record is not None:
            found[run.tag] = record
    _check_settings(study, found)
    return found


def _check_settings(study: Study, records: Records) -> None:
    stated = {name.partition(".")[0] for arm in study.arms for name in arm.train_args}
    for setting in study.settings:
        configs = {
            run.tag: records[run.tag].settings
            for run in plan_study(study)
            if run.setting == setting and run.tag in records
        }
        for key, values in find_differences(configs).items():
            if key in stated:
                continue
            (one, first), (other, second) = _first_two_that_differ(values)
            raise ValueError(
                f"The arms of {study.name} differ in `{key}`, which is not stated: {one} has"
                f" {first!r:.60}, {other} {second!r:.60}. Remove the folder of the run that is of"
                " another configuration, and run the study again."
            )


def _first_two_that_differ(values: Mapping[str, object]) -> list[tuple[str, object]]:
    items = list(values.items())
    return [items[0], next(item for item in items if item[1] != items[0][1])]

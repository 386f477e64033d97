"""Render the page of a study: its question, what was fixed in advance, the results."""

import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence

from espnet_soups.report.wording import table
from espnet_soups.study.compare import (
    LEAST_MOVED,
    Records,
    Test,
    known_outcomes,
    known_scores,
    paired,
    run_tests,
    void_arms,
)
from espnet_soups.study.plan import Study
from espnet_soups.study.runs import StudyRun, plan_study
from espnet_soups.study.statistics import PairedDifference

COLUMNS = 120  # of a paragraph


def render_study(
    study: Study, records: Records, failures: Mapping[str, str], pictures: Sequence[str] = ()
) -> str:
    """Return the page as Markdown.

    Args:
        study: The study.
        records: Records of the finished runs, by tag.
        failures: Tag of a run to the reason why it has no result.
        pictures: Paths of the pictures, relative to the page.
    """
    parts = [f"# {study.title}", _fill(study.question), _fill(_design(study, records))]
    tests = run_tests(study, records)
    if tests:
        parts += [
            "## Hypotheses",
            "They were stated before the runs.",
            _tests_table(tests, known_outcomes(study, records)),
        ]
    for setting in study.settings:
        parts += [f"## Setting {setting}"] if len(study.settings) > 1 else ["## Arms"]
        parts += [_absolute(study, records, setting), _differences(study, records, setting)]
        parts += _notes(study, records, setting)
    parts += [f"![Differences from {study.baseline}]({picture})" for picture in pictures]
    parts += _unfinished(study, records, failures)
    return "\n\n".join(part for part in parts if part) + "\n"


def _fill(paragraph: str) -> str:
    return textwrap.fill(paragraph, COLUMNS, break_on_hyphens=False)


def _design(study: Study, records: Records) -> str:
    runs = plan_study(study)
    seconds = sum(record.seconds for record in records.values())
    settings = f" × {len(study.settings)} settings" if len(study.settings) > 1 else ""
    return (
        f"{len(study.arms)} arms × {len(study.seeds)} seeds{settings}, {len(records)} of"
        f" {len(runs)} runs finished, {seconds / 3600:.1f} hours of training in all. Arms of one"
        " seed have the same initial weights and the same order of data, so that differences are"
        f" taken seed by seed. Losses are those of the last epoch, relative to {study.baseline} of"
        " the same seed: the mean over the objectives, and the objective that fares worst."
    )


def _tests_table(tests: Sequence[Test], titles: Mapping[str, str]) -> str:
    head = ["", "statement", "setting", "outcome", "difference [95 %]", "p, adjusted", "verdict"]
    rows = [
        [
            test.hypothesis.name,
            test.hypothesis.statement,
            test.setting,
            titles.get(test.hypothesis.outcome, test.hypothesis.outcome),
            _cell(test.difference),
            "–" if math.isnan(test.p) else f"{test.p:.3f}",
            test.verdict,
        ]
        for test in tests
    ]
    return table(head, rows, left=3)


def _absolute(study: Study, records: Records, setting: str) -> str:
    """Return the scores themselves, mean ± standard deviation over seeds."""
    scores = known_scores(records)
    head = [
        "arm",
        *(score.title for score in scores.values()),
        "harmful steps, %",
        "λ moved",
        "min",
    ]
    rows = []
    for arm in study.arms_of(setting):
        found = [
            records[tag]
            for seed in study.seeds
            if (tag := StudyRun(study, setting, arm, seed).tag) in records
        ]
        cells = [_spread([r.scores[m].value for r in found if m in r.scores]) for m in scores]
        cells.append(_spread([r.raised for r in found if not math.isnan(r.raised)]))
        moved = [value for r in found if (value := r.moved) is not None]
        cells.append(f"{min(moved):.2f}–{max(moved):.2f}" if moved else "–")
        cells.append(_spread([r.seconds / 60 for r in found]))
        rows.append([arm.title, *cells])
    return table(head, rows, left=1)


def _differences(study: Study, records: Records, setting: str) -> str:
    base = study.arm(study.baseline)
    outcomes = known_outcomes(study, records)
    if not outcomes:
        return ""
    head = [f"minus {base.title}", *outcomes.values()]
    rows = [
        [arm.title, *(_cell(paired(study, records, setting, arm, base, o)) for o in outcomes)]
        for arm in study.arms_of(setting)
        if arm != base
    ]
    higher = [s.title for s in known_scores(records).values() if not s.lower_is_better]
    better = f" Lower is better, of {' and '.join(higher)} higher." if higher else ""
    note = "`[ , ]`: 95 % interval over seeds (Student's t), not adjusted for the number of cells."
    return table(head, rows, left=1) + "\n\n" + _fill(note + better)


def _notes(study: Study, records: Records, setting: str) -> list[str]:
    notes = [
        f"- {study.arm(name).title} is void: in one run no level's weights went further than"
        f" {moved:.2f} from uniform (total variation; {LEAST_MOVED} is asked for)."
        for name, moved in void_arms(study, records, setting).items()
    ]
    notes += [
        f"- {run.tag} diverged: a validation loss of its last epoch is not finite."
        for run in plan_study(study)
        if run.setting == setting and run.tag in records and records[run.tag].diverged
    ]
    return ["\n".join(notes)] if notes else []


def _unfinished(study: Study, records: Records, failures: Mapping[str, str]) -> list[str]:
    missing = [run.tag for run in plan_study(study) if run.tag not in records]
    if not missing:
        return []
    lines = [f"- {tag}: {failures.get(tag, 'not run yet')}" for tag in missing]
    return ["## Not finished", "\n".join(lines)]


def _cell(found: PairedDifference) -> str:
    if not found.values:
        return "–"
    text = f"{found.mean:+.1f}".replace("-", "−")
    if math.isnan(found.low):
        return text
    return f"{text} [{found.low:.1f}, {found.high:.1f}]".replace("-", "−")


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    mean = statistics.fmean(values)
    return f"{mean:.1f}" + (f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else "")

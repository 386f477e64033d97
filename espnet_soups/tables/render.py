"""Render a table as Markdown: our numbers beside the paper's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet_soups.report.markdown import table as markdown_table
from espnet_soups.tables.failure import Failure
from espnet_soups.tables.numbers import read_number, summarise
from espnet_soups.tables.plan import NOT_PUBLIC, Table
from espnet_soups.tables.runs import Run


def render(
    table: Table,
    runs: Sequence[Run],
    expdir: Path,
    inference_tag: str,
    mini: bool,
    failures: Mapping[str, Failure],
) -> str:
    """Return the table; a run that has no scores yet has dashes, and a line that says so.

    Runs that failed have none, whatever an earlier call has left in their folders.

    Args:
        table: The table.
        runs: Its runs.
        expdir: Folder of the experiments.
        inference_tag: Name of the decoding.
        mini: Whether it was run on another corpus than the paper's.
        failures: Tag of a run to its failure in this call.
    """
    head = ["run"]
    for column in table.columns:
        head += [column.title] if mini else [column.title, "paper"]
    rows, notes = [], []
    for row in table.rows:
        own = [run for run in runs if run.row == row]
        lost = {run.tag: failures[run.tag] for run in own if run.tag in failures}
        made = [run for run in own if run.tag not in lost]
        cells = [row.title]
        for column in table.columns:
            found = [read_number(run.folder(expdir), inference_tag, column) for run in made]
            numbers = [number for number in found if number is not None]
            nothing = next((failure.cell for failure in lost.values()), summarise([]))
            cells.append(column.missing or (summarise(numbers) if numbers else nothing))
            if not mini:
                cells.append(str(row.paper.get(column.title, NOT_PUBLIC)))
        rows.append(cells)
        notes += _missing_notes(own, expdir, lost) + _search_notes(made, expdir)
    seeds = sorted({run.seed for run in runs})
    if len(seeds) > 1:
        notes.append(f"- Mean ± standard deviation over the seeds {', '.join(map(str, seeds))}.")
    if mini:
        notes.append("- Run on the asterisk corpus: the paper's numbers are of other corpora.")
    else:
        notes += [f"- {note}" for note in table.notes]
    parts = [f"## {table.title}", markdown_table(head, rows, left=1), "\n".join(notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _missing_notes(runs: Sequence[Run], expdir: Path, lost: Mapping[str, Failure]) -> list[str]:
    """Return why the runs of a row have no numbers."""
    if runs and runs[0].obstacle:
        return [f"- {runs[0].row.title}: not run, since {runs[0].obstacle}."]
    notes = [
        f"- {run.row.title}: {lost[run.tag].cell}, {run.tag}: {lost[run.tag].reason}."
        for run in runs
        if run.tag in lost
    ]
    absent = [r.tag for r in runs if r.tag not in lost and not r.folder(expdir).is_dir()]
    if absent:
        notes.append(f"- {runs[0].row.title}: not run yet ({', '.join(absent)}).")
    return notes


def _search_notes(runs: Sequence[Run], expdir: Path) -> list[str]:
    """Return the weights that the searches of a row have found."""
    notes = []
    for run in runs:
        search = run.find_search(expdir)
        if search is not None:
            weights = ", ".join(f"{glob} {weight:g}" for glob, weight in search.weights.items())
            notes.append(
                f"- {run.row.title}, seed {run.seed}: {weights}, the best of {search.points} by"
                f" validation accuracy ({search.accuracy:.4f})."
            )
    return notes

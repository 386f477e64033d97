"""Write the results as a page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

NOT_MEASURED = "not measured"
COLUMNS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "s a step": ("seconds", lambda x: f"{x:.3f}"),
    "against joint": ("ratio", lambda x: f"{x:.2f}"),
    "peak, MiB": ("peak_mib", lambda x: f"{x:,.0f}"),
    "TFLOP": ("tflop", lambda x: f"{x:.3g}"),
    "of the matrix rate": ("utilisation", lambda x: f"{x:.1%}"),
    "kernels": ("kernels", lambda x: f"{x:,.0f}"),
    "waits": ("waits", lambda x: f"{x:.1f}"),
    "numbers to Python": ("to_python", lambda x: f"{x:.1f}"),
    "busy": ("busy", lambda x: f"{x:.0%}"),
}
BASELINE = "joint_pooled"


def render(results: Mapping[str, Any]) -> str:
    """Return the results as Markdown.

    Args:
        results: What the parts have measured; a part that is absent was not run.
    """
    machine = results["machine"]
    told = ", ".join(f"{key} {value}" for key, value in machine.items() if key != "device")
    lines = [
        f"# {machine['device']}",
        "",
        f"{told}; {results.get('seconds', 0.0):.0f} s in all",
        "",
    ]
    lines += ["## Tests", "", _tests(results.get("tests")), ""]
    rates = results.get("rates")
    shown = ", ".join(f"{name} {rate:.3g}" for name, rate in (rates or {}).items())
    lines += ["## Matrix products, TFLOP/s", "", shown or NOT_MEASURED, ""]
    for part, title in (("steps", "Steps"), ("objectives", "Numbers of objectives")):
        lines += [f"## {title}", "", *_costs(results.get(part)), ""]
    lines += ["## Trainings, all at once", "", *_trainings(results.get("training"))]
    return "\n".join(lines) + "\n"


def _tests(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return NOT_MEASURED
    if "error" in found:
        return str(found["error"])
    counts = ", ".join(f"{found[kind]} {kind}" for kind in ("passed", "failed", "skipped"))
    return counts + "".join(f"\n* {name}" for name in found["failures"])


def _costs(rows: Sequence[Mapping[str, Any]] | None) -> list[str]:
    if not rows:
        return [NOT_MEASURED]
    base = {
        _alike(row): row["seconds"] for row in rows if row["mode"] == BASELINE and "seconds" in row
    }
    body = []
    for row in rows:
        own = dict(row)
        if "seconds" in row and _alike(row) in base:
            own["ratio"] = row["seconds"] / base[_alike(row)]
        known = [_cell(own.get(key), show) for key, show in COLUMNS.values()]
        first = known[0] if "error" not in row else str(row["error"])
        body.append(
            [row["config"], row["objectives"], row["mode"], row["precision"], first, *known[1:]]
        )
    return _table(["config", "K", "mode", "precision", *COLUMNS], body)


def _alike(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what rows have in common that are compared with one another."""
    return row["config"], row["precision"], row["objectives"]


def _trainings(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return [NOT_MEASURED]
    said = (
        f"{len(found['runs'])} processes, {found['epochs']} epochs of {found['steps']} steps each,"
    )
    said += f" {found['seconds']:.0f} s" + (
        ", stopped when the time was over" if found["stopped"] else ""
    )
    keys = ("epochs", "step_seconds", "first_loss", "loss", "valid_loss", "distance")
    body = [
        [name, *(_cell(run.get(key), "{:.4g}".format) for key in keys), run.get("error", "")]
        for name, run in found["runs"].items()
    ]
    heads = ["run", "epochs", "s a step", "loss, first epoch", "loss, last epoch", "valid. loss"]
    return [said, "", *_table([*heads, "weights' distance", ""], body)]


def _cell(value: Any, show: Callable[[Any], str]) -> str:
    return "-" if value is None else show(value)


def _table(heads: Sequence[str], body: Sequence[Sequence[Any]]) -> list[str]:
    rows = [list(heads), ["---"] * len(heads), *body]
    return [f"| {' | '.join(map(str, row))} |" for row in rows]

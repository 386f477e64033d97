"""Draw docs/images/results.svg from the published results of the embedded recipe.

    python -m tools.docs.draw_results

Plain SVG without a plotting library: the same bytes everywhere, and it follows light and dark.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "egs2" / "asterisk" / "msp1" / "results.jsonl"
PICTURE = ROOT / "docs" / "images" / "results.svg"
MODEL = "msp_e_branchformer_20min"
ROWS = {  # experiment -> what the picture calls it
    f"{MODEL}_fbank_char_joint_measure_only": "joint training",
    f"{MODEL}_fbank_char": "vm, translation on top",
    f"{MODEL}_fbank_char_USA": "vm, recognition on top",
    f"{MODEL}_paper_fbank_char": "vm, the paper's settings",
    f"{MODEL}_fbank_char_vs": "vs, all on one level",
    "msp_e_branchformer_3000steps_fbank_char_joint_measure_only_sp": "joint, 3,000 steps",
    "msp_e_branchformer_3000steps_fbank_char_sp": "vm, 3,000 steps",
    "msp_e_branchformer_muon_fbank_char_sp": "joint, 3,600 steps (default)",
    "msp_e_branchformer_muon_fbank_char_vm_USA_penalty0.1_static_sp": "the same, translation × 0.1",
    "msp_e_branchformer_90min_fbank_char_sp": "joint, 6,000 steps",
}
WIDTH, LEFT, GAP, ROW, TOP = 760, 250, 36, 30, 58  # pixels
STYLE = """<style>
text{font:14px system-ui,sans-serif;fill:#1f2328}.small{font-size:12px;fill:#5a6068}
.mid{text-anchor:middle}.end{text-anchor:end}.head{font-weight:600}
.grid{stroke:#d4d8dd}.bar{stroke-width:3;stroke-linecap:round}
.cer{stroke:#0b57a4;fill:#0b57a4}.bleu{stroke:#b45309;fill:#b45309}
@media (prefers-color-scheme:dark){text{fill:#e3e5e8}.small{fill:#a3a9b0}.grid{stroke:#3a3e44}
.cer{stroke:#8ab8f0;fill:#8ab8f0}.bleu{stroke:#f0b27a;fill:#f0b27a}}
</style>"""


@dataclass(frozen=True)
class Panel:
    """One score of the picture.

    Attributes:
        name: Name of the score.
        title: Above the panel.
        low: Left end of the axis.
        high: Right end.
        step: From one label of the axis to the next.
    """

    name: str
    title: str
    low: float
    high: float
    step: float


PANELS = (
    Panel("cer", "CER %, lower is better", 10, 35, 5),
    Panel("bleu", "BLEU, higher is better", 0, 20, 5),
)


def read_means(path: Path) -> dict[str, Mapping[str, Any]]:
    """Return the mean scores of the experiments that are drawn, by name.

    Args:
        path: `results.jsonl` of the recipe.

    Raises:
        OSError: If it is missing.
        ValueError: If an experiment is not among the results.
    """
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {record["name"]: record["scores"]["mean"] for record in records}
    missing = [name for name in ROWS if name not in found]
    if missing:
        raise ValueError(f"{path} has no results of {', '.join(missing)}: name others in ROWS.")
    return {name: found[name] for name in ROWS}


def draw(means: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the picture.

    Args:
        means: Scores by experiment, with their intervals.

    Raises:
        ValueError: If a number lies outside its axis.
    """
    height = TOP + ROW * len(means) + 44
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        ' aria-labelledby="t">',
        '<title id="t">Mean scores on the embedded corpus, 95 % intervals</title>',
        STYLE,
    ]
    for number, name in enumerate(means):
        lines.append(
            f'<text class="end" x="{LEFT - 14}" y="{_row(number) + 5}">{ROWS[name]}</text>'
        )
    width = (WIDTH - LEFT - GAP - 20) / len(PANELS)
    for number, panel in enumerate(PANELS):
        lines += _draw_panel(panel, means, LEFT + number * (width + GAP), width, height)
    caption = "One training each, 1,000 steps where no number stands; bars: 95 % intervals."
    lines.append(f'<text class="small" x="{LEFT}" y="{height - 6}">{caption}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _row(number: int) -> int:
    return TOP + ROW * number


def _draw_panel(
    panel: Panel, means: Mapping[str, Mapping[str, Any]], left: float, width: float, height: int
) -> list[str]:
    def place(value: float) -> str:
        if not panel.low <= value <= panel.high:
            raise ValueError(
                f"{panel.name} {value} lies outside the axis {panel.low:g} to {panel.high:g}:"
                " change PANELS."
            )
        return f"{left + width * (value - panel.low) / (panel.high - panel.low):.1f}"

    bottom = height - 40
    lines = [f'<text class="head" x="{left:.1f}" y="24">{panel.title}</text>']
    for index in range(round((panel.high - panel.low) / panel.step) + 1):
        mark = panel.low + index * panel.step
        at = place(mark)
        lines.append(f'<path class="grid" d="M{at} {TOP - 18}V{bottom}"/>')
        lines.append(f'<text class="small mid" x="{at}" y="{bottom + 15}">{mark:g}</text>')
    for number, scores in enumerate(means.values()):
        score, y = scores[panel.name], _row(number)
        low, high, value = (place(score[key]) for key in ("low", "high", "value"))
        lines.append(f'<path class="bar {panel.name}" d="M{low} {y}H{high}"/>')
        lines.append(f'<circle class="{panel.name}" cx="{value}" cy="{y}" r="5"/>')
    return lines


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(read_means(RESULTS)), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

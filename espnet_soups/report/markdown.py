"""RESULTS.md in ESPnet's habit, from the records of `results.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from espnet_soups.report.compute import compute_text, environment_rows
from espnet_soups.report.wording import (
    all_intervals,
    count,
    describe_levels,
    duration,
    interval,
    intervals,
    soup_name,
    table,
)

Record = Mapping[str, Any]

NOTICE = "<!-- Written by `python -m espnet_soups.bin.report` (stage 13); changes get lost. -->"


def render_results(
    records: Sequence[Record],
    images: Mapping[str, str] | None = None,
    comparison: str | None = None,
) -> str:
    """Return a RESULTS.md: a table that compares, then a section for each decoded set.

    Args:
        records: Decodings of experiments, each as its results.json has it.
        images: Titles by path of pictures to show, if there is one experiment.
        comparison: Path of the picture that compares the experiments.
    """
    ordered = sorted(records, key=lambda item: (item["name"], item["inference_tag"], item["set"]))
    parts = ["# RESULTS", NOTICE, "## Comparison", render_comparison(ordered)]
    if comparison is not None:
        parts.append(f"![Validation curves of the experiments]({comparison})")
    titles = section_titles(ordered)
    parts += [
        render_experiment(record, title) for record, title in zip(ordered, titles, strict=True)
    ]
    if images:
        parts += ["### Pictures", *(f"![{title}]({path})" for path, title in images.items())]
    return "\n\n".join(parts) + "\n"


def section_titles(records: Sequence[Record]) -> list[str]:
    """Return the title of each section: the experiment, and where it has several, the decoding."""
    names = [record["name"] for record in records]
    return [
        name if names.count(name) == 1 else f"{name}: {record['inference_tag']}/{record['set']}"
        for name, record in zip(names, records, strict=True)
    ]


def render_comparison(records: Sequence[Record]) -> str:
    """Return a row per decoded set: what it is, mean scores with intervals, what it cost."""
    tagged = len({record["inference_tag"] for record in records}) > 1
    head = [
        "experiment",
        "decoding/set" if tagged else "set",
        "soup",
        "levels, top first",
        "combiner",
    ]
    head += ["WER %", "CER %", "BLEU", "chrF", "epochs", "train time", "parameters"]
    rows = []
    for record, title in zip(records, section_titles(records), strict=True):
        training, mean = record["training"], record["scores"]["mean"]
        rows.append(
            [
                f"[{record['name']}](#{_anchor(title)})",
                f"{record['inference_tag']}/{record['set']}" if tagged else record["set"],
                soup_name(training),
                describe_levels(training["levels"]),
                training["combiner"],
                *(interval(mean.get(name)) for name in ("wer", "cer", "bleu", "chrf")),
                str(training["epochs"]),
                f"{duration(training['seconds'])}, {compute_text(training.get('compute'))}",
                count(training["parameters"]),
            ]
        )
    notes = [
        "Scores are means over the languages or pairs that have them.",
        *([all_intervals([record["scores"] for record in records])] if records else []),
        "Train time is without validation; compare it on the same machine and number of threads"
        " or GPUs only.",
    ]
    if len({tuple(_signatures(record)["BLEU"]) for record in records}) > 1:
        notes.append("The BLEU signatures differ: compare BLEU only where they agree.")
    return table(head, rows, left=5) + "\n\n" + " ".join(notes)


def render_experiment(record: Record, title: str) -> str:
    """Return the section of one decoded set: tables, signatures, environment, command."""
    decoding = f"Decoded set: `{record['inference_tag']}/{record['set']}`."
    if record["decoding"] is not None:
        speed = record["decoding"]
        decoding += (
            f" Real-time factor {speed['rtf']:.3g} ({speed['audio_seconds']:.0f} s of audio in"
            f" {speed['decode_seconds']:.0f} s)."
        )
    parts = [f"## {title}", decoding, *render_scores(record), render_environment(record)]
    return "\n\n".join(parts)


def render_scores(record: Record) -> list[str]:
    """Return the tables of an experiment, those that it has scores for."""
    objectives, mean = record["scores"]["objectives"], record["scores"]["mean"]
    parts = []
    for name, unit in (("wer", "Wrd"), ("cer", "Chr")):
        members = {key: item for key, item in objectives.items() if name in item}
        if members:
            head = ["objective", "Snt", unit, "Corr", "Sub", "Del", "Ins", "Err", "S.Err"]
            rows = [[key, *_error_cells(item, name)] for key, item in members.items()]
            if len(members) > 1:
                total = sum(item["utterances"] for item in members.values())
                ends = [interval(mean[name]), interval(mean["sentence_error"])]
                rows.append(["mean", str(total), *[""] * 5, *ends])
            parts += [f"### {name.upper()}", table(head, rows, left=1)]
    members = {key: item for key, item in objectives.items() if "bleu" in item}
    if members:
        titles = {"bleu": "BLEU", "chrf": "chrF", "bleu_lc_rm": "BLEU lc.rm"}
        columns = [name for name in titles if any(name in item for item in members.values())]
        rows = [
            [key, str(item["utterances"]), *(interval(item.get(name)) for name in columns)]
            for key, item in members.items()
        ]
        if len(members) > 1:
            total = sum(item["utterances"] for item in members.values())
            rows.append(["mean", str(total), *(interval(mean.get(name)) for name in columns)])
        head = ["objective", "Snt", *(titles[name] for name in columns)]
        parts += ["### BLEU and chrF", table(head, rows, left=1)]
        parts += [
            "\n".join(
                f"- {metric}: `{signature}`"
                for metric, signatures in _signatures(record).items()
                for signature in signatures
            )
        ]
    notes = [intervals(record["scores"])] if parts else []
    left_out = sum(item["without_reference"] for item in objectives.values())
    if left_out:
        notes.append(f"Labels that are `<na>`, not scored: {left_out}.")
    unalignable = record["training"]["unalignable"]
    if unalignable:
        listed = ", ".join(f"{name} {number}" for name, number in unalignable.items())
        notes.append(f"Training labels longer than their frames, left out of CTC: {listed}.")
    return [*parts, " ".join(notes)]


def render_environment(record: Record) -> str:
    """Return the environment and the command of an experiment."""
    environment = record["environment"]
    lines = ["### Environments", ""]
    rows = environment_rows(environment, record["training"].get("compute"))
    lines += [f"- {name}: `{text}`" for name, text in rows]
    lines += ["", "Command:", "", "```sh", record["command"], "```"]
    return "\n".join(lines)


def _error_cells(item: Record, name: str) -> list[str]:
    own = item[name]
    total = own["reference_units"]
    shares = [
        f"{100.0 * own[kind] / total:.1f}"
        for kind in ("hits", "substitutions", "deletions", "insertions")
    ]
    ends = [interval(own), interval(item["sentence_error"])]
    return [str(item["utterances"]), str(total), *shares, *ends]


def _signatures(record: Record) -> dict[str, list[str]]:
    items = record["scores"]["objectives"].values()
    return {
        name: sorted({item[key]["signature"] for item in items if key in item})
        for name, key in (("BLEU", "bleu"), ("chrF", "chrf"))
    }


def _anchor(name: str) -> str:
    kept = [letter for letter in name.lower() if letter.isalnum() or letter in "-_ "]
    return "".join(kept).replace(" ", "-")

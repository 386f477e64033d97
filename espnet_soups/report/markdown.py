"""RESULTS.md in ESPnet's habit, from the records of `results.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

NOTICE = "<!-- Written by `python -m espnet_soups.bin.report` (stage 13); changes get lost. -->"
INTERVALS = "`[ , ]`: 95 % bootstrap interval over utterances."


def render_results(records: Sequence[Record], images: Mapping[str, str] | None = None) -> str:
    """Gives a RESULTS.md: a table that compares, then a section for each experiment.

    Args:
        records: Experiments, each as its results.json has it.
        images: Titles by path of pictures to show, if there is one experiment.
    """
    ordered = sorted(records, key=lambda record: (record["name"], record["set"]))
    parts = ["# RESULTS", NOTICE, "## Comparison", render_comparison(ordered)]
    parts += [render_experiment(record, _title(record, ordered)) for record in ordered]
    if images:
        parts += ["### Pictures", *(f"![{title}]({path})" for path, title in images.items())]
    return "\n\n".join(parts) + "\n"


def render_comparison(records: Sequence[Record]) -> str:
    """Gives a row per experiment: what it is, mean scores with intervals, what it cost."""
    head = ["experiment", "set", "soup", "levels, top first", "combiner"]
    head += ["WER %", "CER %", "BLEU", "chrF", "epochs", "train time", "parameters"]
    rows = []
    for record in records:
        training, mean = record["training"], record["scores"]["mean"]
        rows.append(
            [
                f"[{record['name']}](#{_anchor(_title(record, records))})",
                record["set"],
                soup_name(training),
                describe_levels(training["levels"]),
                training["combiner"],
                *(interval(mean.get(name)) for name in ("wer", "cer", "bleu", "chrf")),
                str(training["epochs"]),
                duration(training["seconds"]),
                count(training["parameters"]),
            ]
        )
    notes = [
        "Scores are means over the languages or pairs that have them. " + INTERVALS,
        "Train time is without validation.",
    ]
    if len({tuple(_signatures(record)["BLEU"]) for record in records}) > 1:
        notes.append("The BLEU signatures differ: compare BLEU only where they agree.")
    return table(head, rows, left=5) + "\n\n" + " ".join(notes)


def render_experiment(record: Record, name: str) -> str:
    """Gives the section of an experiment on a set: tables, signatures, environment, command."""
    title = f"## {name}"
    decoding = f"Decoded set: `{record['inference_tag']}/{record['set']}`."
    if record["decoding"] is not None:
        speed = record["decoding"]
        decoding += (
            f" Real-time factor {speed['rtf']:.3g} ({speed['audio_seconds']:.0f} s of audio in"
            f" {speed['decode_seconds']:.0f} s)."
        )
    parts = [title, decoding, *render_scores(record), render_environment(record)]
    return "\n\n".join(parts)


def render_scores(record: Record) -> list[str]:
    """Gives the tables of an experiment, those that it has scores for."""
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
    notes = [INTERVALS] if parts else []
    left_out = sum(item["without_reference"] for item in objectives.values())
    if left_out:
        notes.append(f"Labels that are `<na>`, not scored: {left_out}.")
    unalignable = record["training"]["unalignable"]
    if unalignable:
        listed = ", ".join(f"{name} {number}" for name, number in unalignable.items())
        notes.append(f"Training labels longer than their frames, left out of CTC: {listed}.")
    return [*parts, " ".join(notes)]


def render_environment(record: Record) -> str:
    """Gives the environment and the command of an experiment."""
    environment = record["environment"]
    lines = ["### Environments", ""]
    lines += [f"- {name}: `{text}`" for name, text in environment_rows(environment)]
    lines += ["", "Command:", "", "```sh", record["command"], "```"]
    return "\n".join(lines)


def environment_rows(environment: Record) -> list[tuple[str, str]]:
    """Gives the environment as names and texts."""
    usable, total = environment["cpus_usable"], environment["cpus"]
    cpus = f"{total} CPUs" if usable in (None, total) else f"{usable} of {total} CPUs"
    threads = environment["omp_num_threads"]
    rows = [("date", environment["date"]), ("python version", environment["python"])]
    rows += [
        (f"{name} version", environment[name] or "not installed")
        for name in ("espnet-soups", "espnet", "torch", "torchjd", "jiwer", "sacrebleu")
    ]
    rows.append(("Git hash", environment["git"] or "none (not run from a git checkout)"))
    hardware = f"{environment['cpu']}, {cpus}, {environment['system']}"
    return [*rows, ("hardware", hardware + (f", OMP_NUM_THREADS={threads}" if threads else ""))]


def soup_name(training: Record) -> str:
    """Gives the soup as a table shows it.

    >>> soup_name({"soup": "vm", "order": "USA"})
    'vm USA'
    """
    return training["soup"] + (f" {training['order']}" if training["order"] else "")


def describe_levels(levels: Sequence[Sequence[str]]) -> str:
    """Gives levels as counts of tasks, the top level first.

    >>> describe_levels([["asr_fr", "asr_it"], ["st_fr_en"]])
    'ASR×2 > ST×1'
    """
    texts = []
    for level in levels:
        tasks = [name.partition("_")[0].upper() for name in level]
        texts.append(" + ".join(f"{task}×{tasks.count(task)}" for task in dict.fromkeys(tasks)))
    return " > ".join(texts) or "–"


def interval(item: Record | None) -> str:
    """Gives a score with its interval.

    >>> interval({"value": 12.34, "low": 10.0, "high": 15.06})
    '12.3 [10.0, 15.1]'
    """
    if item is None:
        return "–"
    return f"{item['value']:.1f} [{item['low']:.1f}, {item['high']:.1f}]"


def duration(seconds: float) -> str:
    """Gives a time span.

    >>> duration(45.2), duration(754), duration(7384)
    ('45 s', '12 min 34 s', '2 h 03 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(number: int | None) -> str:
    """Gives a number of parameters.

    >>> count(4_900_000), count(None)
    ('4.90 M', '–')
    """
    if number is None:
        return "–"
    for scale, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if number >= scale:
            return f"{number / scale:.2f} {letter}"
    return str(number)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Gives a Markdown table; all but the `left` first columns are flush right."""
    rule = [":---"] * left + ["---:"] * (len(head) - left)
    cells = [head, rule, *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


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


def _title(record: Record, records: Sequence[Record]) -> str:
    """Names a section; the set tells sections of one experiment apart."""
    several = sum(other["name"] == record["name"] for other in records) > 1
    return f"{record['name']}, {record['set']}" if several else str(record["name"])


def _anchor(name: str) -> str:
    kept = [letter for letter in name.lower() if letter.isalnum() or letter in "-_ "]
    return "".join(kept).replace(" ", "-")

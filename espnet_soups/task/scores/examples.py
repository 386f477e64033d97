"""Show texts of a few utterances after every scored epoch: in files, TensorBoard and wandb."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet_soups.files import read_json_lines, write_json_lines, write_text

RECORD, LISTING = "examples.jsonl", "examples.txt"
COLUMNS = ["utterance", "reference", "hypothesis"]
TEXTS = {"*": {"*": {"reference": str, "hypothesis": str}}}

Examples = Mapping[str, Mapping[str, Mapping[str, str]]]  # objective, utterance, column to text


def write_examples(folder: Path, epoch: int, examples: Examples) -> None:
    """Add the examples of an epoch to `examples.jsonl`, and write all to `examples.txt`.

    Later epochs of an interrupted run are replaced.

    Args:
        folder: The folder of both files.
        epoch: Number of the epoch.
        examples: The texts by objective and utterance.

    Raises:
        OSError: If a file cannot be written.
        ValueError: If `examples.jsonl` is malformed.
    """
    path = folder / RECORD
    shape = {"epoch": int, "examples": TEXTS}
    earlier = read_json_lines(path, "the training", shape) if path.exists() else []
    kept = [record for record in earlier if record["epoch"] < epoch]
    records = [*kept, {"epoch": epoch, "examples": examples}]
    write_json_lines(path, records)
    write_text(folder / LISTING, render(records))


def render(records: Sequence[Mapping[str, Any]]) -> str:
    """Return each utterance with its reference, and a line per epoch with the hypothesis.

    Args:
        records: The lines of `examples.jsonl`.

    >>> texts = {"asr_fr": {"u1": {"reference": "un", "hypothesis": "u"}}}
    >>> print(render([{"epoch": 1, "examples": texts}]), end="")
    asr_fr u1
      reference: un
      epoch 1: u
    """
    blocks: dict[str, list[str]] = {}
    for record in records:
        for name, utterances in record["examples"].items():
            for key, texts in utterances.items():
                head = [f"{name} {key}", f"  reference: {texts['reference']}"]
                block = blocks.setdefault(f"{name} {key}", head)
                block.append(f"  epoch {record['epoch']}: {texts['hypothesis']}".rstrip())
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks.values())


def add_to_tensorboard(writer: Any, step: int, examples: Examples) -> None:
    """Add a table of each objective to TensorBoard's texts, `examples/<objective>`.

    Args:
        writer: ESPnet's writer.
        step: Number of mini-batches so far, as ESPnet counts them.
        examples: The texts by objective and utterance.
    """
    for name, utterances in examples.items():
        rows = [COLUMNS, ["---"] * len(COLUMNS), *_rows(utterances)]
        cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        text = "\n".join(f"| {' | '.join(row)} |" for row in cells)
        writer.add_text(f"examples/{name}", text, step)


def add_to_wandb(epoch: int, examples: Examples) -> None:
    """Add a table of each objective to the run of wandb, `examples/<objective>`.

    Args:
        epoch: Number of the epoch.
        examples: The texts by objective and utterance.
    """
    import wandb

    tables = {
        f"examples/{name}": wandb.Table(columns=[*COLUMNS], data=_rows(utterances))
        for name, utterances in examples.items()
    }
    wandb.log({**tables, "epoch": epoch})


def _rows(utterances: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    return [[key, texts["reference"], texts["hypothesis"]] for key, texts in utterances.items()]

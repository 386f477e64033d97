"""Read the corpus of each utterance from `utt2dataset`, which is ESPnet's name of the table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet_soups.data.data_dir import NO_LABEL
from espnet_soups.files import read_table

FILE = "utt2dataset"


def read_datasets(
    path: Path, keys: Sequence[str], weights: Mapping[str, float]
) -> dict[str, str] | None:
    """Read the corpus of each utterance.

    Args:
        path: The file; it may be missing if no corpus has a weight.
        keys: Ids of the utterances of the set.
        weights: `dataset_weights`.

    Returns:
        Utterance id to corpus, `<na>` if it has none; None: there is no such file.

    Raises:
        ValueError: If there are weights, and the file, the corpus of an utterance, or a corpus with
            a weight is missing.
    """
    if not path.is_file():
        if weights:
            raise ValueError(
                f"`dataset_weights` needs {path}, which has the corpus of each utterance"
                f" (`utt-0001 {next(iter(weights))}`), but there is none."
            )
        return None
    table = read_table(path)
    datasets = {key: table.get(key, NO_LABEL) for key in keys}
    if not weights:
        return datasets
    without = [key for key, name in datasets.items() if name == NO_LABEL]
    if without:
        raise ValueError(
            f"{path} has no corpus for {len(without):,} utterances, such as {without[0]}, but with"
            " `dataset_weights` each needs one."
        )
    known = sorted(set(datasets.values()))
    unknown = sorted(set(weights) - set(known))
    if unknown:
        raise ValueError(
            f"`dataset_weights` names {unknown[0]!r}, but the corpora of {path} are"
            f" {', '.join(known)}."
        )
    return datasets

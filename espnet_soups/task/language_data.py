"""Read the utterances of each language and their lengths, for the samplers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from espnet_soups.data.lengths import read_shapes
from espnet_soups.files import read_table
from espnet_soups.task.balance.datasets import FILE, read_datasets
from espnet_soups.task.union_sampler import LanguageData


def read_language_data(
    shape_file: str,
    utt2lang_file: str,
    languages: Sequence[str],
    optional: Sequence[str] = (),
    dataset_weights: Mapping[str, float] | None = None,
) -> dict[str, LanguageData]:
    """Group the utterances of a shape file by language.

    Args:
        shape_file: `speech_shape` of the statistics stage: frames and dimension, or samples.
        utt2lang_file: Language of each utterance.
        languages: Languages of the model.
        optional: Those of them that the set may lack.
        dataset_weights: Weights of corpora; `utt2dataset` lies beside `utt2lang`.

    Returns:
        The utterances of each language that has some, in the order of `languages`.

    Raises:
        ValueError: If an utterance has no language or an unknown one, a language has none, or
            corpora with weights are not those of `utt2dataset`.
    """
    shapes, spoken = read_shapes(Path(shape_file)), read_table(Path(utt2lang_file))
    missing = [key for key in shapes if key not in spoken]
    if missing:
        raise ValueError(
            f"{utt2lang_file} lacks {len(missing)} utterances of {shape_file}: {missing[:3]};"
            " run the statistics stage again."
        )
    grouped: dict[str, list[str]] = {language: [] for language in languages}
    for key in shapes:
        if spoken[key] not in grouped:
            raise ValueError(
                f"{utt2lang_file}: {key} has language {spoken[key]!r}, but the model has"
                f" {list(languages)}."
            )
        grouped[spoken[key]].append(key)
    empty = [language for language, keys in grouped.items() if not keys]
    grouped = {language: keys for language, keys in grouped.items() if keys}
    if not set(empty) <= set(optional) or not grouped:
        raise ValueError(
            f"{shape_file} has no utterance of {empty}: remove these languages from the token"
            " lists and pairs, or add data."
        )
    datasets = read_datasets(Path(utt2lang_file).parent / FILE, list(shapes), dataset_weights or {})
    return {
        language: LanguageData(
            keys=tuple(keys),
            frames=np.array([shapes[key][0] for key in keys]),
            width=int(shapes[keys[0]][1]) if len(shapes[keys[0]]) > 1 else 1,
            datasets=() if datasets is None else tuple(datasets[key] for key in keys),
        )
        for language, keys in grouped.items()
    }

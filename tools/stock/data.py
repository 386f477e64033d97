"""Data of a stock training: tables of a language or a pair, or of all of them with prompts."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from espnet_soups.files import read_table, write_table
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.text_encoder import TextEncoder
from tools.stock.models import StockModel, tokens_of
from tools.stock.prepared import Prepared, labelled

SETS = ("train", "valid")
SPEECH, SHAPES = "speech.scp", "speech_shape"
Tables = dict[str, dict[str, str]]  # name of a file to key to value


def write_data(
    folder: Path, model: StockModel, prepared: Prepared, shares: Mapping[str, int], seed: int
) -> None:
    """Write the tables of both sets of a model.

    Args:
        folder: Folder to write to.
        model: The model.
        prepared: The recipe.
        shares: Audio that each language has in joint training, for a model of several.
        seed: Seed of the choice of utterances that occur once more than others.

    Raises:
        OSError: If a file is missing or cannot be written.
        ValueError: If a file is malformed, or an objective has no label.
    """
    for name in SETS:
        if model.task == "s2t":
            tables = prompted_tables(model, prepared, name, shares if name == "train" else {}, seed)
        else:
            tables = plain_tables(model, prepared, name)
        for file, table in tables.items():
            write_table(folder / name / file, table)


def data_options(folder: Path, model: StockModel, prepared: Prepared) -> dict[str, list[object]]:
    """Return ESPnet's options that name the tables.

    Args:
        folder: Their folder.
        model: The model.
        prepared: The recipe.
    """
    types = {SPEECH: ("speech", prepared.speech_type), "text": ("text", "text")}
    if model.source is not None:
        types["src_text"] = ("src_text", "text")
    if model.task == "s2t":
        types |= {name: (name, "text_int") for name in ("text", "text_prev", "text_ctc")}
    options: dict[str, list[object]] = {}
    for name in SETS:
        options[f"{name}_data_path_and_name_and_type"] = [
            [str(folder / name / file), *rest] for file, rest in types.items()
        ]
        options[f"{name}_shape_file"] = [str(folder / name / SHAPES)]
    return options


def plain_tables(model: StockModel, prepared: Prepared, name: str) -> Tables:
    """Return the tables of a model of one objective.

    Args:
        model: The model.
        prepared: The recipe.
        name: `train` or `valid`.
    """
    texts = labelled(prepared, name, model.objectives[0])
    tables: Tables = {"text": texts}
    if model.source is not None:
        sources = labelled(prepared, name, model.source)
        tables["text"] = {key: text for key, text in texts.items() if key in sources}
        tables["src_text"] = {key: sources[key] for key in tables["text"]}
    return _with_speech(tables, {key: key for key in tables["text"]}, prepared, name)


def prompted_tables(
    model: StockModel, prepared: Prepared, name: str, shares: Mapping[str, int], seed: int
) -> Tables:
    """Return the tables of a model of all objectives: token ids, an entry for each label.

    CTC learns from the transcript, also in entries of translations, as in OWSM.

    Args:
        model: The model.
        prepared: The recipe.
        name: `train` or `valid`.
        shares: Audio that each language is to have; empty: as it is.
        seed: Seed of the choice of entries that occur once more than others.
    """
    ids = {token: str(number) for number, token in enumerate(model.options["token_list"])}
    texts = {item.name: labelled(prepared, name, item) for item in model.objectives}
    written = {
        item.name: _encode(item, texts[item.name], prepared, ids) for item in model.objectives
    }
    transcripts: dict[str, str] = {}
    for item in model.objectives:
        if item.kind == "asr":
            transcripts |= written[item.name]
    entries = [(item, key) for item in model.objectives for key in texts[item.name]]
    shapes = prepared.shapes(name)
    if shares:
        lengths = [shapes[key][0] for _, key in entries]
        languages = [item.language for item, _ in entries]
        counts = balance(languages, lengths, shares, seed)
    else:
        counts = [1] * len(entries)
    tables: Tables = {"text": {}, "text_prev": {}, "text_ctc": {}}
    utterances = {}
    for (item, key), times in zip(entries, counts, strict=True):
        prompt = " ".join(ids[token] for token in model.prompts[item.name])
        for copy in range(times):
            entry = f"{copy}-{item.name}-{key}"  # equally long ones are batched in this order
            utterances[entry] = key
            tables["text"][entry] = f"{prompt} {written[item.name][key]}"
            tables["text_prev"][entry] = ids["<na>"]
            tables["text_ctc"][entry] = transcripts.get(key, ids["<na>"])
    return _with_speech(tables, utterances, prepared, name)


def balance(
    languages: Sequence[str], lengths: Sequence[int], shares: Mapping[str, int], seed: int
) -> list[int]:
    """Return how often each entry occurs in a pass, so that languages have given shares of audio.

    An entry of the language that has most of what it should have occurs once; those of another
    occur as often as that makes it, and some, drawn at random, once more.

    Args:
        languages: Language of each entry.
        lengths: Frames (or samples) of each entry.
        shares: Audio of each language, in any unit.
        seed: Seed of the draw.

    >>> balance(["en", "fr", "fr"], [10, 10, 10], {"en": 1, "fr": 1}, 0)
    [2, 1, 1]
    """
    random = np.random.default_rng(seed)
    have = dict.fromkeys(shares, 0)
    for language, length in zip(languages, lengths, strict=True):
        have[language] += length
    unit = max(Fraction(have[language], share) for language, share in shares.items())
    counts = [0] * len(languages)
    for language, share in shares.items():
        own = [n for n, found in enumerate(languages) if found == language]
        times, rest = divmod(unit * share, have[language])  # of fractions, hence exact
        for n in own:
            counts[n] = int(times)
        for n in random.permutation(own):
            if rest < lengths[n] / 2:
                break
            counts[n] += 1
            rest -= lengths[n]
    return counts


def _encode(
    objective: Objective, texts: Mapping[str, str], prepared: Prepared, ids: Mapping[str, str]
) -> dict[str, str]:
    own = tokens_of(objective, prepared.options)
    encoder = TextEncoder(own["token_list"], own["token_type"], own["bpemodel"])
    return {
        key: " ".join(ids[own["token_list"][number]] for number in encoder(text))
        for key, text in texts.items()
    }


def _with_speech(
    tables: Tables, utterances: Mapping[str, str], prepared: Prepared, name: str
) -> Tables:
    places = read_table(prepared.folder(name) / prepared.speech_file)
    shapes = prepared.shapes(name)
    speech = {entry: places[key] for entry, key in utterances.items()}
    sizes = {entry: ",".join(map(str, shapes[key])) for entry, key in utterances.items()}
    return tables | {SPEECH: speech, SHAPES: sizes}

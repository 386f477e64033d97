"""Joins what parallel decoding jobs wrote; neither torch nor ESPnet is needed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet_soups.files import read_table, write_table
from espnet_soups.inference.job_output import FILES, Speed


def join_outputs(decode_dir: Path, jobs: int, utt2lang: Path) -> dict[str, int]:
    """Writes `<decode_dir>/<objective>/{text,token,token_int,score}` and `speed.json`.

    Args:
        decode_dir: Holds `logdir/output.<1..jobs>`.
        jobs: How many jobs there were.
        utt2lang: Language of every utterance of the set.

    Returns:
        Objective -> number of utterances.

    Raises:
        OSError: If a job's output is missing.
        ValueError: If an utterance is missing, comes twice, or is not one of the set.
    """
    if jobs < 1:
        raise ValueError(f"`--jobs` must be 1 or more, but got {jobs}.")
    folders = [decode_dir / "logdir" / f"output.{job}" for job in range(1, jobs + 1)]
    speeds = [_read_speed(folder / "speed.json") for folder in folders]
    spoken = read_table(utt2lang)
    objectives = sorted({path.parent.name for path in folders[0].glob("*/1best_recog")})
    if not objectives:
        raise FileNotFoundError(f"{folders[0]} has no <objective>/1best_recog: decode first.")
    joined = {}
    for objective in objectives:
        joined[objective] = {
            file: _join([folder / objective / "1best_recog" / file for folder in folders])
            for file in FILES
        }
        for file, table in joined[objective].items():
            _check_keys(objective, file, table, spoken, utt2lang)
    # a test set may lack languages of the model
    joined = {objective: tables for objective, tables in joined.items() if tables["text"]}
    for objective, tables in joined.items():
        for file, table in tables.items():
            write_table(decode_dir / objective / file, table)
    audio = [speed.audio_seconds for speed in speeds]
    known = [seconds for seconds in audio if seconds is not None]
    Speed(
        sum(known) if len(known) == len(audio) else None,
        sum(speed.decode_seconds for speed in speeds),
        sum(speed.utterances for speed in speeds),
    ).write(decode_dir / "speed.json")
    return {objective: len(tables["text"]) for objective, tables in joined.items()}


def _read_speed(path: Path) -> Speed:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: this decoding job did not finish.")
    values = json.loads(path.read_text(encoding="utf-8"))
    try:
        return Speed(values["audio_seconds"], values["decode_seconds"], values["utterances"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} lacks {error}: decode again.") from error


def _join(paths: Sequence[Path]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: decode this job again.")
        if path.stat().st_size == 0:  # a job without an utterance of this language
            continue
        table = read_table(path, allow_empty=True)
        repeated = sorted(set(table) & set(joined))
        if repeated:
            raise ValueError(
                f"{path}: {len(repeated)} utterances were decoded by another job too:"
                f" {repeated[:3]}; decode all jobs again."
            )
        joined |= table
    return joined


def _check_keys(
    objective: str, file: str, table: Mapping[str, str], spoken: Mapping[str, str], utt2lang: Path
) -> None:
    language = objective.split("_")[1]
    expected = {key for key, value in spoken.items() if value == language}
    missing, surplus = sorted(expected - set(table)), sorted(set(table) - expected)
    if missing:
        raise ValueError(
            f"{objective}/{file} lacks {len(missing)} of the {len(expected)} utterances that"
            f" {utt2lang} lists for {language}: {missing[:3]}; decode again."
        )
    if surplus:
        raise ValueError(
            f"{objective}/{file} has {len(surplus)} utterances that {utt2lang} does not list for"
            f" {language}: {surplus[:3]}."
        )

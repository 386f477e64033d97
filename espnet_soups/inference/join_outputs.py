"""Join the results of parallel decoding jobs, without torch or ESPnet."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet_soups.data.ark import ARRAYS
from espnet_soups.files import read_json, read_table, write_table
from espnet_soups.inference.job_output import FILES, LENGTHENED, Speed
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.objective_file import OBJECTIVES, read_objectives, write_objectives

SPEED = {"audio_seconds?": float, "decode_seconds": float, "utterances": int, "lengthened?": int}
Tables = dict[str, dict[str, str]]  # file name to table


def join_outputs(decode_dir: Path, jobs: int, utt2lang: Path) -> dict[str, int]:
    """Write `<decode_dir>/<objective>/{text,token,token_int,score}` and `speed.json`.

    If the result of an objective is numbers, `array.scp` holds their places. `objectives.json`
    lists the objectives for which the set has utterances. Results of others, which an earlier
    decoding has left, are removed.

    Args:
        decode_dir: Folder with `logdir/output.<1..jobs>`.
        jobs: Number of jobs.
        utt2lang: Language of every utterance of the set.

    Returns:
        Objective to number of utterances.

    Raises:
        OSError: If a job's output is missing.
        ValueError: If an utterance is missing, occurs twice, or is not in the set, or jobs decoded
            different objectives.
    """
    if jobs < 1:
        raise ValueError(f"`--jobs` must be 1 or more, but got {jobs}.")
    folders = [decode_dir / "logdir" / f"output.{job}" for job in range(1, jobs + 1)]
    speed = _join_speeds([_read_speed(folder / "speed.json") for folder in folders])
    objectives = _same_objectives(folders)
    spoken = read_table(utt2lang)
    joined: dict[str, Tables] = {}
    for objective in sorted(objectives, key=lambda objective: objective.name):
        tables = _join_tables([folder / objective.name / "1best_recog" for folder in folders])
        for file, table in tables.items():
            _check_keys(objective, file, table, spoken, utt2lang)
        if tables["text"]:  # a test set may lack languages of the model
            joined[objective.name] = tables
    _remove_old(decode_dir, joined)
    for name, tables in joined.items():
        for file, table in tables.items():
            write_table(decode_dir / name / file, table)
    found = [objective for objective in objectives if objective.name in joined]
    write_objectives(decode_dir / OBJECTIVES, found)
    speed.write(decode_dir / "speed.json")
    if speed.lengthened:
        logging.warning(f"{LENGTHENED}: {speed.lengthened}, see {decode_dir / 'logdir'}/*.log")
    return {name: len(tables["text"]) for name, tables in joined.items()}


def _remove_old(decode_dir: Path, joined: Mapping[str, Tables]) -> None:
    """Remove what an earlier decoding has left: stage 12 scores every folder with output."""
    for folder in [path for path in decode_dir.iterdir() if path.is_dir()]:
        if folder.name in joined:
            if ARRAYS not in joined[folder.name]:
                (folder / ARRAYS).unlink(missing_ok=True)
        elif all((folder / file).is_file() for file in FILES):  # as this module writes them
            shutil.rmtree(folder)


def _same_objectives(folders: Sequence[Path]) -> list[Objective]:
    lists = []
    for folder in folders:
        if not (folder / OBJECTIVES).is_file():
            raise FileNotFoundError(f"{folder / OBJECTIVES} does not exist: decode this job again.")
        lists.append(read_objectives(folder / OBJECTIVES))
        if lists[-1] != lists[0]:
            raise ValueError(
                f"{folder / OBJECTIVES} lists other objectives than {folders[0] / OBJECTIVES}:"
                " decode all jobs again."
            )
    return lists[0]


def _read_speed(path: Path) -> Speed:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: this decoding job did not finish.")
    values = read_json(path, "the decoding (stage 11)", SPEED)
    return Speed(
        values.get("audio_seconds"),
        values["decode_seconds"],
        values["utterances"],
        values.get("lengthened", 0),
    )


def _join_speeds(speeds: Sequence[Speed]) -> Speed:
    audio = [speed.audio_seconds for speed in speeds]
    known = [seconds for seconds in audio if seconds is not None]
    return Speed(
        sum(known) if len(known) == len(audio) else None,
        sum(speed.decode_seconds for speed in speeds),
        sum(speed.utterances for speed in speeds),
        sum(speed.lengthened for speed in speeds),
    )


def _join_tables(folders: Sequence[Path]) -> Tables:
    tables = {file: _join([folder / file for folder in folders]) for file in FILES}
    arrays = [folder / ARRAYS for folder in folders if (folder / ARRAYS).is_file()]
    return tables | ({ARRAYS: _join(arrays)} if arrays else {})


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
    objective: Objective,
    file: str,
    table: Mapping[str, str],
    spoken: Mapping[str, str],
    utt2lang: Path,
) -> None:
    language = objective.language or "all languages"
    expected = {key for key, value in spoken.items() if objective.language in ("", value)}
    missing, surplus = sorted(expected - set(table)), sorted(set(table) - expected)
    if missing:
        raise ValueError(
            f"{objective.name}/{file} lacks {len(missing)} of the {len(expected)} utterances that"
            f" {utt2lang} lists for {language}: {missing[:3]}; decode again."
        )
    if surplus:
        raise ValueError(
            f"{objective.name}/{file} has {len(surplus)} utterances that {utt2lang} does not list"
            f" for {language}: {surplus[:3]}."
        )

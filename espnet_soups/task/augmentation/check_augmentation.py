"""Check the options that change the audio of training, before any work."""

import argparse
import inspect
import re
from pathlib import Path
from typing import Any

import soundfile
from espnet2.layers.augmentation import effects_dict

from espnet_soups.files import read_lines
from espnet_soups.settings import read_settings, refuse_unknown
from espnet_soups.task.augmentation.options import (
    EFFECTS,
    FILES,
    EffectSettings,
    augments,
)

EXAMPLE = '[[1.0, "speed_perturb", {"factor": 0.9}], [1.0, "speed_perturb", {"factor": 1.1}]]'
RANGE = re.compile(r"-?\d+(\.\d+)?(_-?\d+(\.\d+)?)?")


def check_augmentation(args: argparse.Namespace) -> None:
    """Check the options and the files that they name.

    Args:
        args: The options.

    Raises:
        ValueError: If an option or a recording cannot be used, or the options change audio that
            the model does not read.
        OSError: If a file is missing.
    """
    conf = read_settings("`preprocessor_conf`", EffectSettings, args.preprocessor_conf)
    if args.preprocessor_conf and not conf.data_aug_effects:
        raise ValueError(f"`preprocessor_conf` needs `{EFFECTS}`, such as `{EXAMPLE}`.")
    if not augments(args):
        return
    _check_reading(args)
    fs = rate_of_model(args)
    for name in ("noise_apply_prob", "rir_apply_prob"):
        if not 0.0 <= getattr(args, name) <= 1.0:
            raise ValueError(f"`{name}` must lie in [0, 1], but got {getattr(args, name)}.")
    if not RANGE.fullmatch(args.noise_db_range):
        raise ValueError(f"`noise_db_range` must look like 0_20, but got {args.noise_db_range!r}.")
    for name in FILES:
        if getattr(args, name):
            _check_recordings(name, Path(getattr(args, name)), fs)
    if conf.data_aug_effects:
        _check_effects(conf)
        _refuse_second_audio(args)


def rate_of_model(args: argparse.Namespace) -> int:
    """Return the sampling rate of the audio, Hz.

    Args:
        args: The options.

    Raises:
        ValueError: If they do not say.
    """
    fs = args.feats_conf.get("fs", (args.frontend_conf or {}).get("fs"))
    if not isinstance(fs, int):
        raise ValueError(
            "Noise and effects need the sampling rate of the audio: set `feats_conf: {type: raw,"
            " fs: 16000}`, as the recipes do."
        )
    return fs


def _check_reading(args: argparse.Namespace) -> None:
    if args.input_size is not None:
        raise ValueError(
            "`noise_scp`, `rir_scp` and `preprocessor_conf` change audio, but this run reads"
            f" features from disk (`input_size` {args.input_size}): use `--feats_type raw` with"
            " `frontend: kaldi_fbank`, or make noise and speeds in stage 2."
        )
    if str(args.max_cache_size) not in ("0", "0.0"):
        raise ValueError(
            f"`max_cache_size` is {args.max_cache_size}, but a cache would keep the first change of"
            " an utterance for all epochs: leave it out."
        )


def _check_recordings(option: str, table: Path, fs: int) -> None:
    """Refuse recordings that are missing or have another rate: ESPnet does not resample them."""
    if not table.is_file():
        raise FileNotFoundError(f"`{option}`: there is no file {table}.")
    number = 0
    for number, line in enumerate(read_lines(table), start=1):
        place, words = f"`{option}`: {table}:{number}", line.split(maxsplit=1)
        if not words or not Path(words[-1].strip()).is_file():
            raise FileNotFoundError(f"{place}: there is no file {line!r:.80}.")
        try:
            rate = soundfile.info(words[-1].strip()).samplerate
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{place} cannot be read as audio: {error.error_string}") from error
        if rate != fs:
            raise ValueError(
                f"{place} has {rate} Hz, but the speech has {fs} Hz: resample it, e.g. by `sox"
                f" in.wav -r {fs} out.wav`."
            )
    if number == 0:
        raise ValueError(f"`{option}`: {table} names no recording.")


def _check_effects(conf: EffectSettings) -> None:
    effects, number = conf.data_aug_effects, conf.data_aug_num
    for effect in effects:
        nested = isinstance(effect, list) and len(effect) == 2 and isinstance(effect[1], list)
        if nested and len(effect[1]) < 2:
            raise ValueError(
                f"`{EFFECTS}` has one effect in a list of effects that exclude each other, but"
                f" ESPnet needs two: write {effect[1]!r} without the list."
            )
        for item in effect[1] if nested else [effect]:
            _check_effect(item)
    if not 0.0 < conf.data_aug_prob <= 1.0:
        raise ValueError(
            "`data_aug_prob` of `preprocessor_conf` must lie above 0 and at most at 1, but got"
            f" {conf.data_aug_prob}: no utterance would get an effect."
        )
    if len(number) != 2 or not 1 <= number[0] <= number[1] <= len(effects):
        raise ValueError(
            f"`data_aug_num` must be two ascending numbers from 1 to {len(effects)}, the number of"
            f" effects, but got {number}."
        )


def _refuse_second_audio(args: argparse.Namespace) -> None:
    second = [
        name
        for _, name, kind in args.train_data_path_and_name_and_type or []
        if kind in ("sound", "recording") and name != "speech"
    ]
    if second:
        raise ValueError(
            f"`{EFFECTS}` would change the speech, but not {second[0]!r}, which an objective"
            " compares with it: leave them out, or the objective."
        )


def _check_effect(effect: Any) -> None:
    if not (
        isinstance(effect, list)
        and len(effect) == 3
        and isinstance(effect[0], int | float)
        and effect[0] > 0
        and isinstance(effect[2], dict)
    ):
        raise ValueError(
            f"`{EFFECTS}` must be a list of [weight, name, settings], such as `{EXAMPLE}`, but one"
            f" is {effect!r}."
        )
    if effect[1] not in effects_dict:
        known = ", ".join(sorted(effects_dict))
        raise ValueError(f"`{EFFECTS}`: there is no effect {effect[1]!r}; ESPnet has {known}.")
    known_settings = list(inspect.signature(effects_dict[effect[1]]).parameters)[2:]
    refuse_unknown(f"`{EFFECTS}`, {effect[1]}", effect[2], known_settings)

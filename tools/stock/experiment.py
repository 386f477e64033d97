"""One arm with one seed: data, trainings, decoding and scores."""

import argparse
import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from espnet_soups.data.audio_digest import digest_file
from espnet_soups.files import read_json, write_json
from espnet_soups.task.balance.check_balance import settle_batch_bins
from espnet_soups.task.msp_task import MSPTask
from tools.stock.data import SHAPES, data_options, write_data
from tools.stock.models import (
    StockModel,
    refuse_own_parts,
    shared_options,
    stock_models,
    tokens_of,
)
from tools.stock.prepared import Prepared
from tools.stock.schedule import JointAudio, Schedule, audio_of_joint, fit_schedule, scale_steps
from tools.stock.training import model_file, run_command, train_model

FACTS = ("token_list", "bpemodel", "token_type")  # of each kind of texts, as stage 5 made them
SCORES = "scores.json"
DECODED = "decoded.json"  # digests of the files that a finished decoding has read


def run_arm(options: argparse.Namespace, prepared: Prepared, test_dir: Path) -> dict[str, Any]:
    """Train, decode and score an arm; what is finished is left alone.

    Args:
        options: The options of `tools.stock.run`.
        prepared: The recipe.
        test_dir: Folder of the set to decode.

    Returns:
        The record of the run.

    Raises:
        ValueError: If the configuration has no counterpart in ESPnet, or ESPnet fails.
        OSError: If a file is missing.
    """
    args = training_options(options.train_config, prepared, options.seed)
    refuse_own_parts(args)
    models = stock_models(options.arm, args, prepared, options.asr_weight)
    joint = audio_of_joint(args, prepared)
    folder = options.expdir / run_name(options)
    schedules, times = {}, {}
    for model in models:
        own = folder / model.name
        wanted = wanted_audio(model, models, joint, options.audio)
        write_data(own / "data", model, prepared, joint.frames, args.seed)
        schedules[model.name] = schedule = fit_schedule(
            own / "data" / "train" / SHAPES,
            *(args.batch_type, wanted, joint.steps, joint.epochs, args.seed),
        )
        stock = stock_options(model, args, joint, schedule) | data_options(
            own / "data", model, prepared
        )
        print(f"{model.name}: {schedule.steps} steps of espnet2.bin.{model.task}_train", flush=True)
        times[model.name] = train_model(own, model, stock | {"output_dir": str(own)})
    decode_dir = folder / f"{options.inference_config.stem}" / test_dir.name
    decoding = decode(folder, models, prepared, test_dir, decode_dir, options.inference_config)
    score(test_dir, decode_dir, prepared, options)
    record = {
        "name": run_name(options),
        **{name: getattr(options, name) for name in ("arm", "audio", "asr_weight", "seed")},
        "train_config": options.train_config.name,
        "inference_config": options.inference_config.name,
        "joint": asdict(joint),
        "models": {name: schedules[name].record() | times[name] for name in schedules},
        "decoding": decoding,
        "set": test_dir.name,
        **scores_of(decode_dir),
    }
    write_json(decode_dir / "record.json", record)
    return record


def run_name(options: argparse.Namespace) -> str:
    """Return the name of a run, and of its folder.

    Args:
        options: The options of `tools.stock.run`.
    """
    config = options.train_config.stem.removeprefix("train_msp_")
    name = f"stock_{options.arm}_{config}"
    if options.arm == "monolingual":
        name += "" if options.audio == "language" else "_audio_of_each_model"
        name += "" if options.asr_weight == 0.3 else f"_asr_weight{options.asr_weight:g}"
    return f"{name}_seed{options.seed}"


def training_options(config: Path, prepared: Prepared, seed: int) -> argparse.Namespace:
    """Return the options of `msp_train` for a configuration, with the recipe's token lists.

    Args:
        config: The training configuration.
        prepared: The recipe.
        seed: Seed of the run.
    """
    args = MSPTask.get_parser().parse_args(["--config", str(config), "--seed", str(seed)])
    kinds = {item.kind for item in prepared.objectives}
    names = [f"{kind}_{fact}" for kind in sorted(kinds) for fact in FACTS]
    for name in (*names, "input_size", "frontend_conf", "feats_conf"):
        setattr(args, name, getattr(prepared.options, name))
    settle_batch_bins(args)
    args.normalize_conf = {}
    if args.normalize == "global_mvn":
        args.normalize_conf["stats_file"] = str(prepared.statistics / "train" / "feats_stats.npz")
    return args


def wanted_audio(
    model: StockModel, models: Sequence[StockModel], joint: JointAudio, audio: str
) -> int:
    """Return how much audio a model is to see.

    Args:
        model: The model.
        models: All models of the arm.
        joint: Audio of joint training.
        audio: `language`: all models of a language together see what joint training sees of it;
            `model`: each one does.
    """
    languages = {item.language for item in model.objectives}
    seen = sum(joint.frames[language] for language in languages)
    others = [one for one in models if {item.language for item in one.objectives} == languages]
    return seen if audio == "model" else round(seen / len(others))


def stock_options(
    model: StockModel, args: argparse.Namespace, joint: JointAudio, schedule: Schedule
) -> dict[str, Any]:
    """Return ESPnet's options of a model, without its data.

    Args:
        model: The model.
        args: Options of `msp_train`.
        joint: Audio of joint training.
        schedule: Mini-batches of this training.
    """
    module = importlib.import_module(f"espnet2.tasks.{model.task}")
    task = getattr(module, f"{model.task.upper()}Task")
    known = vars(task.get_parser().parse_args([]))
    options = shared_options(args, known) | model.options
    options |= {
        "normalize_conf": args.normalize_conf,
        "scheduler_conf": scale_steps(args.scheduler_conf, schedule.steps, joint.steps),
        "batch_bins": schedule.batch_bins,
        "valid_batch_bins": args.batch_bins,
        "num_iters_per_epoch": schedule.steps_per_epoch,
        "best_model_criterion": [["valid", *model.criterion]],
        "ngpu": 0,
    }
    return _plain(options)


def decode(
    folder: Path,
    models: Sequence[StockModel],
    prepared: Prepared,
    test_dir: Path,
    decode_dir: Path,
    config: Path,
) -> dict[str, Any]:
    """Decode a set in a process of its own, or return what the same decoding took.

    Args:
        folder: Folder of the run.
        models: The models.
        prepared: The recipe.
        test_dir: Folder of the set.
        decode_dir: Folder to write to.
        config: Decoding configuration.

    Raises:
        ValueError: If it fails.
    """
    decode_dir.mkdir(parents=True, exist_ok=True)
    decoded = [_decoded(folder, model, prepared) for model in models]
    write_json(decode_dir / "models.json", {"models": decoded})
    speech, done = test_dir / prepared.speech_file, decode_dir / DECODED
    paths = [config, decode_dir / "models.json", test_dir / "utt2lang", speech, digest_file(speech)]
    for model in models:
        own = folder / model.name
        paths += [own / "config.yaml", model_file(own, model)]
    digests = {str(path): _digest(path) for path in paths if path.is_file()}
    if not done.is_file() or read_json(done, "the decoding") != digests:
        done.unlink(missing_ok=True)
        fs = dict(vars(prepared.options).get("feats_conf") or {}).get("fs")
        words = ["tools.stock.decode", "--models", str(decode_dir / "models.json")]
        words += ["--speech", f"{speech},speech,{prepared.speech_type}"]
        words += ["--utt2lang", str(test_dir / "utt2lang"), "--config", str(config)]
        words += ["--decode_dir", str(decode_dir), *(["--fs", str(fs)] if fs else [])]
        run_command(words, decode_dir, "decode.log")
        write_json(done, digests)
    return read_json(decode_dir / "times.json", "the decoding")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decoded(folder: Path, model: StockModel, prepared: Prepared) -> dict[str, Any]:
    own = folder / model.name
    objectives = []
    for item in model.objectives:
        tokens = tokens_of(item, prepared.options)
        prompt = list(model.prompts.get(item.name, ()))
        objectives.append({"objective": asdict(item), "tokens": tokens | {"prompt": prompt}})
    return {
        "task": model.task,
        "folder": str(own),
        "model_file": str(model_file(own, model)),
        "objectives": objectives,
    }


def score(
    test_dir: Path, decode_dir: Path, prepared: Prepared, options: argparse.Namespace
) -> None:
    """Score a decoded set as stage 12 does.

    Args:
        test_dir: Folder of the set.
        decode_dir: Folder of what was decoded.
        prepared: The recipe.
        options: The options of `tools.stock.run`.

    Raises:
        ValueError: If it fails.
    """
    words = ["espnet_soups.bin.score", "--reference_dir", str(test_dir)]
    words += ["--decode_dir", str(decode_dir), "--train_dir", str(prepared.train)]
    words += ["--bleu_lowercase", str(options.bleu_lowercase).lower()]
    if options.bleu_tokenizer:
        words += ["--bleu_tokenizer", options.bleu_tokenizer]
    run_command(words, decode_dir, "score.log")


def scores_of(decode_dir: Path) -> dict[str, Any]:
    """Return the means, and the scores of each objective, with their intervals.

    Args:
        decode_dir: Folder with `scores.json`.
    """
    scores = read_json(decode_dir / SCORES, "the scoring")
    metrics = [metric["name"] for metric in scores["metrics"]]
    own = {
        name: {metric: _interval(entry[metric]) for metric in metrics if metric in entry}
        for name, entry in scores["objectives"].items()
    }
    return {"mean": {name: _interval(one) for name, one in scores["mean"].items()}, "scores": own}


def _interval(score: Mapping[str, Any]) -> list[float]:
    return [score["value"], score["low"], score["high"]]


def _plain(value: Any) -> Any:
    """Return a value in YAML's own types, since ESPnet's defaults hold tuples."""
    return yaml.safe_load(yaml.safe_dump(_lists(value)))


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value

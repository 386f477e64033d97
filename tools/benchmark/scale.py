"""Time the commands of stages 4, 5, 6 and 9 on a generated corpus of any size, and their memory.

Tables have a line for each utterance; their features are 300 matrices, shared by all. Stage 6 reads
a part, since its work is the same for each utterance; stage 9 trains one step. All of it is
generated in a folder for temporary files, and deleted. Last line: one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from espnet_soups.bin.command import run_command

DIMENSION, SHORTEST, LENGTHS = 8, 100, 300  # of the features; frames of the shortest one
SPEAKER = 200  # utterances of one
ENCODER_CONF = {
    "output_size": 8,
    "attention_heads": 2,
    "num_blocks": 1,
    "cgmlp_linear_units": 16,
    "cgmlp_conv_kernel": 3,
    "linear_units": 16,
    "input_layer": "linear",
}
WORDS = ("one", "sentence", "of", "usual", "length", "and", "its", "number", "in", "letters")


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--utterances", type=int, default=1_000_000, help="Training utterances (1,000,000)"
    )
    parser.add_argument("--languages", type=int, default=5, help="Languages (5)")
    parser.add_argument("--part", type=int, default=5_000, help="Utterances of stage 6 (5,000)")
    parser.add_argument("--folder", type=Path, help="Folder of temporary files (the system's)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
        RuntimeError: If a command fails.
    """
    options = get_parser().parse_args(arguments)
    if not 2 <= options.languages <= 1_000:
        raise ValueError(f"`--languages` must be 2 to 1,000, but got {options.languages}.")
    least = 4 * options.languages
    if min(options.utterances, options.part) < least:
        raise ValueError(
            f"`--utterances` and `--part` must be {least} or more, four of each language, but got"
            f" {options.utterances} and {options.part}."
        )
    found = {}
    with TemporaryDirectory(dir=options.folder) as scratch:
        root = Path(scratch)
        for name, command in plan(root, options.utterances, options.languages, options.part):
            seconds, mib = measure(command, root / "log")
            found[name] = {"seconds": round(seconds, 1), "MiB": round(mib)}
            print(f"{name:<28} {seconds:8.1f} s {mib:7.0f} MiB", flush=True)
    print(json.dumps({"utterances": options.utterances, "commands": found}))


def plan(
    root: Path, utterances: int, languages: int, part: int
) -> Iterator[tuple[str, Sequence[str]]]:
    """Make the corpus; yield what each command does, and its words, in the order of the stages.

    Args:
        root: An empty folder.
        utterances: Number of training utterances.
        languages: Number of languages.
        part: Number of utterances of stage 6.
    """
    codes = [f"l{number:03d}" for number in range(languages)]
    pairs = [f"{code}_{codes[0]}" for code in codes[1:]]
    ark = write_features(root)
    for name, number in (("train", utterances), ("part", part), ("valid", 4 * languages)):
        write_set(root / "dump" / name, ark, codes, number)
    (root / "train.yaml").write_text("encoder_conf: {input_layer: linear}\n", encoding="utf-8")
    run = ["--asr_langs", " ".join(codes), "--st_pairs", " ".join(pairs)]
    run += ["--asr_token_type", "char", "--st_token_type", "char", "--datadir", str(root / "data")]
    run += ["--train_config", str(root / "train.yaml"), "--feats_type", "fbank", "--stack", "4"]
    module = [sys.executable, "-m"]
    for name in ("train", "part", "valid"):
        words = ["--source", str(root / "dump" / name), "--target", str(root / "kept" / name)]
        command = [*module, "espnet_soups.bin.filter_lengths", *words, "--frame_seconds", "0.04"]
        yield f"4 length filter, {name}", [*command, "--max_wav_duration", "15.5", *run]
    kept = root / "kept"
    command = [*module, "espnet_soups.bin.make_vocabularies", "--train", str(kept / "train")]
    yield "5 token lists", [*command, "--check", str(kept / "valid"), *run]
    model = model_words(root, codes, pairs)
    whole = ["--whole", str(root / "dump" / "train"), "--kept", str(kept / "train")]
    data = data_words(kept, "train", "utt2num_frames")
    command = [*module, "espnet_soups.bin.check_labels", *whole, *run, "--", "--ngpu", "0"]
    yield "5 label check", [*command, *model, *data]
    train = [*module, "espnet_soups.bin.msp_train", "--ngpu", "0", "--num_workers", "0", *model]
    stats = ["--collect_stats", "true", "--normalize", "none", "--output_dir", str(root / "stats")]
    stats += data_words(kept, "part", "utt2num_frames")
    yield f"6 statistics of {part:,}", [*train, *stats]
    for name in ("train", "valid"):
        write_shapes(kept / name)
    step = ["--max_epoch", "1", "--num_iters_per_epoch", "1", "--use_tensorboard", "false"]
    step += ["--batch_bins", str(20_000 * languages), "--valid_batch_bins", "20000"]
    step += ["--normalize", "none", "--output_dir", str(root / "exp"), "--trainer", "msp"]
    yield "9 first step", [*train, *step, *data_words(kept, "train", "speech_shape")]


def write_features(root: Path) -> Path:
    """Write the scp of the features that all utterances share, one of each length.

    Args:
        root: An existing folder.

    Returns:
        The scp, whose first entry is the shortest.
    """
    import kaldiio
    import numpy as np

    random = np.random.default_rng(0)
    features = {
        f"{frames:04d}": random.normal(size=(frames, DIMENSION)).astype(np.float32)
        for frames in range(SHORTEST, SHORTEST + LENGTHS)
    }
    kaldiio.save_ark(str(root / "feats.ark"), features, scp=str(root / "feats.scp"))
    return root / "feats.scp"


def write_set(folder: Path, scp: Path, languages: Sequence[str], number: int) -> None:
    """Write the tables of a dumped set.

    Args:
        folder: The folder; it is made.
        scp: The result of `write_features`.
        languages: Names of the languages, sorted; all but the first are translated.
        number: Number of utterances.
    """
    folder.mkdir(parents=True)
    places = [line.split(" ", 1)[1] for line in scp.read_text(encoding="utf-8").splitlines()]

    def language(row: int) -> str:
        return languages[row * len(languages) // number]

    def speaker(row: int) -> str:
        return f"{language(row)}_{row // SPEAKER:06d}"

    def words(row: int) -> str:
        return " ".join(WORDS[int(digit)] for digit in f"{row:06d}")

    def length(row: int) -> int:
        return row * 7919 % LENGTHS  # prime, so that lengths are mixed

    tables: dict[str, Callable[[int], object]] = {
        "feats.scp": lambda row: places[length(row)],
        "utt2num_frames": lambda row: SHORTEST + length(row),
        "utt2lang": language,
        "utt2spk": speaker,
        "speech.digest": lambda row: f"{row:016x}",
        "text": words,
        f"text.{languages[0]}": lambda row: "<na>" if language(row) == languages[0] else words(row),
    }
    for name, value in tables.items():
        with (folder / name).open("w", encoding="utf-8") as file:
            file.writelines(f"{speaker(row)}-{row:08d} {value(row)}\n" for row in range(number))


def write_shapes(folder: Path) -> None:
    """Write `speech_shape`, as stage 6 would.

    Args:
        folder: A set that stage 4 has filtered.
    """
    with (
        (folder / "utt2num_frames").open(encoding="utf-8") as lengths,
        (folder / "speech_shape").open("w", encoding="utf-8") as shapes,
    ):
        shapes.writelines(f"{line.rstrip()},{DIMENSION}\n" for line in lengths)


def data_words(kept: Path, train: str, shapes: str) -> list[str]:
    """Return the options of `msp_train` that name the data.

    Args:
        kept: Folder of the sets.
        train: Name of the training set.
        shapes: Name of the file of lengths or shapes.
    """
    words = []
    for kind, name in (("train", train), ("valid", "valid")):
        folder = kept / name
        files = ["feats.scp,speech,kaldi_ark", "utt2lang,lang,text", "text,text,text"]
        files.append("text.l000,text_l000,text")
        for file in files:
            words += [f"--{kind}_data_path_and_name_and_type", f"{folder}/{file}"]
        words += [f"--{kind}_shape_file", str(folder / shapes)]
    return words


def model_words(root: Path, languages: Sequence[str], pairs: Sequence[str]) -> list[str]:
    """Return the options of `msp_train` that describe a small model.

    Args:
        root: The folder whose `data` has the token lists.
        languages: Names of the languages.
        pairs: Pairs that are translated.
    """
    words = ["--input_size", str(DIMENSION), "--encoder", "e_branchformer"]
    for name, value in ENCODER_CONF.items():
        words += ["--encoder_conf", f"{name}={value}"]
    for kind in ("asr", "st"):
        small = {"num_blocks": 1, "attention_heads": 2, "linear_units": 8}
        for name, value in small.items():
            words += [f"--{kind}_decoder_conf", f"{name}={value}"]
    for language in languages:
        tokens = root / "data" / f"{language}_token_list" / "asr_char" / "tokens.txt"
        words += ["--asr_token_list", f"{language}={tokens}"]
    tokens = root / "data" / f"{languages[0]}_token_list" / "st_char" / "tokens.txt"
    return [*words, "--st_token_list", f"{languages[0]}={tokens}", "--st_pairs", *pairs]


def measure(command: Sequence[str], log: Path) -> tuple[float, float]:
    """Run a command.

    Args:
        command: Its words.
        log: File of its output.

    Returns:
        (seconds, peak resident memory of the process in MiB, at least that of this process, which
        Linux counts in until the command has begun).

    Raises:
        RuntimeError: If it fails; the message has the end of its output.
    """
    start = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command[1:3])} ended with {process.returncode}:\n{end}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return time.perf_counter() - start, usage.ru_maxrss / unit


if __name__ == "__main__":
    run_command(main)

"""All readers of the package, each with files that it accepts."""

import codecs
import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import kaldiio
import numpy as np
import soundfile
from espnet2.fileio.read_text import read_2columns_text
from fuzz_law import Parser
from matplotlib.figure import Figure

from espnet_soups.conflict.planner import plan_soup
from espnet_soups.conflict.record import read_record
from espnet_soups.conflict.table import read_conflicts
from espnet_soups.conflict.words import describe
from espnet_soups.data.ark import ArrayTable
from espnet_soups.data.audio import read_audio
from espnet_soups.data.combine import combine_data_dirs
from espnet_soups.data.corpora import aishell, asterisk, festvox_ru, librispeech
from espnet_soups.data.corpora.covost2_join import ClipStore
from espnet_soups.data.corpora.drascula_files import read_text_tables
from espnet_soups.data.corpora.tsv import read_tsv
from espnet_soups.data.data_dir import read_data_dir
from espnet_soups.data.features import read_feature_config
from espnet_soups.data.lengths import read_lengths
from espnet_soups.data.token_list import read_token_list
from espnet_soups.data.unpack import unpack
from espnet_soups.files import read_json, read_json_lines, read_table, read_texts, read_yaml
from espnet_soups.inference.join_outputs import join_outputs
from espnet_soups.inference.training_config import read_config
from espnet_soups.jobs.job_array import load_job_array
from espnet_soups.jobs.slurm import read_slurm_options
from espnet_soups.jobs.ssh import read_machines
from espnet_soups.levels.penalty import build_penalties
from espnet_soups.objectives.class_list import read_classes, read_counts
from espnet_soups.objectives.class_settings import read_class_settings
from espnet_soups.objectives.decoding.decode_config import load_decode_config
from espnet_soups.objectives.enhancement import read_enhancement_settings
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.metrics.text_pairs import read_pairs
from espnet_soups.objectives.metrics.trial_list import read_trials
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.objective_file import read_objectives
from espnet_soups.objectives.registry import parse_objective
from espnet_soups.objectives.run import read_run
from espnet_soups.objectives.self_supervision.config import read_ssl_config
from espnet_soups.objectives.self_supervision.pretrain_config import make_pretrain_config
from espnet_soups.objectives.speaker_settings import read_speaker_settings
from espnet_soups.report.clips import Clips
from espnet_soups.report.follow import describe_epoch, read_epochs
from espnet_soups.report.history import read_history
from espnet_soups.report.markdown import render_results
from espnet_soups.report.page import render_page
from espnet_soups.report.published import read_siblings, upsert
from espnet_soups.report.results import (
    describe_soup,
    describe_training,
    read_decodings,
    read_experiment,
)
from espnet_soups.report.results import read_config as read_trained
from espnet_soups.report.train_log import TrainLog, read_train_log
from espnet_soups.scoring.decodings import read_settings
from espnet_soups.scoring.score_metrics import read_scores
from espnet_soups.scoring.score_set import score_set
from espnet_soups.scoring.score_table import render_table
from espnet_soups.soup.config import SoupConfig, read_soup_config
from espnet_soups.tables.numbers import read_number
from espnet_soups.tables.plan import Column, load_table
from espnet_soups.tables.runs import defined_options
from espnet_soups.tables.same_settings import check_same_settings
from espnet_soups.task.checks.check_words import check_words
from espnet_soups.task.language_data import read_language_data
from espnet_soups.task.training.delta import read_reference
from espnet_soups.task.training.epoch_record import write_record
from espnet_soups.task.weight_search import Trial, read_grid, read_outcome, read_search
from espnet_soups.testing.miniature_debian import pack_text_tables
from tools.benchmark.spec import read_spec

TABLE = b"a-1 one\na-2 two \xc3\xa9\nb-1 a b\n"
SPEECH = b"a-1 /audio/1.wav\na-2 /audio/2.wav\nb-1 /audio/3.wav\n"
LANGUAGES = b"a-1 fr\na-2 fr\nb-1 it\n"
SPEAKERS = b"a-1 a\na-2 a\nb-1 b\n"
DATA_DIR = {"wav.scp": SPEECH, "text": TABLE, "utt2lang": LANGUAGES, "utt2spk": SPEAKERS}
SETTINGS = Path(__file__).parents[2] / "egs2" / "asterisk" / "msp1"
RECORD = json.loads((SETTINGS / "results.jsonl").read_text(encoding="utf-8").split("\n")[0])
LOSSES = {"asr_fr": 1.5, "st_fr_en": None}
LEVEL = {"level": 1, "objectives": ["asr_fr"], "penalty": 1.0, "weights": [1.0], "distance": 0.0}
EPOCH = {
    **{"epoch": 1, "seconds": 3.5, "valid_seconds": 0.5, "objectives": ["asr_fr", "st_fr_en"]},
    **{"loss": LOSSES, "valid_loss": LOSSES, "valid_accuracy": LOSSES, "selects": ["asr_fr"]},
    **{"unalignable": {"asr_fr": 2}, "levels": [LEVEL, {**LEVEL, "objectives": ["st_fr_en"]}]},
    **{"cosine": [[1.0, 0.1], [0.1, 1.0]], "cosine_steps": [[3, 3], [3, 3]], "optimizer_steps": 4},
    **{"gradient_norm": {"asr_fr": 2.0}, "raised_any": 0.1, "not_in_delta": ["st_fr_en"]},
}
TOKENS = "[<blank>, <unk>, a, <sos/eos>]"


def dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def lines(*values: object) -> bytes:
    return b"".join(dump(value) + b"\n" for value in values)


def recipe_file(name: str) -> bytes:
    return (SETTINGS / name).read_bytes()


def loses_lines(content: bytes, name: str, result: Any) -> str | None:
    """Say whether a reader has fewer entries than the file has lines that are not empty."""
    text = content.decode("utf-8-sig")  # a line that holds a byte order mark alone is empty
    full = sum(bool(line.strip()) for line in text.split("\n"))
    return None if len(result) == full else "lines are lost"


def loses_other_lines(content: bytes, name: str, result: Any) -> str | None:
    """The same, where a line may occur twice alike, spaces aside."""
    rows = dict.fromkeys(" ".join(line.split()) for line in content.decode().split("\n"))
    return loses_lines("\n".join(rows).encode(), name, result)


def loses_tokens(content: bytes, name: str, result: Any) -> str | None:
    full = content.removesuffix(b"\n").count(b"\n") + 1
    return None if len(result) == full else "tokens are lost"


def differs_from_espnet(content: bytes, name: str, result: Any) -> str | None:
    """Say whether ESPnet reads other keys out of a table that ours accepts."""
    path, table = result
    # what stages write, and ESPnet reads, has no mark of byte order
    path.write_bytes(content.removeprefix(codecs.BOM_UTF8))
    if read_2columns_text(path).keys() != table.keys():
        return "ESPnet reads other keys"
    return loses_lines(content, name, table)


def block(read: Callable[[Mapping[str, Any]], object]) -> Callable[[Path], object]:
    """Read a settings block of a YAML file, as commands do, which name the file."""

    def read_block(folder: Path) -> object:
        path = folder / "a.yaml"
        given = read_yaml(path, "the settings")
        try:
            return read(given.get("block"))  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    return read_block


def settings(text: str) -> dict[str, bytes]:
    return {"a.yaml": f"block: {text}\n".encode()}


def ark() -> tuple[bytes, bytes]:
    content, table = io.BytesIO(), io.StringIO()
    content.name = "a.ark"
    arrays = {"a-1": np.ones((3, 2), np.float32), "a-2": np.arange(4, dtype=np.float64)}
    kaldiio.save_ark(content, arrays, scp=table)
    kaldiio.save_ark(content, {"a-3": np.ones((5, 2))}, scp=table, compression_method=2)
    return content.getvalue(), table.getvalue().encode()


def read_arrays(folder: Path) -> list[Any]:
    table = ArrayTable(folder / "feats.scp")
    table.places = {key: str(folder / place) for key, place in table.places.items()}
    return [table[key] for key in table]


def archive() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name in ("corpus/a", "corpus/b/c"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"abcd"))
    return content.getvalue()


def wave() -> bytes:
    content = io.BytesIO()
    soundfile.write(content, np.sin(np.arange(400) / 9), 8000, format="WAV", subtype="PCM_16")
    return content.getvalue()


def join_clips(folder: Path) -> object:
    store = ClipStore(folder / "clips.sqlite", "fr")
    try:
        report = store.join({"fr_en": folder / "fr_en.tsv"}, folder / "validated.tsv")
        return report, list(store.utterances("train", ["en"]))
    finally:
        store.close()


def read_librispeech(folder: Path) -> object:
    return list(librispeech.read_librispeech(folder, ["dev-clean"]))


def combine(folder: Path) -> int:
    return combine_data_dirs([folder / "one", folder / "two"], folder / "both")


def inline_counts(folder: Path) -> object:
    return read_counts(str(folder / "classes.txt"))


def read_history_of(folder: Path) -> object:
    history = read_history(folder, TrainLog())
    return describe_training(history)


def render_published(folder: Path) -> object:
    return render_results(upsert(folder / "results.jsonl", RECORD))


def render_siblings(folder: Path) -> object:
    records, left_out = read_siblings(folder, lambda record: render_results([record]))
    return render_results(records), left_out


def render_scores(folder: Path) -> object:
    return render_table(read_scores(folder / "scores.json"))


def report_page(folder: Path) -> object:
    """Read an experiment and all its decodings, and write the page, pictures left out."""
    picture = folder / "picture.png"
    Figure().savefig(picture)
    found = read_experiment(folder, "tag", "test", "./run.sh", asdict(SoupConfig()))
    decodings = read_decodings(folder)
    return render_page(
        found, decodings, {item.label: picture for item in decodings}, {}, {}, Clips(), ""
    )


def plan_from(folder: Path) -> object:
    """Read what stage 8 has written, and plan from it."""
    record, table = read_record(folder / "conflict.json"), folder / "conflict.csv"
    rows = read_conflicts(table)
    supervised = {name: bool(own["supervised"]) for name, own in record.objectives.items()}
    return describe(rows, record), plan_soup(
        rows, supervised, record.checkpoints[-1], source=str(table)
    )


def describe_epochs(folder: Path) -> object:
    return [describe_epoch(record, 5) for record in read_epochs(folder)]


def describe_trained(folder: Path) -> object:
    return describe_soup(read_trained(folder / "config.yaml"), asdict(SoupConfig()))


def record_epoch(folder: Path) -> None:
    content = (folder / "soup.jsonl").read_bytes()
    try:
        write_record(folder, {**EPOCH, "epoch": 9})
    finally:
        (folder / "soup.jsonl").write_bytes(content)


def check_soup(folder: Path) -> None:
    check_words(folder / "train.yaml", [], {"asr_token_list": {"en": [], "fr": []}})


def read_whole_run(folder: Path) -> object:
    given = {"train_config": str(folder / "train.yaml"), "asr_langs": "en fr", "st_pairs": "fr_en"}
    run = read_run(given)
    return run.words(), run.labels(), run.settings(), run.stand_ins()


def score(folder: Path) -> object:
    return score_set(folder / "data", folder / "decoded", ScoreConfig(resamples=100))


def speakers_of(folder: Path) -> dict[str, str]:
    return {"a-1": "a", "a-2": "a", "b-1": "b"}


def same(folder: Path) -> None:
    check_same_settings({str(folder / name): folder / name for name in ("one", "two")})


CLASSES = Objective("cls_x", "cls", label="utt2x", label_file="utt2x")
SOUP = "{soup: vm, order: USA, penalty: [{level: 2, max: 1.5}], layers: [encoder.encoders.2]}"
SELECTION = "{layers: conflicting, selection: {every: 2, threshold: 0.1, stacks: [encoder]}}"
TRAINED = f"asr_token_list: {{fr: {TOKENS}}}\nst_token_list: {{en: {TOKENS}}}\nst_pairs: [fr_en]\n"
TRAINED += "frontend: default\nencoder: conformer\nencoder_conf: {output_size: 8}\nseed: 1\n"
TRAINED += "normalize_conf: {}\ntrainer: msp\ntrainer_conf: {soup: vm, order: SA}\n"
TABLE_FILE = Path(__file__).parents[2] / "egs2" / "covost2" / "msp1" / "tables" / "main.yaml"
SCORED = RECORD["scores"]
LOG = (
    b"# threads 2, GPUs as they are\n"
    b"# started at 2026-01-01 10:00:00 +0000 on a in /x\n"
    b"Number of trainable parameters: 4.90 M (1)\n"
    b"1epoch results: [train] loss/asr_fr=1.5, time=1 minute and 2.5 seconds, n=3,"
    b" [valid] loss/asr_fr=2, time=3 seconds\n"
)
SPEED = {"audio_seconds": 2.5, "decode_seconds": 1.0, "utterances": 3}
SHOWN = {"worst": ["a-1\nREF: a\nHYP: b"], "median": []}
EXAMPLES = {
    **SCORED,
    "objectives": {name: {**own, "examples": SHOWN} for name, own in SCORED["objectives"].items()},
}
HYPOTHESES = {
    "decoded/asr_fr/text": b"a-1 one\na-2\n",
    "decoded/asr_it/text": b"b-1 a c\n",
    "decoded/objectives.json": dump(
        {name: asdict(parse_objective(name)) for name in ("asr_fr", "asr_it")}
    ),
}
OUTPUT = "logdir/output.1"
JOINED = {
    f"{OUTPUT}/speed.json": dump(SPEED),
    f"{OUTPUT}/objectives.json": dump({"asr_fr": asdict(parse_objective("asr_fr"))}),
    **{
        f"{OUTPUT}/asr_fr/1best_recog/{name}": b"a-1 1\na-2\n"
        for name in ("text", "token", "token_int", "score")
    },
    "utt2lang": LANGUAGES,
}
ARK, ARK_TABLE = ark()

CONFLICT = (
    b"checkpoint,group,first,second,quantity,value,low,high,p,batches\n"
    b"start,all,asr_fr,,norm,1.5,1.2,1.8,,16\nstart,all,st_fr_en,,norm,0.5,0.2,0.8,,16\n"
    b"start,all,asr_fr,st_fr_en,cosine,-0.2,-0.3,-0.1,0.001,16\n"
    b"start,encoder.encoders.0,asr_fr,st_fr_en,cosine,,,,,16\n"
)
MEASURED = {
    **{"objectives": {n: {"kind": n[:2], "supervised": True} for n in ("asr_fr", "st_fr_en")}},
    **{"checkpoints": ["start"], "batches": 16, "batch_bins": 9, "repeated": 0, "left_out": {}},
    **{"confidence": 0.95, "step": 0.001, "seconds": 1.5},
}

PARSERS: dict[str, Parser] = {
    "conflicts": Parser(plan_from, {"conflict.csv": CONFLICT, "conflict.json": dump(MEASURED)}),
    "table": Parser(lambda f: (f / "t", read_table(f / "t")), {"t": TABLE}, differs_from_espnet),
    "texts": Parser(lambda f: read_texts(f / "t"), {"t": b"a one\nb\nc  x\ty\n"}, loses_lines),
    "yaml": Parser(
        lambda f: read_yaml(f / "a.yaml", "it"), {"a.yaml": b"a: {b: [1, x]}\nc: 2.5\n"}
    ),
    "json": Parser(lambda f: read_json(f / "a.json", "it"), {"a.json": dump(EPOCH)}),
    "json lines": Parser(
        lambda f: read_json_lines(f / "a.jsonl", "it"),
        {"a.jsonl": lines(EPOCH, EPOCH)},
        loses_lines,
    ),
    "data dir": Parser(read_data_dir, {**DATA_DIR, "utt2group": SPEAKERS, "utt2x": SPEAKERS}),
    "combined data dirs": Parser(
        combine,
        {f"one/{name}": content for name, content in {**DATA_DIR, "spk2utt": SPEAKERS}.items()},
        fixed={
            f"two/{name}": b"z" + content.split(b"\n")[0] + b"\n"
            for name, content in {**DATA_DIR, "spk2utt": SPEAKERS}.items()
        },
    ),
    "token list": Parser(
        lambda f: read_token_list(f / "tokens.txt"),
        {"tokens.txt": "<blank>\n<unk>\na\n<space>\né\n<sos/eos>\n".encode()},
        loses_tokens,
    ),
    "lengths": Parser(
        lambda f: read_lengths(f / "utt2num_frames"),
        {"utt2num_frames": b"a 12\nb 340\n"},
        loses_lines,
    ),
    "shapes": Parser(
        lambda f: read_language_data(str(f / "speech_shape"), str(f / "utt2lang"), ["fr", "it"]),
        {"speech_shape": b"a-1 5,4\na-2 6,4\nb-1 7,4\n", "utt2lang": LANGUAGES},
    ),
    "class counts": Parser(inline_counts, {"classes.txt": b"f 12\nm 9\n"}, loses_lines),
    "classes": Parser(lambda f: read_classes(f, CLASSES), {"utt2x": b"a-1 f\na-2 <na>\nb-1 m\n"}),
    "trials": Parser(
        lambda f: read_trials(f / "trials", speakers_of(f)),
        {"trials": b"a-1 a-2 target\n0 a-1 b-1\na-2 b-1 nontarget\n"},
        loses_lines,
    ),
    "text pairs": Parser(
        lambda f: read_pairs(f / "data", f / "decoded", parse_objective("asr_fr")),
        {"data/text": TABLE, "data/utt2lang": LANGUAGES, **HYPOTHESES},
    ),
    "scoring": Parser(
        score,
        {"data/text": TABLE, "data/utt2lang": LANGUAGES, "data/utt2group": SPEAKERS, **HYPOTHESES},
    ),
    "joined outputs": Parser(lambda f: join_outputs(f, 1, f / "utt2lang"), JOINED),
    "aishell transcripts": Parser(
        lambda f: aishell.read_transcripts(f / "t.txt"),
        {"t.txt": "BAC009S0002W0122 而 对 楼市\nBAC009S0002W0123 ａ b\n".encode()},
        loses_other_lines,
    ),
    "aishell genders": Parser(
        lambda f: aishell.read_genders(f / "speaker.info"), {"speaker.info": b"0002 F\nS0003 M\n"}
    ),
    "librispeech": Parser(
        read_librispeech,
        {
            "SPEAKERS.TXT": b"; a | b\n84 | F | dev-clean | 8.02 | A | B\n85 | M | x | 1 | \n",
            "dev-clean/84/121/84-121.trans.txt": b"84-121-0000 GO ON\n84-121-0001 NO\n",
        },
        fixed={f"dev-clean/84/121/84-121-000{n}.flac": b"" for n in (0, 1)},
    ),
    "asterisk prompts": Parser(
        lambda f: asterisk.read_texts(f, "fr"),
        {"core-sounds-fr.txt": "; all\ndigits/1: un\nvm-x: là [beep]\n".encode()},
    ),
    "gzipped prompts": Parser(
        lambda f: asterisk.read_texts(f, "it"),
        {"core-sounds-it.txt.gz": gzip.compress(b"digits/1: uno\nvm: due\n", mtime=0)},
    ),
    "drascula": Parser(
        lambda f: read_text_tables(f / "drascula.dat"),
        {
            "drascula.dat": pack_text_tables(
                {"": [{"en": "A DOOR", "de": "EINE TueR", "ru": "Дом"}]}
            )
        },
    ),
    "festvox-ru": Parser(
        lambda f: festvox_ru.read_sentences(f / "txt.done.data"),
        {"txt.done.data": '( ru_0001 "Д+а, - нет." )\n( ru_0002 "Дом!" )\n'.encode()},
        lost=loses_other_lines,
    ),
    "common voice": Parser(
        join_clips,
        {
            "fr_en.tsv": b"path\ttranslation\tsplit\nc_1.mp3\tyes\ttrain\nc_2.mp3\tno\tdev\n",
            "validated.tsv": b"client_id\tpath\tsentence\nx\tc_1.mp3\toui\ny\tc_2.mp3\tnon\n",
        },
    ),
    "tsv": Parser(
        lambda f: list(read_tsv(f / "t.tsv", ("path", "split"), [])),
        {"t.tsv": b"path\ttranslation\tsplit\nc_1.mp3\tyes\ttrain\n"},
    ),
    "table of the paper": Parser(
        lambda f: load_table(f / "main.yaml"), {"main.yaml": TABLE_FILE.read_bytes()}
    ),
    "small table": Parser(
        lambda f: load_table(f / "main.yaml", mini=True), {"main.yaml": TABLE_FILE.read_bytes()}
    ),
    "grid of weights": Parser(
        lambda f: read_grid(f / "grid.yaml"),
        {"grid.yaml": b"weights: {asr_*: [1.0], st_*: [0.5, 1]}\n"},
    ),
    "weight search": Parser(
        lambda f: read_search(f / "s.json"),
        {"s.json": dump({"points": [{"tag": "a", "weights": {"asr_*": 1.0}, "accuracy": 0.5}]})},
    ),
    "outcome of a search": Parser(
        lambda f: read_outcome(Trial({"asr_*": 1.0}, "t"), f), {"soup.jsonl": lines(EPOCH, EPOCH)}
    ),
    "delta reference": Parser(
        lambda f: read_reference(f / "soup.jsonl"), {"soup.jsonl": lines(EPOCH, EPOCH)}
    ),
    "history": Parser(read_history_of, {"soup.jsonl": lines(EPOCH, {**EPOCH, "epoch": 2})}),
    "epochs that are followed": Parser(describe_epochs, {"soup.jsonl": lines(EPOCH)}),
    "record of an epoch": Parser(record_epoch, {"soup.jsonl": lines(EPOCH)}),
    "train log": Parser(
        read_train_log,
        {"train.log": LOG},
    ),
    "published results": Parser(render_published, {"results.jsonl": lines(RECORD)}),
    "results of siblings": Parser(render_siblings, {"exp/tag/test/results.json": dump(RECORD)}),
    "scores": Parser(render_scores, {"scores.json": dump(EXAMPLES)}),
    "report": Parser(
        report_page,
        {
            **{"soup.jsonl": lines(EPOCH), "config.yaml": TRAINED.encode(), "train.log": LOG},
            **{"tag/test/scores.json": dump(EXAMPLES), "tag/test/results.json": dump(RECORD)},
            "tag/test/speed.json": dump({**SPEED, "rtf": 0.5}),
        },
    ),
    "settings of scores": Parser(
        lambda f: read_settings(f / "a", f / "b", 100, 0),
        {"a/scores.json": dump(SCORED), "b/scores.json": dump(SCORED)},
    ),
    "number of a table": Parser(
        lambda f: read_number(f, "tag", Column("WER", "wer")),
        {"tag/test/scores.json": dump(SCORED)},
    ),
    "cost of a run": Parser(
        lambda f: read_number(f, "tag", Column("s", "seconds_per_epoch")),
        {"results.json": dump(RECORD)},
    ),
    "objectives of a decoding": Parser(
        lambda f: read_objectives(f / "objectives.json"),
        {"objectives.json": dump({n: asdict(parse_objective(n)) for n in ("asr_fr", "st_fr_en")})},
    ),
    "training of a report": Parser(describe_trained, {"config.yaml": TRAINED.encode()}),
    "model's config.yaml": Parser(read_config, {"config.yaml": TRAINED.encode()}),
    "same settings": Parser(
        same, {"one/config.yaml": TRAINED.encode(), "two/config.yaml": TRAINED.encode()}
    ),
    "training configuration": Parser(
        read_whole_run,
        {"train.yaml": recipe_file("conf/train_msp.yaml") + b"objectives: {cls_x: {}, spk: {}}\n"},
    ),
    "words of a soup": Parser(check_soup, {"train.yaml": recipe_file("conf/train_msp.yaml")}),
    "pre-training configuration": Parser(
        lambda f: make_pretrain_config(f / "train.yaml", f / "pretrain.yaml", "cpc"),
        {
            "train.yaml": recipe_file("conf/train_msp.yaml"),
            "pretrain.yaml": recipe_file("conf/pretrain_cpc.yaml"),
        },
    ),
    "decoding configuration": Parser(
        lambda f: load_decode_config(f / "d.yaml"),
        {"d.yaml": b"nbest: 1\nbatch_size: 4\nbeam_size: 5\nctc_weight: 0.3\npenalty: 0\n"},
    ),
    "soup": Parser(block(read_soup_config), settings(SOUP)),
    "selection": Parser(block(read_soup_config), settings(SELECTION)),
    "penalties": Parser(
        block(lambda given: build_penalties(given, 3)),  # type: ignore[arg-type]
        settings("[{level: 2, max: 1.5, ramp: 0.2}, {level: 3, increment: 0.02, freeze: 3}]"),
    ),
    "features": Parser(
        block(read_feature_config), settings("{type: fbank, fs: 8000, num_mel_bins: 40, stack: 4}")
    ),
    "self-supervision": Parser(
        block(lambda given: read_ssl_config("cpc", given)),
        settings("{context_frames: 200, temperature: 0.2, audio: all}"),
    ),
    "best-rq": Parser(
        block(lambda given: read_ssl_config("best_rq", given)),
        settings("{mask_frames: 20, mask_prob: 0.2, seed: 3}"),
    ),
    "classification": Parser(
        block(lambda given: read_class_settings("cls_x", given)),
        settings("{classes: {f: 3, m: 4}, dropout: 0.1, class_weights: {f: 1.0, m: 2}}"),
    ),
    "speaker verification": Parser(
        block(lambda given: read_speaker_settings("spk", given)),
        settings("{embedding_size: 16, margin: 0.1, classes: {a: 1, b: 2}, trials: t}"),
    ),
    "enhancement": Parser(
        block(lambda given: read_enhancement_settings("enh", given)),
        settings("{label_file: clean.scp, n_fft: 256, hop_length: 64}"),
    ),
    "options of slurm": Parser(
        lambda f: read_slurm_options(f / "slurm.conf", 1),
        {"slurm.conf": b"--time=8:00:00 # h\ngpu: --partition='g p'\ncpu: --mem=4G\n"},
    ),
    "machines": Parser(
        lambda f: read_machines(f / "machines", 1), {"machines": b"n1 2\n# x\nme@n2\n"}
    ),
    "saved jobs": Parser(
        lambda f: load_job_array(f / "jobs.json"),
        {
            "jobs.json": dump(
                {
                    "array": {"command": ["a", "JOB"], "jobs": 2, "log": "l.JOB", "gpus": 0},
                    "environment": {"PATH": "/bin"},
                }
            )
        },
    ),
    "options of msp.sh": Parser(
        lambda f: defined_options(f / "msp.sh"), {"msp.sh": b'option stage 1 "First"\nx=1\n'}
    ),
    "benchmark": Parser(
        lambda f: read_spec(str(f / "b.yaml")),
        {"b.yaml": (SETTINGS.parents[2] / "tools/benchmark/configs/asterisk.yaml").read_bytes()},
    ),
    "arrays": Parser(read_arrays, {"a.ark": ARK, "feats.scp": ARK_TABLE}),
    "archive": Parser(
        lambda f: unpack(f / "corpus.tar.gz", f / "home", depth=0), {"corpus.tar.gz": archive()}
    ),
    "audio": Parser(lambda f: read_audio(f / "a.wav", 8000), {"a.wav": wave()}),
}

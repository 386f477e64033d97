"""The recipes of public corpora, run as a user runs them, on miniatures of their real layout."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from warm_python import warm_variables

from espnet_soups.testing.miniature_corpora import (
    write_aishell,
    write_common_voice,
    write_covost_table,
    write_librispeech,
)
from espnet_soups.testing.miniature_debian import write_debian_speech

ROOT = Path(__file__).parents[2]
Recipe = Callable[[str], Path]
MACHINE = (
    "--train_config",
    "conf/tiny.yaml",
    "--nj",
    "1",
    "--inference_nj",
    "1",
    "--num_threads",
    "1",
)
MACHINE += ("--msp_tag", "mini")
LANGUAGES = ("en", "fr", "de", "es", "ca")
# In place of the recipe's own sizes; soup, optimiser and the rest stay as they are, and the
# last layers are measured.
SIZES = {"output_size": 16, "attention_heads": 2, "linear_units": 32, "num_blocks": 2}
DECODER = {"attention_heads": 2, "linear_units": 32, "num_blocks": 1}
BATCH = {"batch_bins": 60000, "accum_grad": 1, "max_epoch": 1, "num_workers": 0}
SSL = {"context_frames": 40, "future_frames": 24, "min_context_frames": 16, "hidden_size": 8}
WORDS = "lumbo karite denoma pelusa tirano sovida remule kapito nodura vilema".split()  # noqa: SIM905


def shrink(folder: Path) -> None:
    """Write conf/tiny.yaml and conf/tiny_ssl.yaml: those of the recipe with a tiny model."""
    train = yaml.safe_load((folder / "conf" / "train_msp.yaml").read_text())
    train["encoder_conf"] |= SIZES
    train["trainer_conf"]["layers"] = ["encoder.encoders.1"]
    if "st_decoder_conf" in train:
        train["st_decoder_conf"] |= DECODER
    ssl = yaml.safe_load((folder / "conf" / "pretrain_cpc.yaml").read_text())
    ssl["ssl_conf"] |= SSL
    for name, config in (("tiny", train), ("tiny_ssl", ssl)):
        (folder / "conf" / f"{name}.yaml").write_text(yaml.safe_dump(config | BATCH))


def say(number: int, mark: str = "") -> str:
    """Return one of many sentences."""
    words = [WORDS[(number * step + step) % len(WORDS)] for step in (1, 3, 5, 7)]
    return f"{' '.join(words).capitalize()}, {mark}{words[0]}."


@pytest.fixture
def recipe() -> Iterator[Recipe]:
    """Return a function that copies a recipe beside itself, where its links lead too."""
    made: list[Path] = []

    def copy(name: str) -> Path:
        folder = ROOT / "egs2" / f"tmp_{name}_{os.getpid()}" / "msp1"
        made.append(folder.parent)
        names = ("data", "dump", "exp", "downloads")
        shutil.copytree(
            ROOT / "egs2" / name / "msp1",
            folder,
            symlinks=True,
            ignore=shutil.ignore_patterns(*names),
        )
        return folder

    yield copy
    for folder in made:
        shutil.rmtree(folder)


def read_scores(exp: Path, name: str) -> dict[str, dict[str, object]]:
    """Read the scores of a set by objective."""
    path = exp / "decode_msp_valid.acc.ave" / name / "scores.json"
    scores: dict[str, dict[str, object]] = json.loads(path.read_text())["objectives"]
    return scores


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a recipe with this very Python and this very source tree."""
    environment = os.environ | variables | warm_variables() | {"VIRTUAL_ENV": sys.prefix}
    environment["PATH"] = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_covost_runs_from_mp3_clips_to_a_report_with_published_kinds_of_scores(
    recipe: Recipe, tmp_path: Path
):
    folder = recipe("covost2")
    shrink(folder)
    release = "cv-corpus-4-2019-12-10"
    homes = {"fr": f"{release}/fr", "de": f"de/{release}/de"}  # the layouts that archives leave
    splits = ["train", "train", "train_covost", "train", "dev", "test", "test"]
    for language in LANGUAGES:
        clips = {str(number): say(number, "«") for number in range(len(splits))}
        home = tmp_path / "cv" / homes.get(language, language)
        write_common_voice(home, language, clips, seconds=2.0)
        direction = "en_de" if language == "en" else f"{language}_en"
        rows = [(str(number), say(number + 3, '"'), split) for number, split in enumerate(splits)]
        write_covost_table(tmp_path / "tables", direction, rows, packed=language == "fr")
    (tmp_path / "cv" / "es" / "clips" / "common_voice_es_0.mp3").write_bytes(b"ID3 no audio")
    corpora = {"COMMONVOICE": str(tmp_path / "cv"), "COVOST2": str(tmp_path / "tables")}
    small = ("--asr_nbpe", "24", "--st_nbpe", "40", "--speed_perturb_factors", "0.9 1.0")
    result = run(folder, "./run.sh", *MACHINE, *small, **corpora)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    for number in (1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13):  # 7: in the next test
        assert f"\nstage {number}: " in result.stdout
    assert "common_voice_es_0.mp3\tcorrupt" in (folder / "data" / "corrupt.tsv").read_text()
    exp = folder / "exp" / "msp_mini"
    scores = read_scores(exp, "test")
    pairs = {f"st_{language}_en" for language in LANGUAGES if language != "en"}
    assert set(scores) == {f"asr_{language}" for language in LANGUAGES} | pairs
    assert set(scores["asr_fr"]) >= {"wer", "cer"}
    assert set(scores["st_fr_en"]) >= {"bleu", "bleu_lc_rm", "chrf"}
    report = (exp / "RESULTS.md").read_text()
    assert "| objective | Snt | BLEU | chrF | BLEU lc.rm |" in report
    assert "- BLEU: `nrefs:1|case:mixed|eff:no|tok:13a" in report


def test_the_table_with_gender_runs_from_nested_archives_to_words_characters_and_accuracies(
    recipe: Recipe, tmp_path: Path
):
    folder = recipe("librispeech_aishell")
    shrink(folder)
    tests = {subset: {"19": "F", "20": "M"} for subset in ("test-clean", "test-other")}
    speakers = {"dev-clean": {"19": "F"}, **tests}
    speakers |= {"train-clean-100": {"26": "M", "27": "F"}, "dev-other": {"116": "M"}}
    write_librispeech(tmp_path / "en", speakers, seconds=2.0)
    sets = {"train": {"S0002": "F"}, "dev": {"S0724": "F"}, "test": {"S0764": "M", "S0765": "F"}}
    write_aishell(
        tmp_path / "zh", sets, ["而  对 楼市 成交 抑制", "ａｂ 歌 作用 最大"], seconds=2.0
    )
    corpora = {"LIBRISPEECH": str(tmp_path / "en"), "AISHELL": str(tmp_path / "zh")}
    row = ("--rows", "vm_uecg", "--train_config", "conf/tiny.yaml")
    small = ("--asr_nbpe", "16", "--pretrain_config", "conf/tiny_ssl.yaml", *MACHINE[2:-2])
    result = run(folder, "tables/main.sh", *row, "--", *small, **corpora)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    levels = re.findall(r"\n  level \d[^:]*: (.*)", result.stdout)
    assert levels == ["cls_gender", "asr_zh", "asr_en", "ssl"]
    cells = next(line for line in result.stdout.splitlines() if line.startswith("| VM (UECG)"))
    assert len(re.findall(r"\d+\.\d+ ", cells)) >= 5  # ours, beside the paper's
    for number in (1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13):
        assert f"\nstage {number}: " in result.stdout
    assert "data/test_clean: 4 utterances; labels: asr_en 4, cls_gender 4" in result.stdout
    assert "data/test_aishell: 4 utterances; labels: asr_zh 4, cls_gender 4" in result.stdout
    trials = (folder / "data" / "test_aishell" / "trials").read_text().splitlines()
    assert sorted(line.split()[2] for line in trials) == ["nontarget"] * 2 + ["target"] * 2
    tokens = folder / "data" / "zh_token_list" / "asr_bpe_char" / "tokens.txt"
    characters = tokens.read_text(encoding="utf-8").split()
    assert set(characters[2:-1]) == set("而对楼市成交抑制AB歌作用最大")
    english = folder / "data" / "en_token_list" / "asr_bpe_unigram16" / "tokens.txt"
    assert len(english.read_text().split()) == 18
    genders = (folder / "data" / "train" / "spk2gender").read_text()
    assert genders == "en_26 m\nen_27 f\nzh_S0002 f\n"
    exp = folder / "exp" / "msp_tiny_cls_gender_vm_uecg"
    english_scores = read_scores(exp, "test_clean")
    assert set(english_scores) == set(read_scores(exp, "test_other")) == {"asr_en", "cls_gender"}
    assert "f" in english_scores["cls_gender"]["accuracy"]["labels"]
    assert "wer" in read_scores(exp, "test_other")["asr_en"]
    mandarin = read_scores(exp, "test_aishell")
    assert set(mandarin) == {"asr_zh", "cls_gender"}
    assert "cer" in mandarin["asr_zh"]
    assert "wer" not in mandarin["asr_zh"]
    report = (exp / "RESULTS.md").read_text()
    parts = report.split("\n## ")[2:]  # after the title and the comparison
    sections = {part.split("\n")[0].rpartition("/")[2]: part for part in parts}
    assert list(sections) == ["test_aishell", "test_clean", "test_other"]
    assert "| asr_zh |" in sections["test_aishell"]
    assert "### WER" not in sections["test_aishell"]
    assert "### WER" in sections["test_other"]


def test_covost_data_are_made_for_the_directions_of_the_run(recipe: Recipe, tmp_path: Path):
    folder = recipe("covost2")
    write_common_voice(tmp_path / "en", "en", {"1": "One.", "2": "Two.", "3": "Three."})
    rows = [("1", "Eins.", "train"), ("2", "Zwei.", "dev"), ("3", "Drei.", "test")]
    write_covost_table(folder / "downloads", "en_de", rows)
    words = ["--asr_langs", "en", "--st_pairs", "en_de", "--nj", "1", "--tgt_case", "lc"]
    # as msp.sh calls it with `--datadir data_en`: the data of the recipe's own languages stay
    result = run(folder, "local/data.sh", *words, COMMONVOICE=str(tmp_path), datadir="data_en")
    assert result.returncode == 0, result.stderr[-2000:]
    assert not (folder / "data" / "test").exists()
    text = (folder / "data_en" / "test" / "text.de").read_text()
    assert text.endswith("-common_voice_en_3 drei.\n")
    assert len(list((folder / "data" / "audio" / "en").rglob("*.flac"))) == 3


def test_covost_without_common_voice_says_where_to_get_it(recipe: Recipe, tmp_path: Path):
    folder = recipe("covost2")
    result = run(folder, "local/data.sh", COMMONVOICE="")
    assert result.returncode == 1
    assert "COMMONVOICE is empty" in result.stderr
    result = run(folder, "local/data.sh", "--asr_langs", "fr", COMMONVOICE=str(tmp_path))
    assert result.returncode == 1
    assert "11.6 GB" in result.stderr
    assert "Traceback" not in result.stderr


def test_debian_speech_runs_from_its_packages_to_a_report_of_each_domain(
    recipe: Recipe, tmp_path: Path
):
    folder = recipe("debian_speech")
    shrink(folder)
    write_debian_speech(tmp_path, lines=20, sentences=60)
    corpora = {"ASTERISK": str(tmp_path), "DEBIAN_SPEECH": str(tmp_path)}
    small = ("--st_pairs", "en_de es_en ru_en", "--st_nbpe", "16", "--conflict_batches", "0")
    small += ("--test_sets", "test_drascula test_festvox")
    result = run(folder, "./run.sh", *MACHINE, *small, **corpora)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    for number in (1, 3, 4, 5, 6, 9, 10, 11, 12, 13):
        assert f"\nstage {number}: " in result.stdout
    exp = folder / "exp" / "msp_mini"
    game = {"asr_en", "asr_es", "st_en_de", "st_es_en"}
    assert set(read_scores(exp, "test_drascula")) == game
    assert set(read_scores(exp, "test_festvox")) == {"asr_ru"}
    seen = json.loads((exp / "soup.jsonl").read_text().splitlines()[-1])["seen"]
    assert set(seen["datasets"]) == {"asterisk", "drascula", "festvox"}
    check = ("python", "-m", "espnet_soups.bin.check_data_dir", "data/unlabeled")
    assert run(folder, *check, "--unlabeled", "true").returncode == 0

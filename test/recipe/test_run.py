"""All 13 stages, run as a user runs them, on a minute of tones that stand for letters."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from itertools import combinations
from pathlib import Path

import pytest
import soundfile
import yaml
from tiny_recipe import environment, run, tensors_of

from espnet_soups.conflict.table import read_conflicts

NAME = "msp_train_msp_fbank_char_from_cpc_more_with_cpc_sp"
PRETRAINED = "exp/ssl_cpc_train_msp_fbank_sp_more"


def make_unlabeled_set(recipe: Path) -> None:
    """Copy a few utterances of the test set under other ids, without their labels."""
    folder = recipe / "data" / "more"
    folder.mkdir(parents=True)
    for file in ("wav.scp", "utt2lang", "utt2spk"):
        lines = (recipe / "corpus" / "test" / file).read_text().splitlines()
        (folder / file).write_text("".join(f"more-{line}\n" for line in lines))


def test_all_stages_run_with_self_supervision_and_a_second_run_does_nothing(recipe: Path):
    make_unlabeled_set(recipe)
    ssl = ("--ssl", "cpc", "--unlabeled_sets", "more")
    first = run(recipe, *ssl, "--conflict_batches", "6", timeout=1800)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    exp = recipe / "exp" / NAME
    pretrained = f"{PRETRAINED}/valid.loss.ave.pth"
    encoder = {k: v for k, v in tensors_of(recipe / pretrained).items() if "encoder." in k}
    assert f"{pretrained}:encoder:encoder" in (exp / "config.yaml").read_text()
    assert "Loading pretrained params" in (exp / "train.log").read_text()
    assert encoder.keys() < tensors_of(exp / "1epoch.pth").keys()
    levels = json.loads((exp / "soup.jsonl").read_text().splitlines()[0])["levels"]
    assert [level["objectives"] for level in levels][-1] == ["ssl"]
    scores = json.loads((exp / "decode_msp_valid.acc.ave" / "test" / "scores.json").read_text())
    assert set(scores["objectives"]) == {"asr_en", "asr_fr", "st_fr_en"}
    for name in ("RESULTS.md", "results.json", "report.html", "model.zip", "valid.acc.ave.pth"):
        assert (exp / name).stat().st_size > 0
    assert len((exp / "soup.jsonl").read_text().splitlines()) == 2
    for number in range(1, 14):
        assert f"\nstage {number}: " in first.stdout
        assert "done in" in first.stdout
    before = {path: path.stat().st_mtime_ns for path in exp.rglob("*") if path.is_file()}
    second = run(recipe, *ssl, "--conflict_batches", "6")
    assert second.returncode == 0, second.stderr[-3000:]
    assert "All stages are up to date" in second.stdout
    assert {path: path.stat().st_mtime_ns for path in exp.rglob("*") if path.is_file()} == before


def test_conflicts_of_the_pre_trained_encoder_are_measured_for_every_pair_and_module(recipe: Path):
    folder = recipe / "exp" / NAME / "conflict"
    rows = read_conflicts(folder / "conflict.csv")
    names = ["asr_en", "asr_fr", "st_fr_en", "ssl"]
    found = {(row.group, row.first, row.second) for row in rows if row.quantity == "cosine"}
    modules = {group for group, _, _ in found}
    assert {"all", "encoder.encoders.0", "encoder.encoders.1"} < modules
    assert found == {(g, a, b) for g in modules for a, b in combinations(names, 2)}
    assert {row.checkpoint for row in rows} == {"start"}
    assert all(row.batches <= 6 for row in rows)
    assert "Loading pretrained params" in (folder / "measure.log").read_text()
    assert "Of 6 pairs of objectives" in (folder / "conflict.txt").read_text()


def test_a_soup_is_planned_from_what_is_measured_and_epochs_are_measured_after_it(recipe: Path):
    words = ("--conflict_batches", "6", "--stage", "8", "--stop_stage", "9")
    result = run(recipe, "--soup", "planned", "--train_args=--max_epoch 1", *words)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    exp = recipe / "exp" / "msp_train_msp_fbank_char_planned_max_epoch1_sp"
    plan = yaml.safe_load((exp / "conflict" / "plan.yaml").read_text())["trainer_conf"]
    trained = yaml.safe_load((exp / "config.yaml").read_text())["trainer_conf"]
    assert plan.items() <= trained.items()
    levels = json.loads((exp / "soup.jsonl").read_text().splitlines()[0])["levels"]
    assert len(levels) == len(plan.get("levels") or [1])
    again = run(
        recipe, "--soup", "planned", "--train_args=--max_epoch 1", *words[:-1], "8",
        "--conflict_models", "start 1 last",
    )  # fmt: skip
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    rows = read_conflicts(exp / "conflict" / "conflict.csv")
    means = [row for row in rows if row.quantity == "mean_cosine" and row.group == "all"]
    assert [row.checkpoint for row in means] == ["start", "epoch 1", "last"]
    value = {(row.checkpoint, *place(row)): row.value for row in rows}
    same = [value["epoch 1", *place(row)] for row in rows if row.checkpoint == "last"]
    assert same == pytest.approx(
        [row.value for row in rows if row.checkpoint == "last"], nan_ok=True
    )


def place(row):
    """What a row is about, but for the checkpoint."""
    return row.group, row.first, row.second, row.quantity


def test_u_learns_from_audio_without_labels_alone(recipe: Path):
    ssl = ("--ssl", "cpc", "--unlabeled_sets", "more", "--ssl_audio", "unlabeled")
    words = ("--baseline", "joint", "--stage", "9", "--stop_stage", "9")
    result = run(recipe, *ssl, *words, "--train_args=--max_epoch 1")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    name = "msp_train_msp_fbank_char_with_cpc_unlabeled_more_joint_max_epoch1_sp"
    record = json.loads((recipe / "exp" / name / "soup.jsonl").read_text())
    labels = record["labels"]
    assert 8 <= labels["ssl"] < labels["asr_en"] + labels["asr_fr"]  # not the labelled audio
    assert record["loss"]["ssl"] > 0
    assert record["levels"][0]["objectives"] == ["asr_en", "asr_fr", "st_fr_en", "ssl"]
    assert record["valid_loss"]["ssl"] is None  # all audio of validation has labels
    assert record["valid_accuracy"]["asr_en"] is not None


def test_static_weights_are_searched_from_the_pre_trained_encoder(recipe: Path):
    (recipe / "conf" / "grid.yaml").write_text("weights: {'asr_*': [1.0], 'st_*': [0.5, 1.0]}\n")
    before = (recipe / PRETRAINED / "1epoch.pth").stat().st_mtime_ns
    two_stage = ("--ssl", "cpc", "--unlabeled_sets", "more", "--baseline", "two_stage")
    command = [sys.executable, "-m", "espnet_soups.bin.search_weights", "--grid", "conf/grid.yaml"]
    command += ["--", "./run.sh", *two_stage, "--stop_stage", "10"]
    result = subprocess.run(
        [*command, "--train_args", "--max_epoch 1 --keep_nbest_models 1"],
        cwd=recipe,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    points = json.loads((recipe / "exp" / "two_stage_search.json").read_text())["points"]
    tags = {f"two_stage_static_asr1_st{weight}" for weight in ("0.5", "1")}
    assert {point["tag"] for point in points} == tags
    assert points[0]["accuracy"] >= points[1]["accuracy"]
    for point in points:
        folder = recipe / "exp" / f"msp_{point['tag']}"
        config = (folder / "config.yaml").read_text()
        assert f"{PRETRAINED}/valid.loss.ave.pth:encoder:encoder" in config
        assert "\nmax_epoch: 1\n" in config
        level = json.loads((folder / "soup.jsonl").read_text())["levels"][0]
        expected = {"st_*": 1.0, **point["weights"]}["st_*"]
        assert level["objectives"] == ["asr_en", "asr_fr", "st_fr_en"]
        assert level["weights"] == [1.0, 1.0, expected]
        assert (folder / ".stage10.done").exists() == (point == points[0])
    assert (recipe / PRETRAINED / "1epoch.pth").stat().st_mtime_ns == before


def test_the_packed_model_decodes_as_the_recipe_did(recipe: Path, tmp_path: Path, monkeypatch):
    from espnet2.main_funcs.pack_funcs import unpack

    from espnet_soups import Speech2Text
    from espnet_soups.inference.load_model import read_config

    exp = Path("exp") / NAME
    files = unpack(recipe / exp / "model.zip", tmp_path)
    folder = Path(files["asr_train_config"]).parent
    assert read_config(folder).normalize_conf["stats_file"].startswith(str(tmp_path))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    scored = json.loads((recipe / exp / "decode_msp_valid.acc.ave/test/scores.json").read_text())
    wer = scored["objectives"]["asr_fr"]["wer"]
    assert f"{wer['value']:.1f} [{wer['low']:.1f}, {wer['high']:.1f}]" in card
    assert "| soup | vm" in card
    assert "| command | `./run.sh" in card
    monkeypatch.setenv("ESPNET_SOUPS_CACHE", str(tmp_path / "cache"))
    # with the digests of all files; ESPnet has rewritten paths in the one that it has unpacked
    speech2text = Speech2Text.from_pretrained(recipe / exp / "model.zip")
    decoded = recipe / exp / "decode_msp_valid.acc.ave" / "test" / "asr_fr" / "text"
    expected = dict(
        ([*line.split(maxsplit=1), ""])[:2] for line in decoded.read_text().splitlines()
    )
    assert len(expected) == 4
    for key, text in expected.items():
        speech, _ = soundfile.read(recipe / "corpus" / "audio" / f"{key}.wav")
        assert speech2text(speech, lang="fr").transcript.text == text


def test_groups_and_corpora_that_are_added_are_told_without_decoding_again(recipe: Path):
    ssl = ("--ssl", "cpc", "--unlabeled_sets", "more")
    scores = recipe / "exp" / NAME / "decode_msp_valid.acc.ave" / "test" / "scores.json"
    before = json.loads(scores.read_text())["objectives"]["asr_en"]
    keys = [line.split()[0] for line in (recipe / "data/test/utt2lang").read_text().splitlines()]
    groups = recipe / "data" / "test" / "utt2group"
    groups.write_text("".join(f"{key} {key[:2]}_{int(key[-1]) // 2}\n" for key in keys))
    corpora = "corpora: [{name: Tones, licence: CC0, url: 'https://example.org'}]\n"
    (recipe / "conf" / "corpora.yaml").write_text(corpora)
    result = run(recipe, *ssl)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "stage 11: Decoding test — up to date" in result.stdout
    assert "13: Report on test (again, since this changed: conf/corpora.yaml, " in result.stdout
    with zipfile.ZipFile(recipe / "exp" / NAME / "model.zip") as archive:
        assert "| Tones | CC0 |" in archive.read("README.md").decode()
    assert re.search("12: Scoring test .again, since this changed: .*utt2group", result.stdout)
    after = json.loads(scores.read_text())["objectives"]["asr_en"]
    assert (after["wer"]["value"], after["utterances"]) == (before["wer"]["value"], 4)
    assert after != before  # intervals over two groups


def test_a_run_of_audio_alone_is_refused(recipe: Path):
    config = (recipe / "conf" / "train_msp.yaml").read_text()
    (recipe / "conf" / "train_u.yaml").write_text(config + "ssl: cpc\nlanguages: [en, fr]\n")
    alone = ("--train_config", "conf/train_u.yaml", "--asr_langs", "", "--st_pairs", "")
    refused = run(recipe, *alone)
    assert refused.returncode == 1
    assert "error: no objective of this run has labels: name languages to recog" in refused.stderr
    assert "stage" not in refused.stdout


def test_fewer_languages_of_the_corpus_have_folders_of_their_own(recipe: Path):
    stages = ("--stage", "1", "--stop_stage", "6")
    shared = [*recipe.glob("data/*_token_list/*/*"), *recipe.glob("exp/msp_stats*/*/*")]
    shared += recipe.glob("dump/*/*/*/utt2lang")
    before = {path: path.read_bytes() for path in shared if path.is_file()}
    assert len(before) > 10
    result = run(recipe, "--asr_langs", "fr", *stages)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    (kept,) = recipe.glob("dump/fbank*/*_only_fr/train_sp/utt2lang")
    assert {line.split()[1] for line in kept.read_text().splitlines()} == {"fr"}
    assert set(recipe.glob("data/fr_token_list/*")) > {recipe / "data/fr_token_list/asr_char_sp"}
    assert {path: path.read_bytes() for path in before} == before
    (tested,) = recipe.glob("dump/fbank*/only_fr/test/text")
    assert len(tested.read_text().splitlines()) == 4
    alone = ("--asr_langs", "fr", "--st_pairs", "", "--conflict_batches", "6")
    result = run(recipe, *alone, "--stage", "8", "--stop_stage", "8")
    assert "stage 8: Conflict measurement — skipped: asr_fr is the only objective" in result.stdout
    assert result.returncode == 0, result.stderr
    refused = run(recipe, *alone, "--soup", "planned")
    assert refused.returncode == 1
    assert "--soup planned puts objectives on levels, but asr_fr is the only one" in refused.stderr


def test_a_language_that_a_test_set_alone_has_is_left_out_of_it_and_renames_no_folder(recipe: Path):
    shutil.copytree(recipe / "data" / "test", recipe / "data" / "more_test")
    spoken = recipe / "data" / "more_test" / "utt2lang"
    lines = spoken.read_text().splitlines()
    spoken.write_text("\n".join([f"{lines[0].split()[0]} it", *lines[1:]]) + "\n")
    sets = ("--test_sets", "test more_test", "--stage", "1", "--stop_stage", "4")
    result = run(recipe, *sets)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "more_test: 1 of 8 utterances are left out" in result.stderr
    assert "Length filter of train_sp — up to date" in result.stdout
    (tested,) = recipe.glob("dump/fbank*/only_en_fr/*/utt2lang")
    assert tested.parent.name == "more_test"
    assert tested.read_text().splitlines() == lines[1:]


def test_a_trained_folder_takes_touched_recordings_and_refuses_others(recipe: Path):
    ssl = ("--ssl", "cpc", "--unlabeled_sets", "more")
    recordings = sorted((recipe / "corpus" / "audio").glob("*-train*.wav"))
    for path in recordings:
        path.touch()
    touched = run(recipe, *ssl)
    assert touched.returncode == 0, touched.stdout[-3000:] + touched.stderr[-3000:]
    assert "again, since this changed: audio of data/train_sp/wav.scp" in touched.stdout
    later = re.findall(r"^stage (?:[4-79]|1.): .*", touched.stdout, flags=re.MULTILINE)
    assert len(later) > 9
    assert all(line.endswith(" — up to date") for line in later)
    recordings[0].write_bytes(recordings[1].read_bytes())
    models = {path: path.read_bytes() for path in (recipe / "exp").glob("*/*.pth")}
    refused = run(recipe, *ssl, "--stop_stage", "7")
    assert refused.returncode == 1
    assert "with other data, and no epoch is left" in refused.stderr
    assert "`speech` of training (" in refused.stderr
    assert {path: path.read_bytes() for path in models} == models


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--soup", "broth"], "--soup must be joint, vs, vc, vm, custom or planned, but got broth"),
        (["--asr_langs", "en,fr"], "words of --asr_langs are separated by white space, so write"),
        (["--st_pairs", "fr-en"], "--st_pairs must be pairs of source_target"),
        (["--speed_perturb_factors", "0.9,1"], "--speed_perturb_factors are separated by white"),
        (["--combiner", "blender"], "`combiner` must be one of"),
        (["--order", "XYZ"], "`order` must use each of the letters"),
        (
            ["--soup", "joint", "--order", "USA"],
            "order=USA`: `order` changes nothing with `soup: joint`",
        ),
        (["--penalty", ".1"], "--penalty must be numbers such as 0.1 or '0.5 0.1', 0 or more, but"),
        (
            ["--penalty", "1 2 3"],
            "`penalty` has an entry for level 4, but `order: USA` has 3 levels",
        ),
        (["--stage", "14", "--stop-stage", "20"], "--stage must be 13 (the last one) or less"),
        (["--stage", "9", "--stop-stage", "5"], "but got --stage 9 --stop_stage 5"),
        (["--test_sets", "test ../dev"], "--test_sets names folders, so it must hold no slash"),
        (["--msp_tag", "../../mine"], "--msp_tag (or what it is made of) names folders"),
        (
            ["--msp_tag", "x" * 201],
            "200 bytes or less, but has 201; give a shorter one by --msp_tag",
        ),
        (["--asr_langs", "en fr/ca"], "--asr_langs names folders"),
        (["--msp_tag", "JOB_7"], "no folder or set may be called JOB, which stands for the number"),
        (["--dumpdir", "dump,2"], "--dumpdir must hold no comma, at which ESPnet splits its data"),
        (["--expdir", "exp:2"], "--expdir must hold no ':', at which ESPnet splits --init_param"),
        (["--dump_audio", "false"], "--dump_audio false needs --feats_type raw"),
        (["--feats_type", "../raw"], "--feats_type must be fbank or raw, but got ../raw"),
        (["--ssl", "mae"], "--ssl must be none, cpc or best_rq, but got mae"),
        (["--unlabeled_sets", "more"], "--unlabeled_sets needs --ssl"),
        (
            ["--ssl", "cpc", "--unlabeled_sets", "test"],
            "test is a training, validation or test set",
        ),
        (["--baseline", "two_stage"], "--baseline two_stage needs --ssl"),
        (["--ssl", "cpc", "--ssl_audio", "unlabeled"], "needs --unlabeled_sets"),
        (["--pretrain_args", "--seed 2"], "--pretrain_args needs pre-training"),
        (
            ["--ssl=cpc", "--unlabeled_sets=more", "--ssl_audio=unlabeled", "--baseline=two_stage"],
            "--ssl_audio unlabeled needs U in stage 9",
        ),
    ],
)
def test_a_wrong_setting_is_refused_before_the_first_stage(recipe: Path, arguments, message):
    result = run(recipe, *arguments)
    assert result.returncode != 0
    assert message in result.stdout + result.stderr
    assert "stage 1" not in result.stdout

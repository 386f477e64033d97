"""Scores of the real training on the toy corpus, against jiwer, sacrebleu and stages 11 and 12."""

import json
import math
import os
import subprocess
import sys

import jiwer
import numpy as np
import pytest
import sacrebleu
import torch
from soup_options import SOUP
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from trained_runs import load, records
from warm_python import warm_variables

from espnet_soups.files import read_table, read_texts, write_table

ASR, ST = ("asr_en", "asr_fr", "asr_es"), ("st_fr_en", "st_es_en")
SCORES = ("--scores_conf", "utterances=4", "--use_tensorboard", "true")
LONG = ("--num_iters_per_epoch", "30")
CRITERIA = "best_model_criterion: [[valid, wer, min], [valid, chrf, max], [valid, loss, min]]\n"
CRITERIA += "early_stopping_criterion: [valid, cer/asr_fr, min]\npatience: 9\n"


@pytest.fixture(scope="module")
def criteria(worded_runs):
    path = worded_runs.root / "criteria.yaml"
    path.write_text(CRITERIA, encoding="utf-8")
    return ("--config", str(path))


@pytest.fixture(scope="module")
def scored(worded_runs, criteria):
    """Joint training of four epochs, which has learnt some letters by then."""
    return worded_runs.train("scored", *criteria, *SCORES, *LONG, "--max_epoch", "4")


def pairs(folder, name):
    references = read_texts(folder / "scores" / "references" / name / label_file(name))
    found = read_texts(folder / "scores" / "decoded" / name / "text")
    assert references.keys() == found.keys()
    return list(references.values()), [found[key] for key in references]


def label_file(name):
    return "text" if name in ASR else "text.en"


def statistics(folder, epoch):
    return load(folder / "checkpoint.pth")["reporter"]["stats"][epoch]["valid"]


def decode(folder, model, keys, output_dir, **options):
    """Decode by the command of stage 11."""
    from espnet_soups.bin.msp_inference import main

    output_dir.mkdir()
    valid = folder.parent / "valid"
    write_table(output_dir / "keys", dict.fromkeys(keys, ""))
    config = "".join(f"{name}: {value}\n" for name, value in options.items())
    (output_dir / "decode.yaml").write_text(config, encoding="utf-8")
    main(
        [
            *("--exp_dir", str(folder), "--model_file", model),
            *("--config", str(output_dir / "decode.yaml")),
            *("--data_path_and_name_and_type", f"{valid}/feats.scp,speech,kaldi_ark"),
            *("--utt2lang", str(valid / "utt2lang"), "--key_file", str(output_dir / "keys")),
            *("--output_dir", str(output_dir)),
        ]
    )


def test_error_rates_are_those_of_jiwer(scored):
    found = statistics(scored, 4)
    for name in ASR:
        wanted, written = pairs(scored, name)
        assert found[f"wer/{name}"] == pytest.approx(100 * jiwer.wer(wanted, written))
        assert found[f"cer/{name}"] == pytest.approx(100 * jiwer.cer(wanted, written))
        assert any(written), "nothing was recognised, so that any score would do"
    assert found["cer"] == pytest.approx(np.mean([found[f"cer/{name}"] for name in ASR]))
    assert found["cer"] < 100


def test_translations_are_scored_as_sacrebleu_scores_them(scored):
    found = statistics(scored, 4)
    for name in ST:
        wanted, written = pairs(scored, name)
        bleu = sacrebleu.corpus_bleu(written, [wanted], force=True).score
        assert found[f"bleu/{name}"] == pytest.approx(bleu)
        assert found[f"chrf/{name}"] == pytest.approx(
            sacrebleu.corpus_chrf(written, [wanted]).score
        )
    assert found["chrf"] == pytest.approx(np.mean([found[f"chrf/{name}"] for name in ST]))
    assert found["bleu"] > 0


def test_they_equal_stages_11_and_12_on_the_same_utterances(scored, tmp_path):
    from espnet_soups.bin.score import main

    for name in (*ASR, *ST):
        references = scored / "scores" / "references" / name
        keys = list(read_table(references / "utt2lang"))
        decode(scored, "4epoch.pth", keys, tmp_path / name, beam_size=1)
        folder = tmp_path / f"{name}_set"
        (folder / name).mkdir(parents=True)
        text = (tmp_path / name / name / "1best_recog" / "text").read_text(encoding="utf-8")
        (folder / name / "text").write_text(text, encoding="utf-8")
        assert read_texts(folder / name / "text") == read_texts(
            scored / "scores" / "decoded" / name / "text"
        )
        main(["--reference_dir", str(references), "--decode_dir", str(folder)])
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        for score, item in scores["mean"].items():
            ours = statistics(scored, 4)[f"{score}/{name}"]
            assert ours == pytest.approx(item["value"], abs=1e-4)  # it is rounded there


def test_the_best_epochs_are_chosen_by_the_scores(scored):
    for score, better in (("wer", min), ("chrf", max)):
        by_epoch = {epoch: statistics(scored, epoch)[score] for epoch in range(1, 5)}
        best = better(by_epoch.values())
        chosen = int((scored / f"valid.{score}.best.pth").resolve().name.removesuffix("epoch.pth"))
        assert by_epoch[chosen] == best
        assert (scored / f"valid.{score}.ave.pth").exists()


def test_the_record_and_tensorboard_have_scores_and_texts(scored):
    record = records(scored)[-1]
    assert record["scores"]["wer"]["mean"] == statistics(scored, 4)["wer"]
    assert record["scores"]["bleu"]["objectives"].keys() == set(ST)
    assert 0 < record["score_seconds"] <= record["valid_seconds"]
    valid = EventAccumulator(str(scored / "tensorboard" / "valid"))
    valid.Reload()
    assert {"wer", "bleu", "wer/asr_fr", "chrf/st_fr_en"} <= set(valid.Tags()["scalars"])
    assert valid.Scalars("wer/asr_fr")[-1].value == pytest.approx(
        statistics(scored, 4)["wer/asr_fr"]
    )
    train = EventAccumulator(str(scored / "tensorboard" / "train"))
    train.Reload()
    assert {f"examples/{name}/text_summary" for name in (*ASR, *ST)} <= set(train.Tags()["tensors"])
    shown = train.Tensors("examples/asr_fr/text_summary")
    assert len(shown) == 4
    listing = (scored / "scores" / "examples.txt").read_text(encoding="utf-8")
    table = shown[-1].tensor_proto.string_val[0].decode()
    written = read_texts(scored / "scores" / "decoded" / "asr_fr" / "text")
    for key in list(written)[:3]:
        assert f"| {key} | " in table
        assert f"asr_fr {key}\n" in listing
        assert f"  epoch 4: {written[key]}".rstrip() in listing.splitlines()


def test_the_line_of_an_epoch_has_the_most_telling_scores(scored):
    from espnet_soups.report.follow import describe_epoch

    record = records(scored)[-1]
    line = describe_epoch(record, 4)
    wer, bleu = (record["scores"][name]["mean"] for name in ("wer", "bleu"))
    assert f"valid WER {wer:.1f} %, valid BLEU {bleu:.1f};" in line
    assert "CER" not in line


def test_training_itself_is_the_same_with_and_without_scores(runs, soup_run):
    folder = runs.train("with_scores", *SOUP, *SCORES, "--max_epoch", "3")
    ours, theirs = load(folder / "3epoch.pth"), load(soup_run / "3epoch.pth")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert not (soup_run / "scores").exists()
    assert "scores" not in records(soup_run)[0]


def test_a_resumed_run_has_the_scores_of_the_uninterrupted_one(runs, criteria):
    options = (*criteria, *SOUP, "--scores_conf", "utterances=4")
    whole = runs.train("whole_scores", *options, "--max_epoch", "2")
    runs.train("resumed_scores", *options, "--max_epoch", "1")
    folder = runs.train("resumed_scores", *options, "--max_epoch", "2")
    for one, other in zip(records(folder), records(whole), strict=True):
        assert one["scores"] == other["scores"]
    examples = "scores/examples.jsonl"
    assert (folder / examples).read_text() == (whole / examples).read_text()


def test_scores_of_some_epochs_end_with_the_last(runs):
    conf = ("--scores_conf", "utterances=2", "--scores_conf", "every=2")
    folder = runs.train("sometimes", *conf, "--max_epoch", "3")
    assert ["scores" in record for record in records(folder)] == [False, True, True]
    assert math.isfinite(statistics(folder, 3)["wer"])
    assert "wer" not in statistics(folder, 1)


@pytest.mark.filterwarnings("ignore:.*(GradScaler|CUDA)")  # there may be no GPU
def test_an_epoch_of_mixed_precision_is_scored(runs):
    folder = runs.train("amp", *SOUP, *SCORES, "--use_amp", "true", "--max_epoch", "1")
    assert math.isfinite(statistics(folder, 1)["wer"])


def test_the_scheduler_may_follow_a_score(runs, tmp_path):
    path = tmp_path / "plateau.yaml"
    path.write_text("scheduler: reducelronplateau\nval_scheduler_criterion: [valid, cer]\n")
    folder = runs.train("plateau", "--config", str(path), *SCORES, "--max_epoch", "1")
    state = load(folder / "checkpoint.pth")["schedulers"][0]
    assert state["best"] == pytest.approx(statistics(folder, 1)["cer"])


def test_two_ranks_share_the_decoding_and_have_the_scores_of_the_whole_part(
    runs_of_two_ranks, tmp_path
):
    folder = runs_of_two_ranks.root / "torchrun"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0"]
    command += ["-m", "espnet_soups.bin.msp_train", *runs_of_two_ranks.options, *SCORES]
    command += ["--scores_conf", "batch_size=2", "--best_model_criterion", "valid,wer,min"]
    command += ["--max_epoch", "1", "--output_dir", str(folder)]
    environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    environment |= warm_variables()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    for name in (*ASR, *ST):
        keys = list(read_table(folder / "scores" / "references" / name / "utt2lang"))
        assert len(keys) == 4
        decode(folder, "1epoch.pth", keys, tmp_path / name, beam_size=1, batch_size=2)
        text = read_texts(tmp_path / name / name / "1best_recog" / "text")
        assert text == read_texts(folder / "scores" / "decoded" / name / "text")
        score = "wer" if name in ASR else "chrf"
        assert math.isfinite(statistics(folder, 1)[f"{score}/{name}"])

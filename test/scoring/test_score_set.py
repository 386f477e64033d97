"""A whole decoded set through the command."""

import json
from pathlib import Path

import numpy as np
import pytest

from espnet_soups.bin.score import main
from espnet_soups.report.score_tables import render_tables
from espnet_soups.scoring.score_table import render_table


def write(path: Path, lines: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{key} {value}\n" for key, value in lines.items())
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def decoded(tmp_path: Path) -> tuple[Path, Path]:
    """Twelve French and twelve Chinese utterances; French also in English."""
    generator = np.random.default_rng(3)
    reference, decode = tmp_path / "dump", tmp_path / "decode" / "test"
    french = {f"f{i}": "le chat dort ici ce soir".rsplit(" ", i % 4)[0] for i in range(12)}
    chinese = {f"z{i}": "今天 天气 很好" for i in range(12)}
    english = {key: text.replace("le chat", "The cat") for key, text in french.items()}
    write(reference / "utt2lang", {key: {"f": "fr", "z": "zh"}[key[0]] for key in french | chinese})
    write(reference / "text", french | chinese)
    write(reference / "text.en", english | dict.fromkeys(chinese, "<na>"))
    dropped = set(generator.choice(12, 4, replace=False).tolist())
    write(
        decode / "asr_fr/text",
        {k: "le chat" if i in dropped else v for i, (k, v) in enumerate(french.items())},
    )
    write(decode / "asr_zh/text", dict.fromkeys(chinese, "今天天气好"))
    write(decode / "st_fr_en/text", {key: text.lower() for key, text in english.items()})
    return reference, decode


def run(decoded: tuple[Path, Path], *more: str) -> dict:
    reference, decode = decoded
    main(["--reference_dir", str(reference), "--decode_dir", str(decode), *more])
    return json.loads((decode / "scores.json").read_text(encoding="utf-8"))


def test_scores_and_listings_are_written_and_a_table_printed(decoded, capsys) -> None:
    scores = run(decoded, "--bleu_lowercase", "true")
    objectives = scores["objectives"]
    assert list(objectives) == ["asr_fr", "asr_zh", "st_fr_en"]
    assert objectives["asr_zh"]["cer"]["value"] == pytest.approx(100 / 6, abs=1e-3)
    assert "wer" not in objectives["asr_zh"]
    assert objectives["st_fr_en"]["bleu"]["value"] == pytest.approx(100.0)
    assert objectives["st_fr_en"]["chrf"]["value"] < 100.0
    for name in objectives:
        assert (decoded[1] / name / "alignment.txt").stat().st_size > 0
    printed = capsys.readouterr().out
    assert "asr_fr" in printed
    assert "case:lc" in printed
    assert max(len(line) for line in printed.splitlines()) <= 100


def test_bleu_without_case_and_punctuation_is_added_where_it_is_wanted(decoded, capsys) -> None:
    scores = run(decoded, "--bleu_lc_rm", "true")
    own = scores["objectives"]["st_fr_en"]
    assert own["bleu_lc_rm"]["value"] == pytest.approx(100.0)  # decoded in lower case
    assert own["bleu"]["value"] < 100.0
    assert "BLEU lc.rm" in capsys.readouterr().out
    plain = run(decoded)
    assert "bleu_lc_rm" not in plain["objectives"]["st_fr_en"]
    assert plain["objectives"]["st_fr_en"]["bleu"] == own["bleu"]


def test_means_are_over_the_objectives_that_have_the_score(decoded) -> None:
    scores = run(decoded)
    own = [scores["objectives"][name]["cer"]["value"] for name in ("asr_fr", "asr_zh")]
    assert scores["mean"]["cer"]["value"] == pytest.approx(np.mean(own), abs=1e-3)
    assert scores["mean"]["cer"]["objectives"] == 2
    assert scores["mean"]["wer"]["value"] == scores["objectives"]["asr_fr"]["wer"]["value"]
    for item in scores["mean"].values():
        assert item["low"] <= item["value"] <= item["high"]


def test_a_table_shows_no_mean_over_other_objectives_than_its_rows(decoded) -> None:
    scores = run(decoded)
    scores["objectives"]["asr_de"] = scores["objectives"]["asr_fr"]
    scores["mean"]["wer"]["objectives"] = 2
    scores["mean"] |= {
        name: scores["mean"][name] | {"objectives": 3} for name in ("cer", "sentence_error")
    }
    wer, cer = (table.splitlines()[-1] for table in render_tables(scores)[1:4:2])
    assert wer.count("[") == 1  # the sentence errors of Chinese are in the other mean
    assert wer.endswith("| – |")
    assert cer.count("[") == 2


def test_the_seed_decides_the_intervals_and_nothing_else(decoded) -> None:
    first, second, other = (run(decoded, "--seed", seed) for seed in "001")
    assert first == second
    assert first["objectives"]["asr_fr"]["wer"] != other["objectives"]["asr_fr"]["wer"]
    values = [scores["objectives"]["asr_fr"]["wer"]["value"] for scores in (first, other)]
    assert values[0] == values[1]


def test_one_objective_alone_has_no_row_for_the_mean(decoded) -> None:
    scores = run(decoded)
    scores["objectives"] = {"st_fr_en": scores["objectives"]["st_fr_en"]}
    table = render_table(scores)
    assert "mean" not in table
    assert "WER" not in table


def test_nothing_is_written_when_a_file_is_bad(decoded) -> None:
    (decoded[1] / "st_fr_en/text").write_bytes(b"f0 \xe9t\xe9\n")
    with pytest.raises(ValueError, match=r"st_fr_en/text, line 1 is not UTF-8"):
        run(decoded)
    assert not (decoded[1] / "scores.json").exists()
    assert not (decoded[1] / "asr_fr/alignment.txt").exists()


def test_too_few_resamples_are_refused(decoded) -> None:
    with pytest.raises(ValueError, match="`resamples` must be 100 or more, but got 5"):
        run(decoded, "--resamples", "5")


def test_groups_are_drawn_jointly_and_said_so(decoded, capsys) -> None:
    plain = run(decoded)
    assert plain["groups"] is None
    # Every utterance of one language belongs with one of the other: twelve groups.
    keys = [f"{letter}{number}" for letter in "fz" for number in range(12)]
    write(decoded[0] / "utt2group", {key: f"sentence{key[1:]}" for key in keys})
    grouped = run(decoded)
    assert grouped["groups"] == 12
    assert grouped["reference_dir"] == str(decoded[0])
    assert "over 12 groups of utterances" in capsys.readouterr().out
    for name, item in plain["mean"].items():
        assert grouped["mean"][name]["value"] == item["value"]
    # Chinese errors are the same everywhere; so the mean moves with French alone, either way.
    own = grouped["objectives"]["asr_fr"]["cer"]
    mean = grouped["mean"]["cer"]
    assert mean["high"] - mean["low"] == pytest.approx((own["high"] - own["low"]) / 2, abs=1e-3)


def test_an_utterance_without_group_is_refused_before_anything_is_written(decoded) -> None:
    write(decoded[0] / "utt2group", {"f0": "one", "f1": "two"})
    with pytest.raises(ValueError, match="utt2group has no group for 22 utterances, the first"):
        run(decoded)
    assert not (decoded[1] / "scores.json").exists()


def test_utterances_of_the_training_set_are_told_beside_their_scores(decoded, capsys) -> None:
    run(decoded)
    assert "training set" not in capsys.readouterr().err
    run(decoded, "--train_dir", str(decoded[0]))
    assert "warning: 24 utterances of" in capsys.readouterr().err


def test_an_objective_of_all_languages_that_a_set_has_no_labels_of_is_left_out_with_a_note(
    decoded, capsys
):
    reference, decode = decoded
    keys = [line.split()[0] for line in (reference / "utt2lang").read_text().splitlines()]
    write(decode / "cls_gender/text", dict.fromkeys(keys, "f"))
    scores = run(decoded)
    assert list(scores["objectives"]) == ["asr_fr", "asr_zh", "st_fr_en"]
    assert scores["not_scored"] == {"cls_gender": f"{reference} has no utt2gender"}
    assert "Not scored: cls_gender (" in capsys.readouterr().out
    write(reference / "utt2gender", dict.fromkeys(keys, "unknown"))
    note = f"{reference}/utt2gender has no label of cls_gender"
    assert run(decoded)["not_scored"] == {"cls_gender": note}
    write(reference / "utt2gender", dict.fromkeys(keys, "f") | {keys[0]: "m"})
    measured = run(decoded)["objectives"]["cls_gender"]
    assert measured["accuracy"]["confusion"] == [[23, 0], [1, 0]]

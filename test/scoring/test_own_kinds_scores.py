"""Kinds that do not come along, through scoring and comparison."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from made_up_scored_kinds import Mood, Pairwise, Untitled

from espnet_soups.bin.compare import main as compare
from espnet_soups.bin.score import main as score
from espnet_soups.objectives.objective_file import OBJECTIVES, write_objectives

MOODS = ["calm", "glad", "sad"]
TRIALS = [f"{one}-{two}" for one, two in combinations("abcdefgh", 2)]


def write(path: Path, lines: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key} {value}\n" for key, value in lines.items()), encoding="utf-8")


@pytest.fixture
def experiments(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A data dir, and two systems that recognise, hear moods and compare speakers."""
    generator = np.random.default_rng(0)
    reference = tmp_path / "dump/test"
    keys = [f"u{number:02d}" for number in range(40)]
    moods = {key: str(generator.choice(MOODS)) for key in keys}
    write(reference / "utt2lang", dict.fromkeys(keys, "fr"))
    write(reference / "text", dict.fromkeys(keys, "le chat dort"))
    write(reference / "utt2mood", moods)
    objectives = [
        Pairwise().objective("pairwise", {}),
        Mood().objective("mood", {}),
    ]
    for name, rate in (("a", 0.5), ("b", 0.1)):
        decode = tmp_path / "exp" / name / "beam/test"
        wrong = generator.random(len(keys)) < rate
        write(decode / "asr_fr/text", dict.fromkeys(keys, "le chat"))
        heard = {key: "glad" if bad else moods[key] for key, bad in zip(keys, wrong, strict=True)}
        write(decode / "mood/text", heard)
        numbers = rate / 10 + 0.01 * generator.random(len(TRIALS))
        write(decode / "pairwise/text", dict(zip(TRIALS, map(str, numbers), strict=True)))
        write_objectives(decode / OBJECTIVES, objectives)
    return reference, tmp_path / "exp/a", tmp_path / "exp/b"


def run(experiments: tuple[Path, Path, Path]) -> dict:
    reference, *folders = experiments
    for folder in folders:
        score(["--reference_dir", str(reference), "--decode_dir", str(folder / "beam/test")])
    return json.loads((experiments[1] / "beam/test/scores.json").read_text(encoding="utf-8"))


def test_their_scores_stand_in_the_file_and_in_the_table(experiments, capsys) -> None:
    scores = run(experiments)
    assert list(scores["objectives"]) == ["asr_fr", "pairwise", "mood"]
    assert [item["name"] for item in scores["metrics"]] == [
        *("wer", "cer", "sentence_error"),
        "median",
        "accuracy",
    ]
    assert scores["kinds"]["made_up_scored_kinds:Mood"] == "Mood"
    mood, pairs = (scores["objectives"][name] for name in ("mood", "pairwise"))
    assert np.trace(mood["accuracy"]["confusion"]) == round(0.4 * mood["accuracy"]["value"])
    assert pairs["drawn"] == "8 speakers"
    assert pairs["utterances"] == 28
    assert pairs["median"]["low"] < pairs["median"]["value"] < pairs["median"]["high"]
    printed = capsys.readouterr().out
    assert "Acc %" in printed
    assert f"{pairs['median']['value']:.3f} [" in printed
    assert "[ , ] of pairwise: over 8 speakers" in printed
    assert (experiments[1] / "beam/test/mood/alignment.txt").read_text().startswith("mood: 0.")


def test_what_draws_by_itself_changes_no_draw_of_the_others(experiments) -> None:
    both = run(experiments)["objectives"]
    for folder in experiments[1:]:
        (folder / "beam/test/pairwise/text").unlink()
        (folder / "beam/test/pairwise/alignment.txt").unlink()
        (folder / "beam/test/pairwise").rmdir()
    alone = run(experiments)["objectives"]
    assert alone == {name: both[name] for name in ("asr_fr", "mood")}


def test_groups_are_of_utterances_and_play_no_part_in_trials(experiments) -> None:
    plain = run(experiments)
    write(experiments[0] / "utt2group", {f"u{n:02d}": f"g{n // 4}" for n in range(40)})
    grouped = run(experiments)
    assert grouped["groups"] == 10
    for name in ("median", "accuracy"):
        assert grouped["mean"][name]["value"] == plain["mean"][name]["value"]


def test_two_systems_are_compared_on_the_same_draws_of_speakers(experiments, capsys) -> None:
    run(experiments)
    capsys.readouterr()
    compare([str(folder) for folder in experiments[1:]])
    printed = capsys.readouterr().out
    (row,) = [line for line in printed.splitlines() if line.startswith("pairwise")]
    assert row.endswith("0.001 *")
    assert "[ , ] and p of pairwise: over 8 speakers" in printed
    compare([str(experiments[1])] * 2)
    same = capsys.readouterr().out
    assert all(" 1.000" in line for line in same.splitlines() if line.startswith(("mood", "pair")))


def test_systems_of_other_trials_are_not_compared(experiments) -> None:
    run(experiments)
    write(experiments[2] / "beam/test/pairwise/text", dict.fromkeys(TRIALS[:-1], "0.1"))
    with pytest.raises(ValueError, match="scored on other trials of pairwise, 28 and 27"):
        compare([str(folder) for folder in experiments[1:]])


def test_a_score_without_a_title_is_refused(experiments) -> None:
    decode = experiments[1] / "beam/test"
    write_objectives(decode / OBJECTIVES, [Untitled().objective("mood", {})])
    (decode / "pairwise/text").unlink()
    with pytest.raises(ValueError, match=r"`metrics` of Untitled lacks \['accuracy'\]"):
        run(experiments)

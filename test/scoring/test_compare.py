"""Paired tests against sacrebleu's, against theory, and through the command."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

from espnet_soups.bin.compare import main, render
from espnet_soups.bin.score import main as score
from espnet_soups.objectives.kind import Metric
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.objective_file import OBJECTIVES, write_objectives
from espnet_soups.objectives.registry import parse_objective
from espnet_soups.scoring.compare import (
    MEAN,
    Comparison,
    Difference,
    compare_decodings,
    p_value,
)

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
CONFIG = ScoreConfig(bleu_lowercase=True)


def write(path: Path, lines: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{key} {value}\n" for key, value in lines.items())
    path.write_text(text, encoding="utf-8")


def garble(texts: dict[str, str], rate: float, seed: int) -> dict[str, str]:
    """Replace words at random."""
    generator = np.random.default_rng(seed)
    return {
        key: " ".join(w if generator.random() > rate else "wrong" for w in text.split())
        for key, text in texts.items()
    }


@pytest.fixture
def experiments(tmp_path: Path) -> tuple[Path, Path, Path]:
    """References, and two systems of which B is somewhat better; French and Spanish to English."""
    generator = np.random.default_rng(0)
    reference = tmp_path / "dump" / "test"
    english = {
        f"{language}{number:02d}": " ".join(generator.choice(WORDS, 8))
        for language in ("es", "fr")
        for number in range(60)
    }
    write(reference / "utt2lang", {key: key[:2] for key in english})
    write(reference / "text", dict.fromkeys(english, "una cosa"))
    write(reference / "text.en", english)
    for name, rate, seed in (("a", 0.22, 1), ("b", 0.17, 2)):
        for language in ("es", "fr"):
            own = {key: text for key, text in english.items() if key[:2] == language}
            folder = tmp_path / "exp" / name / "beam" / "test"
            write(folder / f"st_{language}_en" / "text", garble(own, rate, seed))
    return reference, tmp_path / "exp" / "a", tmp_path / "exp" / "b"


def compare(experiments: tuple[Path, Path, Path], config: ScoreConfig = CONFIG):
    reference, first, second = experiments
    return compare_decodings(reference, first / "beam/test", second / "beam/test", config)


def texts(path: Path) -> list[str]:
    return [line.partition(" ")[2] for line in path.read_text(encoding="utf-8").splitlines()]


def test_scores_and_p_values_are_those_of_sacrebleus_paired_bootstrap(experiments) -> None:
    reference, first, second = experiments
    wanted = texts(reference / "text.en")[60:]
    systems = [(p.name, texts(p / "beam/test/st_fr_en/text")) for p in (first, second)]
    metrics = {"bleu": BLEU(lowercase=True), "chrf": CHRF()}
    _, results = PairedTest(systems, metrics, [wanted], test_type="bs", n_samples=2000)()
    ours = compare(experiments, ScoreConfig(bleu_lowercase=True, resamples=2000)).differences
    for name, title in (("bleu", "BLEU"), ("chrf", "chrF2")):
        own, theirs = ours[name]["st_fr_en"], results[title]
        assert (own.first, own.second) == pytest.approx([item.score for item in theirs])
        # sacrebleu looks at one tail of |d| - mean |d|, we at both of d - mean d.
        assert 0.002 < own.p_value < 0.9
        assert own.p_value / 2 == pytest.approx(theirs[1].p_value, abs=0.03)


def test_the_p_value_of_a_mean_is_that_of_the_normal_theory() -> None:
    generator = np.random.default_rng(0)
    draws = generator.normal(0.3, 0.2, size=20_000)
    # Two-sided tail of the normal distribution at 1.5 standard deviations.
    assert p_value(0.3, draws) == pytest.approx(0.1336, abs=0.01)


def test_a_system_does_not_differ_from_itself(experiments) -> None:
    reference, first, _ = experiments
    for rows in compare((reference, first, first)).differences.values():
        for item in rows.values():
            assert (item.low, item.high, item.p_value) == (0.0, 0.0, 1.0)


def test_exchanging_the_systems_turns_the_difference_round(experiments) -> None:
    reference, first, second = experiments
    one = compare(experiments).differences["chrf"][MEAN]
    other = compare((reference, second, first)).differences["chrf"][MEAN]
    assert (one.first, one.second) == (other.second, other.first)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.p_value == other.p_value
    assert one.low < one.second - one.first < one.high


def test_groups_join_the_languages_of_a_mean(experiments) -> None:
    reference, first, second = experiments
    # Both languages hold the same texts and errors: together they are no more evidence than one.
    for folder in (first, second):
        spanish = (folder / "beam/test/st_es_en/text").read_text(encoding="utf-8")
        path = folder / "beam/test/st_fr_en/text"
        path.write_text(spanish.replace("es", "fr"), encoding="utf-8")
    own = (reference / "text.en").read_text(encoding="utf-8").splitlines()[:60]
    twin = [line.replace("es", "fr", 1) for line in own]
    (reference / "text.en").write_text("\n".join(own + twin) + "\n", encoding="utf-8")
    apart = compare(experiments)
    keys = [line.split()[0] for line in own + twin]
    write(reference / "utt2group", {key: key[2:] for key in keys})
    joint = compare(experiments)
    assert (apart.groups, joint.groups) == (False, True)
    rows = joint.differences["chrf"]
    assert rows[MEAN].low == pytest.approx(rows["st_es_en"].low)
    width = [item.differences["chrf"][MEAN] for item in (apart, joint)]
    assert width[0].high - width[0].low < 0.85 * (width[1].high - width[1].low)


def test_the_command_compares_what_both_decoded(experiments, capsys) -> None:
    reference, first, second = experiments
    for folder in (first, second):
        score(["--reference_dir", str(reference), "--decode_dir", str(folder / "beam/test")])
    capsys.readouterr()
    main([str(first), str(second), "--resamples", "200"])
    printed = capsys.readouterr().out
    assert f"references: {reference}" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith(("st_", "mean"))]
    assert [row[0] for row in rows] == ["st_es_en", "st_fr_en", "mean"] * 2
    assert [row[1] for row in rows[:3]] == ["60", "60", "120"]
    main([str(first / "beam/test"), str(second), "--resamples", "200"])
    assert capsys.readouterr().out == printed


def test_what_cannot_be_compared_is_refused(experiments) -> None:
    reference, first, second = experiments
    with pytest.raises(FileNotFoundError, match=r"a has no <inference_tag>/<set>/scores.json"):
        main([str(first), str(second)])
    for folder in (first, second):
        score(["--reference_dir", str(reference), "--decode_dir", str(folder / "beam/test")])
    with pytest.raises(ValueError, match=r"has beam/test and .* nothing of the same name"):
        main([str(first), str(second), "--set", "dev"])
    path = second / "beam/test/scores.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"bleu_lowercase": True}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"scored with `bleu_lowercase` False, .* with True"):
        main([str(first), str(second)])


@pytest.mark.parametrize(
    ("low", "p", "warned"), [(0.1, 0.115, True), (-0.1, 0.04, True), (0.1, 0.04, False)]
)
def test_an_interval_and_a_star_that_disagree_are_pointed_out(low, p, warned) -> None:
    item = Difference(first=2.3, second=7.9, low=low, high=15.5, p_value=p)
    metrics = [Metric("bleu", "BLEU", "", lower_is_better=False)]
    comparison = Comparison({"bleu": {"st_es_en": item}}, metrics, {"st_es_en": 70}, True, [])
    tables = render(comparison, 1000)
    assert ("where [ , ] and * disagree" in tables) == warned


def test_bleu_of_hypotheses_without_four_words_gets_no_star_nor_does_its_mean(experiments) -> None:
    path = experiments[1] / "beam" / "test" / "st_fr_en" / "text"
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    write(path, {key: " ".join(words[:3]) for key, *words in lines})
    comparison = compare(experiments)
    bleu, chrf = (comparison.differences[score] for score in ("bleu", "chrf"))
    defined = {name: item.undefined is None for name, item in bleu.items()}
    assert defined == {"st_es_en": True, "st_fr_en": False, MEAN: False}
    assert all(item.undefined is None for item in chrf.values())
    tables = render(comparison, 1000)
    rows = tables.partition("chrF")[0].splitlines()
    assert [row.rstrip().endswith("–") for row in rows if row.startswith(("st_", MEAN))] == [
        False,
        True,
        True,
    ]
    assert "no hypothesis of one of them has four words" in tables


def test_a_table_says_why_bleu_is_0(experiments, capsys) -> None:
    reference, first, _ = experiments
    folder = first / "beam" / "test"
    for name in ("st_fr_en", "st_es_en"):
        keys = [line.split(" ")[0] for line in (folder / name / "text").read_text().splitlines()]
        short = "one two" if name == "st_fr_en" else "one two three four"
        write(folder / name / "text", dict.fromkeys(keys, short))
    score(["--reference_dir", str(reference), "--decode_dir", str(folder)])
    printed = capsys.readouterr().out
    assert "BLEU of st_fr_en is 0 since no hypothesis has four words" in printed
    record = json.loads((folder / "scores.json").read_text())["objectives"]
    assert record["st_fr_en"]["bleu"]["no_four_words"] is True
    assert "no_four_words" not in record["st_es_en"]["bleu"]


def test_what_has_nothing_to_be_scored_by_is_named_and_must_not_be_all(experiments) -> None:
    reference, first, second = experiments
    keys = [line.split()[0] for line in (reference / "utt2lang").read_text().splitlines()]
    write(reference / "utt2spk", dict.fromkeys(keys, "ann"))
    for folder in (first, second):
        (folder / "beam/test/spk").mkdir()
        (folder / "beam/test/spk/array.scp").touch()
        write_objectives(folder / "beam/test" / OBJECTIVES, [parse_objective("spk")])
    comparison = compare(experiments)
    assert list(comparison.not_scored) == ["spk"]
    assert "not scored: spk (" in render(comparison, 1000)
    for folder in (first, second):
        for name in ("st_fr_en", "st_es_en"):
            shutil.rmtree(folder / "beam/test" / name)
    with pytest.raises(ValueError, match=r"nothing can be compared: spk \(.*trials is missing"):
        compare(experiments)

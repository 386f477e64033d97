"""Keys of references and hypotheses, and what bad files get."""

from pathlib import Path

import pytest

from espnet_soups.files import read_texts
from espnet_soups.objectives.metrics.measured import NothingToScoreError
from espnet_soups.objectives.metrics.text_pairs import read_pairs
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.registry import parse_objective


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    write(folder / "utt2lang", "a fr", "b fr", "c fr", "d en")
    write(folder / "text", "a un", "b deux trois", "c <na>", "d one")
    return folder


def test_references_without_a_label_are_not_scored_but_counted(reference, tmp_path) -> None:
    write(tmp_path / "asr_fr/text", "a un", "b", "c quatre")
    pairs = read_pairs(reference, tmp_path, parse_objective("asr_fr"))
    assert pairs.keys == ["a", "b"]
    assert pairs.hypotheses == ["un", ""]
    assert pairs.without_reference == 1


def test_a_missing_hypothesis_names_both_files_and_the_key(reference, tmp_path) -> None:
    write(tmp_path / "asr_fr/text", "a un")
    with pytest.raises(ValueError, match=r"reference/text has 1 keys that .*asr_fr/text lacks: b;"):
        read_pairs(reference, tmp_path, parse_objective("asr_fr"))


def test_a_hypothesis_of_another_language_is_refused(reference, tmp_path) -> None:
    write(tmp_path / "asr_fr/text", "a un", "b deux", "d one")
    with pytest.raises(ValueError, match=r"asr_fr/text has 1 keys that .*reference/text lacks: d;"):
        read_pairs(reference, tmp_path, parse_objective("asr_fr"))


def test_an_empty_reference_is_refused(reference, tmp_path) -> None:
    write(reference / "text", "a", "b deux trois", "c <na>", "d one")
    write(tmp_path / "asr_fr/text", "a un", "b deux")
    with pytest.raises(ValueError, match=r"has no text for a; a missing label is <na>"):
        read_pairs(reference, tmp_path, parse_objective("asr_fr"))


def test_without_any_reference_there_is_nothing_to_score(reference, tmp_path) -> None:
    write(reference / "text.en", "a <na>", "b <na>", "c <na>")
    write(tmp_path / "st_fr_en/text", "a one")
    with pytest.raises(NothingToScoreError, match=r"text\.en has no label of st_fr_en"):
        read_pairs(reference, tmp_path, parse_objective("st_fr_en"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a un\nb \xff\xfe\n", r"text, line 2 is not UTF-8 \(invalid start byte at byte 3\)"),
        (b"a un\n\nb deux\n", r"text, line 2 is empty"),
        (b"a un\na deux\n", r"text, line 2 repeats the key a"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path, content, message) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_texts(path)


def test_only_a_newline_ends_a_line(tmp_path) -> None:
    path = write(tmp_path / "text", "a un\u2028deux\u0085trois", "b")
    assert read_texts(path) == {"a": "un deux trois", "b": ""}


def test_an_objective_of_all_languages_is_scored_on_all(reference, tmp_path) -> None:
    write(reference / "utt2gender", "a female", "b male", "c <na>", "d male")
    write(tmp_path / "cls_gender/text", "a female", "b male", "c male", "d female")
    objective = Objective("cls_gender", "cls", label="gender", label_file="utt2gender")
    pairs = read_pairs(reference, tmp_path, objective)
    assert pairs.keys == ["a", "b", "d"]
    assert pairs.without_reference == 1

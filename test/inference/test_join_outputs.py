"""Outputs of parallel jobs are joined whole, or refused with the names of what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from espnet_soups.inference.job_output import Speed, write_hypotheses
from espnet_soups.inference.join_outputs import join_outputs
from espnet_soups.objectives.decoding.result import Hypothesis
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.objective_file import OBJECTIVES, read_objectives, write_objectives
from espnet_soups.objectives.registry import parse_objective
from espnet_soups.scoring.find_objectives import find_objectives

UTT2LANG = {"a-1": "fr", "a-2": "fr", "b-1": "en"}


def hypothesis(text: str) -> tuple[Hypothesis, ...]:
    return (Hypothesis(text, tuple(text), tuple(range(len(text))), -1.5),)


def write_job(decode_dir: Path, job: int, french: dict[str, str], english: dict[str, str]) -> None:
    found = {
        "asr_fr": {key: hypothesis(text) for key, text in french.items()},
        "st_fr_en": {key: hypothesis(text.upper()) for key, text in french.items()},
        "asr_en": {key: hypothesis(text) for key, text in english.items()},
    }
    folder = decode_dir / "logdir" / f"output.{job}"
    write_hypotheses(folder, 1, found)
    write_objectives(folder / OBJECTIVES, [parse_objective(name) for name in found])
    Speed(4.0, 1.0, len(french) + len(english), lengthened=1).write(folder / "speed.json")


@pytest.fixture
def utt2lang(tmp_path: Path) -> Path:
    path = tmp_path / "utt2lang"
    path.write_text("".join(f"{key} {value}\n" for key, value in UTT2LANG.items()))
    return path


def test_jobs_are_joined_sorted_by_key_with_empty_hypotheses_kept(
    tmp_path: Path, utt2lang: Path, caplog: pytest.LogCaptureFixture
):
    write_job(tmp_path, 1, {"a-2": ""}, {})
    write_job(tmp_path, 2, {"a-1": "oui"}, {"b-1": "yes"})
    assert join_outputs(tmp_path, 2, utt2lang) == {"asr_en": 1, "asr_fr": 2, "st_fr_en": 2}
    assert (tmp_path / "asr_fr" / "text").read_text().split("\n") == ["a-1 oui", "a-2 ", ""]
    assert (tmp_path / "asr_fr" / "token").read_text().startswith("a-1 o u i\n")
    assert (tmp_path / "asr_fr" / "token_int").read_text().startswith("a-1 0 1 2\n")
    assert (tmp_path / "asr_fr" / "score").read_text().startswith("a-1 -1.500000\n")
    assert (tmp_path / "st_fr_en" / "text").read_text().startswith("a-1 OUI\n")
    names = [objective.name for objective in read_objectives(tmp_path / OBJECTIVES)]
    assert names == ["asr_fr", "st_fr_en", "asr_en"]  # as in the model
    speed = json.loads((tmp_path / "speed.json").read_text())
    numbers = {"audio_seconds": 8.0, "decode_seconds": 2.0, "utterances": 3, "lengthened": 2}
    assert speed == {**numbers, "rtf": 0.25}
    assert "too short for the encoder, lengthened at their end: 2, see" in caplog.text


def test_a_set_that_lacks_a_language_has_no_output_of_it(tmp_path: Path):
    (tmp_path / "utt2lang").write_text("a-1 fr\n")
    write_job(tmp_path, 1, {"a-1": "oui"}, {})
    assert join_outputs(tmp_path, 1, tmp_path / "utt2lang") == {"asr_fr": 1, "st_fr_en": 1}
    assert not (tmp_path / "asr_en").exists()
    assert "asr_en" not in (tmp_path / OBJECTIVES).read_text()


def write_voices(decode_dir: Path, job: int, keys: list[str]) -> None:
    folder = decode_dir / "logdir" / f"output.{job}"
    found = {
        key: (Hypothesis("", (), (), 0.0, np.arange(3, dtype=np.float32) + job),) for key in keys
    }
    write_hypotheses(folder, 1, {"voice": found})
    write_objectives(folder / OBJECTIVES, [Objective("voice", "module:Voice")])
    Speed(4.0, 1.0, len(keys)).write(folder / "speed.json")


def test_arrays_of_an_objective_of_all_languages_are_joined_for_every_utterance(
    tmp_path: Path, utt2lang: Path
):
    import kaldiio

    write_voices(tmp_path, 1, ["b-1", "a-1"])
    write_voices(tmp_path, 2, ["a-2"])
    write_voices(tmp_path, 3, [])
    assert join_outputs(tmp_path, 3, utt2lang) == {"voice": 3}
    found = kaldiio.load_scp(str(tmp_path / "voice" / "array.scp"))
    assert {key: found[key].tolist() for key in found} == {
        "a-1": [1, 2, 3],
        "a-2": [2, 3, 4],
        "b-1": [1, 2, 3],
    }
    write_voices(tmp_path, 2, [])
    with pytest.raises(ValueError, match=r"voice/text lacks 1 of the 3 .* for all languages"):
        join_outputs(tmp_path, 3, utt2lang)


def test_jobs_that_decoded_other_objectives_are_refused(tmp_path: Path, utt2lang: Path):
    write_job(tmp_path, 1, {"a-1": "oui", "a-2": "non"}, {"b-1": "yes"})
    write_voices(tmp_path, 2, [])
    with pytest.raises(ValueError, match=r"output.2/objectives.json lists other objectives than"):
        join_outputs(tmp_path, 2, utt2lang)
    (tmp_path / "logdir" / "output.2" / OBJECTIVES).unlink()
    with pytest.raises(FileNotFoundError, match=r"output.2/objectives.json does not exist"):
        join_outputs(tmp_path, 2, utt2lang)


def test_a_missing_utterance_is_named_and_nothing_is_written(tmp_path: Path, utt2lang: Path):
    write_job(tmp_path, 1, {"a-1": "oui"}, {"b-1": "yes"})
    with pytest.raises(ValueError, match=r"asr_fr/text lacks 1 of the 2 .* \['a-2'\]"):
        join_outputs(tmp_path, 1, utt2lang)
    assert not (tmp_path / "asr_en").exists()


def test_an_utterance_of_two_jobs_is_named(tmp_path: Path, utt2lang: Path):
    write_job(tmp_path, 1, {"a-1": "oui", "a-2": "non"}, {"b-1": "yes"})
    write_job(tmp_path, 2, {"a-1": "oui"}, {})
    with pytest.raises(ValueError, match=r"decoded by another job too: \['a-1'\]"):
        join_outputs(tmp_path, 2, utt2lang)


def test_an_utterance_that_the_set_does_not_have_is_named(tmp_path: Path, utt2lang: Path):
    write_job(tmp_path, 1, {"a-1": "oui", "a-2": "non", "c-9": "!"}, {"b-1": "yes"})
    with pytest.raises(ValueError, match=r"has 1 utterances that .* not list for fr: \['c-9'\]"):
        join_outputs(tmp_path, 1, utt2lang)


def test_a_job_that_did_not_finish_is_named(tmp_path: Path, utt2lang: Path):
    write_job(tmp_path, 1, {"a-1": "oui", "a-2": "non"}, {"b-1": "yes"})
    with pytest.raises(FileNotFoundError, match=r"output.2/speed.json.*did not finish"):
        join_outputs(tmp_path, 2, utt2lang)
    write_job(tmp_path, 2, {}, {})
    (tmp_path / "logdir" / "output.2" / "st_fr_en" / "1best_recog" / "score").unlink()
    with pytest.raises(FileNotFoundError, match=r"st_fr_en/1best_recog/score does not exist"):
        join_outputs(tmp_path, 2, utt2lang)


def test_the_number_of_jobs_must_be_positive(tmp_path: Path, utt2lang: Path):
    with pytest.raises(ValueError, match="`--jobs` must be 1 or more"):
        join_outputs(tmp_path, 0, utt2lang)


def test_an_unknown_length_of_speech_gives_no_real_time_factor(tmp_path: Path):
    Speed(None, 2.0, 3).write(tmp_path / "speed.json")
    values = json.loads((tmp_path / "speed.json").read_text())
    assert values["rtf"] is None
    assert values["audio_seconds"] is None


def test_what_an_earlier_decoding_has_left_is_removed(tmp_path: Path, utt2lang: Path):
    write_job(tmp_path, 1, {"a-1": "oui", "a-2": "non"}, {"b-1": "yes"})
    join_outputs(tmp_path, 1, utt2lang)
    (tmp_path / "asr_en" / "array.scp").write_text("b-1 array.ark:4\n")
    utt2lang.write_text("b-1 en\n")  # the set was corrected
    write_job(tmp_path, 1, {}, {"b-1": "yes"})
    join_outputs(tmp_path, 1, utt2lang)
    assert [item.name for item in find_objectives(tmp_path)] == ["asr_en"]
    assert not (tmp_path / "asr_en" / "array.scp").exists()
    write_voices(tmp_path, 1, ["b-1"])  # another model
    join_outputs(tmp_path, 1, utt2lang)
    assert [item.name for item in find_objectives(tmp_path)] == ["voice"]

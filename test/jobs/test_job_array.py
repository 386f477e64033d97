"""The word JOB, and what an array refuses."""

from pathlib import Path

import pytest

from espnet_soups.jobs.job_array import JobArray, load_job_array


def test_job_is_replaced_as_a_word_and_not_inside_other_words() -> None:
    array = JobArray(("run", "keys.JOB.scp", "split_JOB", "/JOBS/aJOB", "JOB"), 12, "log/d.JOB.log")
    assert array.command_of(12) == ["run", "keys.12.scp", "split_12", "/JOBS/aJOB", "12"]
    assert array.log_of(3) == Path("log/d.3.log")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"jobs": 0}, "`jobs` must be at least 1, but got 0"),
        ({"num_threads": 0}, "`num_threads` must be at least 1"),
        ({"gpus": -1}, "`gpus` must be at least 0"),
        ({"jobs": 2, "log": "one.log"}, "must contain the word JOB"),
        ({"command": ()}, "There is no command"),
    ],
)
def test_an_impossible_array_is_refused(change: dict[str, object], sentence: str) -> None:
    settings: dict[str, object] = {"command": ("true",), "jobs": 1, "log": "one.log"}
    with pytest.raises(ValueError, match=sentence):
        JobArray(**{**settings, **change})  # type: ignore[arg-type]


def test_a_saved_array_comes_back_with_search_paths_and_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    array = JobArray(("echo", "JOB ü"), 2, "x.JOB.log", num_threads=3)
    array.save(tmp_path / "array.json")
    loaded, environment = load_job_array(tmp_path / "array.json")
    assert loaded == array
    assert "PATH" in environment
    assert "SOME_TOKEN" not in environment

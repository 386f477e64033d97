"""The file that says which objectives a decoded set holds."""

import pytest

from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.objective_file import read_objectives, write_objectives


def test_objectives_are_read_as_they_were_written(tmp_path) -> None:
    objectives = [
        Objective("st_fr_en", "st", "fr", "en", "text_en", "text.en", selects=True),
        Objective("été", "my:Season", supervised=False),
    ]
    write_objectives(tmp_path / "objectives.json", objectives)
    assert read_objectives(tmp_path / "objectives.json") == objectives


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold an object"),
        ('{"a": {"name": "a"}}', "must map the name"),
        ('{"a": {"name": "b", "kind": "asr"}}', "must map the name"),
        ('{"a": {"name": "a", "kind": "asr", "colour": 1}}', "must map the name"),
    ],
)
def test_other_contents_are_refused(tmp_path, content, message) -> None:
    path = tmp_path / "objectives.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=f"objectives.json {message}"):
        read_objectives(path)

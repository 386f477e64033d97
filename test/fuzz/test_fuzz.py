"""Damaged files end in a sentence that names them: a few hundred for each reader, always the same.

`python test/fuzz/fuzz.py --inputs 100000` gives each reader that many.
"""

import logging
from pathlib import Path

import pytest
from fuzz_law import Parser, fuzz
from fuzz_readers import PARSERS

INPUTS = 250


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_every_reader_accepts_a_file_or_refuses_it_by_name(name: str, tmp_path: Path):
    logging.disable(logging.CRITICAL)
    try:
        found = fuzz(PARSERS[name], tmp_path, INPUTS, seed=1)
    finally:
        logging.disable(logging.NOTSET)
    assert found.inputs == INPUTS
    assert not found.broken, "\n".join(
        f"{what}: {said}: {content!r:.300}" for what, (_, said, content) in found.broken.items()
    )


def test_the_law_finds_what_breaks_it(tmp_path: Path):
    assert len(PARSERS) >= 24

    def careless(folder: Path) -> dict[str, str]:
        text = (folder / "text").read_text(encoding="utf-8")
        return dict(line.split(" ", 1) for line in text.splitlines())

    lost = lambda content, name, result: None if len(result) == 2 else "a line is lost"  # noqa: E731
    found = fuzz(Parser(careless, {"text": b"a one\nb two\n"}, lost), tmp_path, 300, seed=0)
    assert any(what.startswith("UnicodeDecodeError without a file") for what in found.broken)
    assert "a line is lost" in found.broken

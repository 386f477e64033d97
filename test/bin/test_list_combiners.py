from pathlib import Path

from espnet_soups.bin.list_combiners import main
from espnet_soups.weighting.catalogue import REFUSED
from espnet_soups.weighting.registry import combiner_names

DOCS = Path(__file__).parents[2] / "docs" / "combiners.md"


def test_the_documentation_holds_the_table_of_the_command(capsys):
    main(["--markdown"])
    table = capsys.readouterr().out
    assert f"list_combiners --markdown -->\n{table}<!-- end -->" in DOCS.read_text(encoding="utf-8")
    assert len(table.splitlines()) == len(combiner_names()) + 2


def test_the_command_lists_every_combiner_and_why_some_are_not_offered(capsys):
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(combiner_names())]] == combiner_names()
    assert sum(line.startswith("not offered: ") for line in lines) == len(REFUSED) >= 3

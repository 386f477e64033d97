"""The commands of the repository's tools that the documents name are there."""

import re
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("egs2/[!t]*/msp1/README.md")]


def test_every_command_that_a_document_names_is_a_module_that_can_be_run():
    named = {
        command
        for path in DOCUMENTS
        for command in re.findall(r"python -m (tools\.[\w.]+)", path.read_text(encoding="utf-8"))
    }
    assert named == {
        "tools.benchmark.commits",
        "tools.benchmark.corpora",
        "tools.benchmark.decoding",
        "tools.benchmark.many_objectives",
        "tools.benchmark.profile",
        "tools.benchmark.scale",
        "tools.benchmark.steps",
        "tools.benchmark.threads",
        "tools.machine_plan",
        "tools.machine_plan.parameters",
        "tools.mutants",
        "tools.stock.run",
    }
    for command in named:
        is_package = (ROOT / command.replace(".", "/")).is_dir()
        module = f"{command}.__main__" if is_package else command
        assert find_spec(module) is not None, command

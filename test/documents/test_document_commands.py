"""Every block of commands in the documents runs, as far as the programs' own options.

Scripts of recipes are the real ones, up to where they would look at the environment. Words of
Python commands are given to their real parsers. docs/tested_commands.md says what runs them whole.
"""

import importlib
import re
from pathlib import Path

import pytest
import yaml
from shell_blocks import ROOT, Sandbox, all_blocks

from espnet_soups.bin.command import split_words
from espnet_soups.bin.main import COMMANDS

BASH = list(all_blocks("bash"))
# Commands whose further options are those of ESPnet or of the kinds, which need torch.
FURTHER_OPTIONS = ("msp_train", "measure_conflict", "objectives")
RECIPES_OF = {"docs/backbones.md": "covost2", "docs/machine_plans.md": "covost2"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The clone in which all blocks run."""
    made = Sandbox(tmp_path_factory.mktemp("documents"))
    asterisk = made.root / "egs2" / "asterisk" / "msp1"
    for folder in (made.root, asterisk):  # what the pages suppose to be there
        (folder / "talk.wav").touch()
        (folder / "my_folder").mkdir()
        (folder / "my_folder" / "run.sh").write_text("#!/usr/bin/env bash\n")
        (folder / "my_folder" / "run.sh").chmod(0o755)
    (asterisk / "conf" / "train_age.yaml").touch()
    return made


def folder_of(page: str, block: str) -> str:
    """Return the folder in which a reader runs a block."""
    if page.startswith("egs2/") and "tools." not in block:
        return str(Path(page).parent)
    if re.search(r"^cd egs2|/mine/|tools[./]|^tools|egs2/", block, re.MULTILINE):
        return "."
    return f"egs2/{RECIPES_OF.get(page, 'asterisk')}/msp1"


def parse(words: list[str]) -> str:
    """Give words to the parser of their command; return its module, empty: another program."""
    program, *rest = words
    if program == "espnet-soups":
        module, rest = f"espnet_soups.bin.{COMMANDS[rest[0]][0]}", rest[1:]
    elif program in ("torchrun", "srun"):
        module = rest[rest.index("-m") + 1]
        rest = rest[rest.index("-m") + 2 :]
    elif program == "python" and rest[0] == "-m":
        module, rest = rest[1], rest[2:]
    else:
        assert program != "python" or (ROOT / rest[0]).is_file(), words
        return ""
    if not module.startswith(("espnet_soups.bin.", "tools.")):
        return ""
    package = ROOT / module.replace(".", "/")
    loaded = importlib.import_module(f"{module}.__main__" if package.is_dir() else module)
    parser = loaded.get_parser()
    own, _ = split_words(rest)
    if module == "espnet_soups.bin.search_weights":
        own = rest
    if module.rpartition(".")[2] in FURTHER_OPTIONS:
        parser.parse_known_args(own)
    elif "--help" not in own:
        parser.parse_args(own)
    return module


def test_the_copies_of_a_plan_have_its_mini_batch_and_mixed_precision(sandbox: Sandbox):
    text = (ROOT / "docs" / "machine_plans.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(sed .*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 7
    for block in blocks:
        recipe = sandbox.root / "egs2" / "covost2" / "msp1"
        sandbox.run(block, "egs2/covost2/msp1")
        source, copy = re.findall(r"conf/\S+\.yaml", block)
        before, after = (yaml.safe_load((recipe / name).read_text()) for name in (source, copy))
        assert after.pop("use_amp") is True
        for key in ("batch_bins", "accum_grad"):
            assert after[key] == int(re.search(rf"{key}: (\d+)", block)[1])
            after[key] = before[key]
        assert after == before


def test_there_are_blocks_of_most_pages():
    assert len(BASH) >= 60
    assert len({page for page, _ in BASH}) >= 25


@pytest.mark.parametrize(
    ("page", "block"), BASH, ids=[f"{page}-{number}" for number, (page, _) in enumerate(BASH)]
)
def test_every_command_is_taken_by_its_program(page: str, block: str, sandbox: Sandbox, capsys):
    for words in sandbox.run(block, folder_of(page, block)):
        try:
            parse(words)
        except SystemExit:
            pytest.fail(f"{page}: {' '.join(words)}\n{capsys.readouterr().err}")


@pytest.mark.parametrize(
    "block",
    [
        "./run.sh --sooup vs",
        "./run.sh --soup vx",
        "tables/none.sh",
        "espnet-soups transcribe x.wav --langg fr",
        "python -m tools.benchmark.steps --devices cuda",
        "python test/none.py",
    ],
)
def test_a_wrong_word_would_be_noticed(block: str, sandbox: Sandbox):
    with pytest.raises((AssertionError, SystemExit)):
        list(map(parse, sandbox.run(block, "egs2/covost2/msp1")))


@pytest.mark.parametrize("page", sorted({page for page, _ in BASH}))
def test_configurations_that_commands_name_are_there(page: str):
    written = {name for _, block in BASH for name in re.findall(r">(conf/\S+)", block)}
    written |= {"conf/train_age.yaml"}  # docs/own_objective.md shows what to write there
    for block in (block for other, block in BASH if other == page):
        for name in re.findall(r"(?<![\w/>])(?:conf|tables|local)/[\w./-]+\.(?:yaml|sh)", block):
            found = list(ROOT.glob(f"egs2/[!t]*/msp1/{name}"))
            assert found or name in written, f"{page}: {name}"


@pytest.mark.parametrize(("page", "block"), list(all_blocks("python")))
def test_every_python_block_compiles(page: str, block: str):
    compile(block, page, "exec")


@pytest.mark.parametrize(("page", "block"), list(all_blocks("yaml")))
def test_every_yaml_block_is_a_mapping(page: str, block: str):
    read = yaml.safe_load(block)
    assert isinstance(read, dict), page


def test_the_page_of_tested_commands_has_a_row_for_every_page_with_commands():
    text = (ROOT / "docs" / "tested_commands.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+\.md)` \| (.*?) \| ?(.*?) ?\|$", text, re.MULTILINE)
    with_commands = {page for page, _ in [*BASH, *all_blocks("python")]}
    assert [page for page, _, _ in rows] == sorted(with_commands, key=_by_place)
    for page, tests, _ in rows:
        named = re.findall(r"`(test/\S+\.py)`", tests)
        assert named, page
        for test in named:
            assert (ROOT / test).is_file(), test


def _by_place(page: str) -> tuple[int, str]:
    return (page.startswith("docs/") + 2 * page.startswith("egs2/"), page.replace("README", ""))

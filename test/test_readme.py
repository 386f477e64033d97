"""What the documents name is there: files behind links, modules in tables, commands, options."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").glob("*.md"),
    *ROOT.glob("egs2/[!t]*/msp1/README.md"),  # not those of tests
]


def test_there_are_documents_to_look_at():
    assert len(DOCUMENTS) >= 3


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(path: Path):
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    for link in links:
        if not link.startswith("http"):
            assert (path.parent / link).exists(), link


def test_every_module_and_command_of_the_documents_exists():
    modules, commands = set(), set()
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        modules |= set(re.findall(r"`(\w+(?:/\w+)+\.py)`", text))
        commands |= set(re.findall(r"espnet_soups\.bin\.(\w+)", text))
    assert len(modules) >= 20
    assert len(commands) >= 10
    for module in modules:
        assert (ROOT / "espnet_soups" / module).exists() or (ROOT / module).exists(), module
    for command in commands:
        assert (ROOT / "espnet_soups" / "bin" / f"{command}.py").exists(), command


def test_the_house_lists_every_room():
    text = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^  (\w+)/ ", text, re.MULTILINE)
    assert set(rooms) == {
        path.parent.name for path in (ROOT / "espnet_soups").glob("*/__init__.py")
    }


def test_the_table_of_settings_names_files_that_exist():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| `.*`(\w+/\w+\.py)`", text, re.MULTILINE)) >= 5


def test_the_readme_fits_two_screens_and_leads_to_every_document():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 115
    for command in ("(cd egs2/asterisk/msp1 && ./run.sh) ", "tools/run_tests.sh "):
        assert re.search(rf"^{re.escape(command)}", text, re.MULTILINE)
    for path in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{path.name})" in text, path.name


def defined_in(path: Path) -> set[str]:
    """Return the functions and classes of a module, and `Class.method`."""
    names = set()
    kinds = (ast.FunctionDef, ast.ClassDef)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, kinds):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, kinds)}
    return names


def test_every_function_that_a_document_names_beside_its_file_is_there():
    found = 0
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for module, names in re.findall(r"`(\w+/\w+\.py)`: (`[\w.]+`(?:, `[\w.]+`)*)", text):
            defined = defined_in(ROOT / "espnet_soups" / module)
            for name in re.findall(r"[\w.]+", names):
                assert name in defined, f"{path.name}: {module} has no {name}"
                found += 1
    assert found >= 20


def test_every_option_of_run_sh_that_a_document_uses_is_defined():
    script = (ROOT / "egs2" / "TEMPLATE" / "msp1" / "msp.sh").read_text(encoding="utf-8")
    defined = {"help", *re.findall(r"^option (\w+) ", script, re.MULTILINE)}
    for path in DOCUMENTS:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "run.sh" in line or "msp.sh" in line:
                own = re.sub(r"(['\"])--.*?\1", "", line)  # quoted ones are for msp_train
                for option in re.findall(r"--([a-z][\w-]*)", own):
                    assert option.replace("-", "_") in defined, f"{path.name}: --{option}"


def messages_of(path: Path) -> list[str]:
    """Return the texts of a module, with … for what is filled in."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
        if isinstance(node, ast.JoinedStr):
            parts = [getattr(part, "value", "") for part in node.values]
            found.append("".join(part if isinstance(part, str) else "…" for part in parts))
    return found


def test_every_message_of_the_questions_is_one_of_the_program():
    text = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    assert len(shown) >= 6
    modules = (ROOT / "espnet_soups").rglob("*.py")
    known = [message.replace("`", "") for path in modules for message in messages_of(path)]
    for message in shown:
        pattern = ".*".join(map(re.escape, message.split("…")))
        assert any(re.search(pattern, one, re.DOTALL) for one in known), message

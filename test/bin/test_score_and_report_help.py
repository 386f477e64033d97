"""The commands of scoring and report answer without torch."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", ["score", "report", "compare"])
def test_help_answers_without_importing_what_is_slow(command: str) -> None:
    code = (
        "import sys\n"
        f"from espnet_soups.bin.{command} import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "slow = {'torch', 'espnet2', 'matplotlib', 'jiwer', 'sacrebleu'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--help" in done.stdout


def test_neither_room_imports_torch_or_espnet() -> None:
    code = (
        "import sys\n"
        "import espnet_soups.scoring.compare, espnet_soups.scoring.score_table\n"
        "import espnet_soups.report.write_report, espnet_soups.soup.config\n"
        "assert not {'torch', 'espnet2'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bad_input_ends_in_one_sentence(tmp_path) -> None:
    words = ["--reference_dir", str(tmp_path), "--decode_dir", str(tmp_path / "nowhere")]
    done = subprocess.run(
        [sys.executable, "-m", "espnet_soups.bin.score", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1

"""Run the tests that are marked `gpu`."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MARK = "pytest.mark.gpu"
DEVICE = "SOUPS_GPU_TESTS_ON"  # test/soup/test_gpu.py


def marked_files() -> list[Path]:
    """Return the test files with tests for a GPU."""
    files = sorted((ROOT / "test").rglob("test_*.py"))
    return [path for path in files if MARK in path.read_text(encoding="utf-8")]


def run_marked(device: str, out: Path, seconds: float) -> dict[str, Any]:
    """Run them in a process of their own.

    Args:
        device: `cuda`; or `cpu`, on which they compare a CPU with itself.
        out: Folder for their log, `tests.log`.
        seconds: Time limit, s.

    Returns:
        Numbers of tests by outcome, with the names of those that failed; `error` if they did not
        end.
    """
    report = out / "tests.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-m", "gpu", f"--junitxml={report}"]
    # warnings of versions that are not ours are no failures
    command += ["-o", "filterwarnings=default", "-p", "no:cacheprovider", "--durations=5"]
    command += [str(path) for path in marked_files()]
    with open(out / "tests.log", "w", encoding="utf-8") as log:
        try:
            subprocess.run(
                command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, timeout=seconds,
                env=os.environ | {DEVICE: device},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"error": f"not finished in {seconds:.0f} s; see {out / 'tests.log'}"}
    if not report.is_file():
        return {"error": f"pytest failed; see {out / 'tests.log'}"}
    return read_report(report)


def read_report(path: Path) -> dict[str, Any]:
    """Read pytest's report.

    Args:
        path: A file in JUnit's format.

    Returns:
        The numbers of tests that `passed`, `failed` and were `skipped`, and `failures`, the names
        of those that failed.
    """
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    bad = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    return {
        "passed": len(cases) - len(bad) - len(skipped),
        "failed": len(bad),
        "skipped": len(skipped),
        "failures": [f"{case.get('classname')}::{case.get('name')}" for case in bad],
    }

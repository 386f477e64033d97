"""What is installed is compared with what is asked for."""

import sys

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from espnet_soups.installation import machine
from espnet_soups.installation.packages import MISSING, OK, WRONG, find_bash, find_package


def test_a_package_is_there_missing_or_of_another_version():
    assert find_package(Requirement("pytest>=8")).verdict == OK
    old = find_package(Requirement("pytest<8"))
    assert (old.verdict, old.needed) == (WRONG, True)
    assert ", but needs <8" in old.words
    lacking = find_package(Requirement("no-such-package>=1"), "hf", "encoders")
    assert (lacking.verdict, lacking.needed) == (MISSING, False)
    assert lacking.words == "needs >=1; for encoders: pip install 'espnet-soups[hf]'"


def test_packages_that_an_extra_of_a_package_brings_are_looked_for(monkeypatch):
    asked = Requirement("torchjd[cagrad]>=0.1")
    assert find_package(asked, "combiners", "some combiners").verdict == OK
    from espnet_soups.installation import packages

    def found(name: str) -> str:
        if name == "torchjd":
            return "0.18.0"
        raise packages.PackageNotFoundError(name)

    monkeypatch.setattr(packages, "version", found)
    lacking = packages.find_package(asked, "combiners", "some combiners")
    assert lacking.verdict == MISSING
    assert "cvxpy" in lacking.words.partition(";")[0]


def test_bash_is_found_with_its_version():
    assert find_bash().verdict == OK
    assert Version(find_bash().words) >= Version("4.4")


def test_the_machine_is_described_with_and_without_a_gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "find_gpus", lambda: [])
    lines = machine.describe_machine()
    assert [line.split()[0] for line in lines] == ["cores", "disk", "gpu"]
    assert "18 times as fast as two cores" in lines[2]
    monkeypatch.setattr(machine, "find_gpus", lambda: ["NVIDIA X, 80 MiB"])
    monkeypatch.setattr(machine, "torch_and_gpus", lambda: "torch   uses them")
    assert machine.describe_machine()[2:] == ["gpu     NVIDIA X, 80 MiB", "torch   uses them"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not say")
def test_the_free_memory_is_that_of_the_system():
    free = machine.free_memory()
    assert free is not None
    assert 0 < free < 16384

"""The examples in docstrings give what they say."""

import doctest
import importlib.util
import pkgutil

import pytest

import espnet_soups
import tools.benchmark
import tools.docs
import tools.machine_plan
import tools.stock

# where an optional extra is not installed, the room that needs it cannot be imported
LEFT_OUT = () if importlib.util.find_spec("lightning") else ("espnet_soups.espnet3.",)
MODULES = [
    module.name
    for package in (espnet_soups, tools.benchmark, tools.docs, tools.machine_plan, tools.stock)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.ispkg and not module.name.endswith("__main__")
    if not module.name.startswith(LEFT_OUT)
]


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [
        test
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
        if test.examples
    ]
    assert len(examples) >= 10


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0

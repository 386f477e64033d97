"""What a training has left in its folder, and whether two of them ended alike."""

import json

import torch


def without_times(record):
    return {key: value for key, value in record.items() if not key.endswith("seconds")}


def load(path):
    return torch.load(path, weights_only=True)


def records(folder):
    lines = (folder / "soup.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def assert_same_end(folder, reference):
    """Compare all that training goes on from, bit for bit."""
    found, expected = load(folder / "checkpoint.pth"), load(reference / "checkpoint.pth")
    assert found["model"].keys() == expected["model"].keys()
    for name, tensor in expected["model"].items():
        assert torch.equal(found["model"][name], tensor), name
    ours, theirs = found["optimizers"][0], expected["optimizers"][0]
    assert str(ours["state"]) == str(theirs["state"])
    assert str(ours.get("soup")) == str(theirs.get("soup"))
    average, reference_average = (
        load(folder / "valid.loss.ave.pth"),
        load(reference / "valid.loss.ave.pth"),
    )
    for name, tensor in reference_average.items():
        assert torch.equal(average[name], tensor), name
    for record, other in zip(records(folder), records(reference), strict=True):
        assert without_times(record) == without_times(other)

"""A run that was killed in the middle of training goes on as if nothing had happened."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import torch
from tiny_recipe import environment, run, tensors_of


def test_a_killed_training_resumes_to_the_result_of_an_uninterrupted_one(recipe: Path):
    longer = "--train_args=--max_epoch 8"  # long enough to be caught in the middle
    whole = run(recipe, "--stop-stage", "9", "--soup", "vs", "--msp_tag=whole", longer)
    assert whole.returncode == 0, whole.stdout[-3000:] + whole.stderr[-3000:]
    command = ["./run.sh", "--stop_stage=9", "--soup=vs", "--msp_tag=killed"]
    command.append(longer)
    killed = subprocess.Popen(command, cwd=recipe, env=environment(), start_new_session=True)
    epoch = recipe / "exp" / "msp_killed" / "1epoch.pth"
    deadline = time.monotonic() + 200
    while not epoch.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    subprocess.run(["pkill", "-9", "-f", f"{epoch.parent.name} --trainer_conf"], check=False)
    killed.wait()
    assert epoch.exists()
    assert not (epoch.parent / "8epoch.pth").exists()  # else there was nothing to resume
    resumed = run(recipe, *command[1:])
    assert resumed.returncode == 0, resumed.stdout[-3000:] + resumed.stderr[-3000:]
    # the end of run.sh may have reached the training as a request to stop, which saves its step
    place = r"epoch [2-8] of 8: [1-7] are|the checkpoint inside epoch [2-8], step .* epochs are"
    assert re.search(rf"\n  goes on from ({place}) done \(exp/msp_killed", resumed.stdout)
    assert "goes on from" not in whole.stdout
    expected = tensors_of(recipe / "exp" / "msp_whole" / "8epoch.pth")
    found = tensors_of(recipe / "exp" / "msp_killed" / "8epoch.pth")
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name

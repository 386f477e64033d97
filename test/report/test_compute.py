"""On what a training ran."""

import socket

from espnet_soups.report.compute import compute_text, describe_compute, environment_rows
from espnet_soups.report.environment import describe_environment
from espnet_soups.report.train_log import TrainLog


def test_gpus_of_all_processes_are_counted() -> None:
    compute = describe_compute({"ngpu": 1, "dist_world_size": 4}, TrainLog())
    assert (compute["processes"], compute["gpus"]) == (4, 4)
    assert compute_text(compute) == "4 GPUs"


def test_threads_are_those_of_the_log_and_else_said_to_be_unknown() -> None:
    config = {"ngpu": 0, "dist_world_size": None}
    assert compute_text(describe_compute(config, TrainLog(threads=2))) == "2 threads"
    assert compute_text(describe_compute(config, TrainLog())) == "threads not known"
    adapted = describe_compute(config, TrainLog(threads=8, chosen={3, 8, 5}))
    assert compute_text(adapted) == "3 to 8 threads"
    assert compute_text(describe_compute(config, TrainLog(threads=8, chosen={5}))) == "5 threads"
    ranks = describe_compute({"ngpu": 0, "dist_world_size": 2}, TrainLog())
    assert compute_text(ranks) == "2 processes, threads not known"


def test_the_machine_of_the_report_is_not_passed_off_as_that_of_the_training() -> None:
    environment = describe_environment()
    here = describe_compute({}, TrainLog(threads=1, host=socket.gethostname()))
    there = describe_compute({}, TrainLog(threads=1, host="some-other-host"))
    assert dict(environment_rows(environment, here))["trained on"] == "1 thread"
    assert dict(environment_rows(environment, there))["trained on"] == (
        "1 thread, on another machine than this report was made on"
    )


def test_the_hardware_names_processor_and_gpus() -> None:
    environment = describe_environment() | {"cpu": "Quick CPU", "gpus": ["Fast GPU"] * 2}
    hardware = dict(environment_rows(environment, None))["hardware"]
    assert hardware.startswith("Quick CPU, ")
    assert hardware.endswith(", 2 × Fast GPU")
    without = dict(environment_rows(environment | {"gpus": []}, None))["hardware"]
    assert without.endswith(", no GPU")

"""Adapt options to the launcher of a distributed run: torchrun, Slurm, or ESPnet itself."""

import argparse
from collections.abc import Mapping

TORCHRUN = "TORCHELASTIC_RUN_ID"  # torchrun sets it in every process that it starts


def settle_launcher(args: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Set the options that depend on how this process was started.

    torchrun starts all ranks, so `--multiprocessing_distributed` (ESPnet's default) must be off:
    otherwise ESPnet treats each of them as a machine, and all of them use the first GPU. CPUs
    communicate by gloo, as NCCL is for GPUs alone.

    Args:
        args: ESPnet's options; changed in place.
        environment: The environment variables.

    Raises:
        ValueError: If torchrun and `--ngpu` contradict each other, or several GPUs would share a
            process.
    """
    if TORCHRUN in environment:
        if args.ngpu > 1:
            raise ValueError(
                "torchrun starts one process per GPU, so that each needs `--ngpu 1` (CPUs: 0), but"
                f" got {args.ngpu}. `--ngpu {args.ngpu}` without torchrun starts"
                f" {args.ngpu} processes on this machine."
            )
        args.multiprocessing_distributed = False
    elif args.ngpu > 1 and not args.multiprocessing_distributed:
        raise ValueError(
            f"`--ngpu {args.ngpu} --multiprocessing_distributed false` would share one process"
            " between several GPUs (DataParallel), which soups do not support: leave out"
            " `--multiprocessing_distributed false`, so that each GPU has a process of its own."
        )
    if args.ngpu == 0 and args.dist_backend == "nccl":
        args.dist_backend = "gloo"

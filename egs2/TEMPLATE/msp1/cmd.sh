#!/usr/bin/env bash
# How the recipe runs its jobs; sourced by msp.sh. Change it here, or for one run by
# `cmd_backend=slurm ./run.sh`.
#
#   local   processes of this machine
#   slurm   sbatch, with the options of your site in conf/slurm.conf, a line each, such as
#               --time=24:00:00
#               gpu: --partition=gpu
#               cpu: --partition=cpu
#   ssh     the hosts in .queue/machines, a line each: host [jobs at once]; the folders must be the same there
#
# The three are used as `${decode_cmd} --jobs 4 --gpus 0 --log exp/log/decode.JOB.log -- command … JOB …`;
# see `python -m espnet_soups.bin.run_jobs --help`.

cmd_backend=${cmd_backend:-local}

case "${cmd_backend}" in
local | slurm | ssh) ;;
*)
    echo "error: cmd_backend=${cmd_backend} is not known; choose local, slurm or ssh (cmd.sh)" >&2
    exit 2
    ;;
esac

_run_jobs="python -m espnet_soups.bin.run_jobs --backend ${cmd_backend} --end_with_parent"
export train_cmd=${_run_jobs}  # preparing: many short jobs
export cuda_cmd=${_run_jobs}   # training: one long job
export decode_cmd=${_run_jobs} # decoding: many jobs

#!/usr/bin/env bash
# Where features lie: of a whole set, as it is decoded and scored, and of what the length filter keeps of it.
#
#   ${feats_dir}/<set>     every utterance (stage 3): test sets, a validation set among them
#   ${kept_dir}/<set>      what training and validation use (stage 4)
#
# shellcheck disable=SC2034,SC2154 # options of msp.sh; msp.sh uses what is set here
feats_dir=${dumpdir}/${feats_type}
kept_dir=${feats_dir}/${min_wav_duration}-${max_wav_duration}s

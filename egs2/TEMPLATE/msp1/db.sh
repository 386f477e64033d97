#!/usr/bin/env bash
# Where corpora lie; sourced by the recipes' local/data.sh. A recipe that can fetch its corpus does
# so when its variable is empty or `downloads`; licensed ones must be named here.
# Values from the environment win: `COVOST2=/data/covost2 ./run.sh`.

export ASTERISK=${ASTERISK:-downloads}       # Asterisk core sounds: fetched by the recipe
export COVOST2=${COVOST2:-}                  # CoVoST 2: the folder with a Common Voice release per language
export LIBRISPEECH=${LIBRISPEECH:-downloads} # LibriSpeech: the folder that holds LibriSpeech/
export AISHELL=${AISHELL:-downloads}         # AISHELL-1: the folder that holds data_aishell/

#!/usr/bin/env bash
# Where corpora lie; sourced by the recipes' local/data.sh. A recipe that can fetch its corpus does
# so when its variable is empty or `downloads`; licensed ones must be named here.
# Values from the environment win: `COMMONVOICE=/data/cv ./run.sh`. Stage 1 alone reads them: once it is done,
# another folder takes `./run.sh --stage 1 --stop_stage 1 --force true`.

export ASTERISK=${ASTERISK:-downloads}       # Asterisk core sounds: fetched by the recipe
export DEBIAN_SPEECH=${DEBIAN_SPEECH:-downloads} # Debian packages with speech: fetched by the recipe
export COMMONVOICE=${COMMONVOICE:-}          # Common Voice 4 for CoVoST 2: cannot be fetched, see egs2/covost2/msp1/README.md
export COVOST2=${COVOST2:-downloads}         # CoVoST 2: the translation tables (3 to 26 MB a direction)
export LIBRISPEECH=${LIBRISPEECH:-downloads} # LibriSpeech: the folder that holds LibriSpeech/
export AISHELL=${AISHELL:-downloads}         # AISHELL-1: the folder that holds data_aishell/

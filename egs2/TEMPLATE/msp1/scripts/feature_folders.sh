#!/usr/bin/env bash
# Where features lie: of a whole set, as it is decoded and scored, and of what the length filter keeps of it.
# All settings that features depend on are part of the path: other settings never replace what a training reads.
# Where the corpus has languages that a run leaves out, its folders are named by those that it has.
# Audio that is resampled is the same for all runs; --resample only says whether a run may do so.
#
#   ${feats_dir}/<set>     every utterance (stage 3): test sets, a validation set among them
#   ${kept_dir}/<set>      what training and validation use (stage 4)
#   tested_dir SET         prints where the utterances lie that are decoded: ${feats_dir}/SET, or, where it has further
#                          languages, ${feats_dir}/only_<languages>/SET (stage 4)
#
# One folder of features belongs to one folder of data, which ${dumpdir}/.datadir names: else kept tables of the one
# would name features of the other.
#
# shellcheck disable=SC2034,SC2154 # options of msp.sh; msp.sh uses what is set here
made_of=$(realpath -m --relative-base=. "${datadir}")
((stop_stage < 2)) || [[ ! -s ${dumpdir}/.datadir || $(<"${dumpdir}/.datadir") == "${made_of}" ]] ||
    refuse "--dumpdir ${dumpdir} holds features of --datadir $(<"${dumpdir}/.datadir"); name another one for those of ${datadir}, such as --dumpdir dump_${datadir##*/}"
label_files=() audio_labels=() other_labels=() # of the objectives; second recordings; all but texts
for label in ${kinds_labels[@]+"${kinds_labels[@]}"}; do
    read -r file _ type <<<"${label}"
    label_files+=("${file}")
    [[ ${type} != audio ]] || audio_labels+=("${file}")
    [[ ${file} == text || ${file} == text.* ]] || other_labels+=("${file}")
done
feats_name=${feats_type}_${fs}hz
[[ ${feats_type} == raw ]] || feats_name+=_${num_mel_bins}mel_stack${stack}
${dump_audio} || feats_name+=_in_place # tables alone
for file in ${audio_labels[@]+"${audio_labels[@]}"}; do feats_name+=_${file}; done
feats_dir=${dumpdir}/${feats_name}
# what has a text is kept, and what has one of these
kept_name=${min_wav_duration}-${max_wav_duration}s
for file in ${other_labels[@]+"${other_labels[@]}"}; do kept_name+=_${file}; done
kept_dir=${feats_dir}/$(short_name "${kept_name}${subset}")
tested_dir() {
    local tested=${feats_dir}/$1
    [[ ! -e ${tested}/utt2lang ]] || awk -v known="${kinds_languages[*]}" '
        BEGIN { split(known, names, " "); for (i in names) runs[names[i]] }
        !($2 in runs) { others = 1; exit } END { exit others }' "${tested}/utt2lang" || tested=${feats_dir}/${kinds_only[0]#_}/$1
    printf '%s\n' "${tested}"
}

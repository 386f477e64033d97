#!/usr/bin/env bash
# Trains one speech model on many objectives: 13 stages from audio to a report.
#
#   data/<set> --1,2--> data/<set>_sp --3--> dump/<features>/<set> --4--> dump/<features>/<durations>/<set>
#   --5--> data/<language>_token_list/<kind>_<tokens> --6--> exp/msp_stats_* --7--> exp/ssl_<tag> (pre-trained encoder)
#   --9,10--> exp/msp_<tag> --11,12,13--> scores, report
#
# A recipe's run.sh calls it with the facts of its corpus, then "$@". `./run.sh --help` lists all options.
#
# shellcheck disable=SC2154 # `option` assigns the options
set -euo pipefail

# shellcheck source=egs2/TEMPLATE/msp1/scripts/options.sh
. scripts/options.sh
# shellcheck source=egs2/TEMPLATE/msp1/scripts/stages.sh
. scripts/stages.sh
# shellcheck source=egs2/TEMPLATE/msp1/scripts/checks.sh
. scripts/checks.sh
# shellcheck source=egs2/TEMPLATE/msp1/scripts/split_keys.sh
. scripts/split_keys.sh
# shellcheck source=egs2/TEMPLATE/msp1/scripts/kinds.sh
. scripts/kinds.sh
# shellcheck source=egs2/TEMPLATE/msp1/scripts/score_files.sh
. scripts/score_files.sh
# shellcheck source=egs2/TEMPLATE/msp1/scripts/noise_name.sh
. scripts/noise_name.sh
# shellcheck source=egs2/TEMPLATE/msp1/scripts/short_name.sh
. scripts/short_name.sh

command_line="./run.sh${MSP_ARGUMENTS:-}"

option_usage "./run.sh [options]" "Trains, decodes, scores and reports a multilingual ASR and ST soup."
option_group "Stages"
option stage 1 "First stage to run"
option stop_stage 13 "Last stage to run"
option skip_stages "" "Stages to leave out, such as '2 8'"
option force false "Run stages again that are up to date"
option_group "Machine"
option ngpu 0 "GPUs of training; 0: CPU"
option nj 0 "Processes of features and statistics; 0: one per core"
option inference_nj 0 "Decoding jobs; 0: one per core, with slurm or ssh 32"
option gpu_inference false "Decode on GPUs"
option num_threads 0 "Cores of training; 0: OMP_NUM_THREADS if it is set, else those that other work leaves free, with GPUs 5 for each"
option save_interval_minutes "" "Minutes between checkpoints inside an epoch of training, 0: none by time; empty: as train_config says, else 30"
option_group "Folders"
option expdir exp "Experiments"
option dumpdir dump "Features of one --datadir"
option datadir data "Data dirs and token lists"
option_group "Corpus (run.sh knows it)"
option train_set train "Name of the training set"
option valid_set dev "Name of the validation set"
option test_sets test "Names of the test sets"
option asr_langs "" "Languages to recognise, such as 'en fr'"
option st_pairs "" "Pairs to translate, such as 'fr_en es_en'"
option objectives "" "Further objectives as their kinds make them; settings stand in train_config, below objectives"
option languages "" "Further languages in utt2lang, which only objectives of all languages hear, such as 'de it'"
option local_data_opts "" "Options of local/data.sh"
option local_data_languages false "Tell local/data.sh the languages, pairs and processes of this run"
option_group "Audio"
option speed_perturb_factors "" "Speeds of training utterances, such as '0.9 1.0 1.1'; empty: as they are"
option noise "" "Stage 2 makes all sets noisy, but for unlabeled_sets: generated, or a folder of recordings, such as MUSAN's; the clean audio is kept beside"
option noise_snr "0 20" "Range of signal-to-noise ratios, dB"
option feats_type fbank "fbank, or raw (the model has a frontend)"
option dump_audio true "raw: copy the audio at the rate of the run; false: training reads recordings where they lie"
option fs 16000 "Sampling rate, Hz"
option num_mel_bins 80 "Filters of fbank"
option stack 4 "Neighbouring 10 ms frames put into one (fbank)"
option resample false "Resample audio of another rate"
option min_wav_duration 0.1 "Shorter utterances are not trained on, seconds"
option max_wav_duration 20.0 "Longer utterances are not trained on, seconds"
option_group "Tokens"
option asr_token_type char "Tokens of recognition: char or bpe"
option asr_char_langs "" "Languages recognised in single characters although asr_token_type is bpe, such as 'zh'"
option asr_nbpe 500 "Sentencepiece units of each recognised language"
option st_token_type bpe "Tokens of translation: char or bpe"
option st_char_langs "" "Target languages in single characters although st_token_type is bpe, such as 'zh'"
option st_nbpe 500 "Sentencepiece units of each target language"
option bpemode unigram "Kind of sentencepiece model: unigram or bpe"
option_group "Training"
option train_config conf/train_msp.yaml "Model, soup and optimiser"
option train_args "" "Further options of msp_train, such as '--max_epoch 3'; they are part of the tag"
option soup "" "joint, vs, vc, vm, custom or planned (by what stage 8 measures); empty: as train_config says"
option order "" "Order of vm, read bottom-up, such as USA; empty: as train_config says"
option penalty "" "Constant penalties of the lower levels, such as 0.1, or '0.5 0.1' from level 2 down; empty: as train_config says"
option combiner "" "modo, static, mgda, ... with its default options; empty: as train_config says"
option combiner_conf "" "All options of the combiner, such as 'gamma: 0.05, rho: 0.01'; they replace those of train_config"
option_group "Conflict (stage 8)"
option conflict_batches "" "Batches of the training data to measure on, such as 24; 0: stage 8 does nothing; empty: 24 with --soup planned, else 0"
option conflict_models start "What to measure: start (the model that training starts from), or of a finished training such as '1 5 last'"
option plan_top "" "What --soup planned puts on top, such as st or 'asr_*'; empty: the objectives with the weakest gradients"
option_group "Self-supervision (U)"
option ssl none "cpc or best_rq; none: no pre-training, and U only if train_config has one"
option pretrain_config "" "Optimiser and ssl_conf of stage 7; empty: conf/pretrain_<ssl>.yaml"
option pretrain_args "" "Further options of msp_train in stage 7, such as '--seed 2'; they are part of the tags"
option unlabeled_sets "" "Sets of audio without labels, in the folder of data dirs; --noise leaves them as they are"
option init_from_pretrained true "Stage 9 starts from the encoder of stage 7"
option ssl_in_training true "U is an objective of stage 9, too"
option ssl_audio labeled "U of stage 9 learns from: labeled (the training set), or unlabeled (a share of every mini-batch)"
option baseline "" "two_stage (pre-train, then train jointly without U), joint (with U, from scratch)"
option_group "Name"
option msp_tag "" "Name of the experiment; empty: made of the settings"
option_group "Decoding and report"
option nbest_average 0 "Epochs to average; 0: keep_nbest_models of train_config"
option inference_config conf/decode_msp.yaml "How to decode"
option inference_model valid.acc.ave.pth "Model to decode with"
option bleu_tokenizer "" "sacrebleu's tokenizer of all translations, such as char; empty: by target language"
option bleu_lowercase false "BLEU without case"
option bleu_lc_rm false "BLEU also in lower case without punctuation"
option report_audio true "report.html, and model.zip with it, holds recordings of the test set: those of its examples"
option publish_results false "Add the results to the recipe's own RESULTS.md"
parse_options "$@"

# --- words that are wrong on their own, before the environment is looked at ---------------------
read -ra test_set_list <<<"${test_sets}"
read -ra train_arg_list <<<"${train_args}"
read -ra pretrain_arg_list <<<"${pretrain_args}"
read -ra unlabeled_set_list <<<"${unlabeled_sets}"

((stage <= 13 && stage <= stop_stage)) || refuse "--stage must be 13 (the last one) or less, and not above --stop_stage, but got --stage ${stage} --stop_stage ${stop_stage}"
refuse_other ssl "${ssl}" none cpc best_rq
refuse_other ssl_audio "${ssl_audio}" labeled unlabeled
refuse_other feats_type "${feats_type}" fbank raw
[[ ${dump_audio} == true || ${feats_type} == raw ]] || refuse "--dump_audio false needs --feats_type raw: fbank features are always dumped"
[[ ${save_interval_minutes} =~ ^([0-9]+(\.[0-9]+)?)?$ ]] || refuse "--save_interval_minutes must be a number of minutes such as 10, 0 or more, but got '${save_interval_minutes}'"
[[ -z ${soup} ]] || refuse_other soup "${soup}" joint vs vc vm custom planned
[[ -n ${conflict_batches} ]] || conflict_batches=$([[ ${soup} == planned ]] && echo 24 || echo 0)
[[ ${conflict_batches} =~ ^[0-9]+$ ]] || refuse "--conflict_batches must be 0 or more, but got '${conflict_batches}'"
conflict_batches=$((10#${conflict_batches})) # 010 would be 8
refuse_words penalty '^[0-9]+(\.[0-9]+)?$' "numbers such as 0.1 or '0.5 0.1', 0 or more" "${penalty}"
refuse_words conflict_models '^[^,]+$' "names such as 'start last'" "${conflict_models}"
if [[ ${soup} == planned ]]; then
    [[ -z ${order}${penalty}${combiner}${combiner_conf} ]] || refuse "--soup planned chooses levels, penalties and combiners itself: leave out --order, --penalty, --combiner and --combiner_conf"
    ((conflict_batches > 0)) || refuse "--soup planned needs what stage 8 measures: --conflict_batches must be above 0"
fi
[[ -z ${plan_top} || ${soup} == planned ]] || refuse "--plan_top needs --soup planned"
for name in test_sets unlabeled_sets; do refuse_commas "${name}" "${!name}"; done
refuse_words speed_perturb_factors '^[0-9]*\.?[0-9]+$' "numbers such as '0.9 1.0 1.1'" "${speed_perturb_factors}"
[[ ${noise_snr} =~ ^-?[0-9]+(\.[0-9]+)?\ -?[0-9]+(\.[0-9]+)?$ ]] || refuse "--noise_snr must be two numbers such as '0 20', but got '${noise_snr}'"
refuse_path train_set "${train_set}"
refuse_path valid_set "${valid_set}"
refuse_path test_sets ${test_set_list[@]+"${test_set_list[@]}"}
for name in train_set valid_set dumpdir expdir; do
    [[ ${!name} != *,* ]] || refuse "--${name} must hold no comma, at which ESPnet splits its data options, but got '${!name}'"
done
[[ ${expdir} != *:* ]] || refuse "--expdir must hold no ':', at which ESPnet splits --init_param, but got '${expdir}'"
refuse_path unlabeled_sets ${unlabeled_set_list[@]+"${unlabeled_set_list[@]}"}
for name in ${unlabeled_set_list[@]+"${unlabeled_set_list[@]}"}; do
    [[ " ${train_set} ${valid_set} ${test_sets} " != *" ${name} "* ]] ||
        refuse "--unlabeled_sets must be sets of their own, but ${name} is a training, validation or test set, too"
done
if [[ -n ${baseline} ]]; then
    refuse_other baseline "${baseline}" two_stage joint
    [[ ${ssl} != none ]] || refuse "--baseline ${baseline} needs --ssl cpc or --ssl best_rq"
    soup=joint
    [[ ${baseline} == two_stage ]] && init_from_pretrained=true || init_from_pretrained=false
    [[ ${baseline} == joint ]] && ssl_in_training=true || ssl_in_training=false
fi
pretrains=false joins=false
[[ ${ssl} == none ]] || pretrains=${init_from_pretrained} joins=${ssl_in_training}
[[ ${ssl} == none || ${pretrains} == true || ${joins} == true ]] ||
    refuse "--ssl ${ssl} has nothing to do: set --init_from_pretrained or --ssl_in_training to true"
[[ -z ${pretrain_args} || ${pretrains} == true ]] || refuse "--pretrain_args needs pre-training: --ssl cpc or best_rq, without --init_from_pretrained false and --baseline joint"
[[ -z ${unlabeled_sets} || ${ssl} != none ]] || refuse "--unlabeled_sets needs --ssl cpc or --ssl best_rq"
[[ ${ssl_audio} == labeled || -n ${unlabeled_sets} ]] || refuse "--ssl_audio unlabeled needs --unlabeled_sets"
[[ ${ssl_audio} == labeled || ${joins} == true ]] || refuse "--ssl_audio unlabeled needs U in stage 9: --ssl_in_training true, and not --baseline two_stage"

# shellcheck disable=SC2034 # stages.sh names it where a stage fails
restart_command=${command_line}
# the user's own wish, if path.sh has not set it in the shell that this one was started from
if ((num_threads == 0)) && [[ ${OMP_NUM_THREADS:-} =~ ^[1-9][0-9]*$ && ${OMP_NUM_THREADS} != "${SOUPS_JOB_THREADS:-}" ]]; then
    num_threads=${OMP_NUM_THREADS}
fi
# shellcheck source=egs2/TEMPLATE/msp1/path.sh
. ./path.sh
# shellcheck source=egs2/TEMPLATE/msp1/cmd.sh
. ./cmd.sh

cores=$(python -c 'from espnet_soups.free_cores import count_cores; print(count_cores())')
((nj > 0)) || nj=${cores}
# the machine that hands jobs on says nothing about those that run them
((inference_nj > 0)) || inference_nj=$([[ ${cmd_backend} == local ]] && echo "${cores}" || echo 32)
export ESPNET_SOUPS_END_WITH_PARENT=1 # our commands end with this script, even where it is killed by SIGKILL
soups() { python -m "espnet_soups.bin.$1" "${@:2}"; } # one of our commands
soups_quietly() { soups "$@" 2> >(grep -v "Failed to import Flash Attention" >&2); } # a remark of ESPnet, which needs none

# --- names, as ESPnet makes them -------------------------------------------------------------
option_words run_options
speeds=${speed_perturb_factors:+_sp} noise_name="" found_train=${train_set} found_valid=${valid_set} # found: as stage 1 leaves them
found_tests=(${test_set_list[@]+"${test_set_list[@]}"})
if [[ -n ${noise} ]]; then
    noise_name=_$(name_of_noise "${noise}")_snr${noise_snr/ /to}
    refuse_path "noise (the name of its folder)" "${noise_name}"
    train_set+=${noise_name} valid_set+=${noise_name} test_set_list=("${test_set_list[@]/%/${noise_name}}")
fi
train_name=${train_set}${speeds}
run_options+=("--speeds=${noise_name}${speeds}")
ask_kinds names languages only subset tags model refinements labels score_files settings own_kinds vocabularies vocabulary_args \
    normalize pretrain_normalize preencoder frontend
[[ ${soup} != planned || ${#kinds_names[@]} -gt 1 ]] || refuse "--soup planned puts objectives on levels, but ${kinds_names[0]} is the only one"
own_kinds=() # of the user's configuration: those that a model names by itself are not imported
((${#kinds_own_kinds[@]} == 0)) || own_kinds=(--own_kinds "${kinds_own_kinds[@]}")
((${#kinds_labels[@]} > 0)) || refuse "no objective of this run has labels: name languages to recognise (--asr_langs), pairs to translate (--st_pairs) or other objectives (--objectives); audio alone is learnt from in stage 7"
subset=${kinds_subset[0]} # where the corpus has languages that this run leaves out
# shellcheck source=egs2/TEMPLATE/msp1/scripts/feature_folders.sh
. scripts/feature_folders.sh
soup_args=() penalties="" level=2
for value in ${penalty}; do penalties+=${penalties:+,}'{"level":'$((level++))',"schedule":"constant","init":'${value}'}'; done
[[ -z ${soup} || ${soup} == planned ]] || soup_args+=(--trainer_conf "soup=${soup}")
[[ -z ${order} ]] || soup_args+=(--trainer_conf "order=${order}")
[[ -z ${penalty} ]] || soup_args+=(--trainer_conf "penalty=[${penalties}]")
[[ -z ${combiner} ]] || soup_args+=(--trainer_conf "combiner=${combiner}")
# the options of train_config are those of its own combiner
[[ -z ${combiner}${combiner_conf} ]] || soup_args+=(--trainer_conf "combiner_conf={${combiner_conf}}")
tag_of() { sed -e 's/--/_/g' -e 's/[ |=/]//g' <<<"$1"; } # tag_of OPTIONS
[[ -n ${pretrain_config} ]] || pretrain_config=conf/pretrain_${ssl}.yaml
ssl_name=$(basename "${pretrain_config}" .yaml)
ssl_name=${ssl_name#pretrain_}
unlabeled_name=${unlabeled_sets:+_${unlabeled_sets// /_}}
if [[ -z ${msp_tag} ]]; then
    msp_tag=$(basename "$(realpath "${train_config}")" .yaml) # conf/train_msp.yaml is a link
    msp_tag=${msp_tag#train_msp_}_${feats_type}${kinds_tags[0]:+_${kinds_tags[0]}}${objectives:+_${objectives// /_}}
    # another pre-training is another experiment: a folder that has one is gone on with
    ! ${pretrains} || msp_tag+=_from_${ssl_name}${unlabeled_name}$(tag_of "${pretrain_args//:/_}")
    ! ${joins} || msp_tag+=_with_${ssl_name}
    [[ ${ssl_audio} == labeled ]] || msp_tag+=_unlabeled${unlabeled_name}
    msp_tag+=${soup:+_${soup}}${plan_top:+_${plan_top}}${order:+_${order}}${penalty:+_penalty${penalty// /_}}${combiner:+_${combiner}}
    [[ -z ${combiner_conf} ]] || msp_tag+=_$(sed -E 's/[^[:alnum:].]+/_/g' <<<"${combiner_conf}")
    msp_tag+=$(tag_of "${train_args}")${noise_name}${speeds}${subset}
    msp_tag=$(short_name "${msp_tag}")
fi
refuse_path "msp_tag (or what it is made of)" "${msp_tag}"
stats_name=msp_stats_${feats_name}${kinds_frontend[0]:+_${kinds_frontend[0]}}_${kept_dir##*/}_${kinds_tags[1]}
[[ ${stats_name} == *"${noise_name}"* ]] || stats_name+=${noise_name} # names of token lists have it
stats_dir=${expdir}/$(short_name "${stats_name}")
exp_dir=${expdir}/msp_${msp_tag}
ssl_tag=$(basename "$(realpath "${train_config}")" .yaml)
ssl_tag=${ssl_name}_${ssl_tag#train_msp_}_${feats_type}${noise_name}${speeds}${subset}
ssl_dir=${expdir}/ssl_$(short_name "${ssl_tag}${unlabeled_name}$(tag_of "${pretrain_args//:/_}")")
inference_tag=$(basename "${inference_config}" .yaml)_$(basename "${inference_model}" .pth)
refuse_path "inference_config (with the name of --inference_model)" "${inference_tag}"
for name in "${exp_dir}/${inference_tag}" "${stats_dir}" "${kept_dir}" "${train_name}" "${valid_set}" "${test_set_list[@]}"; do
    [[ ! "/${name}/" =~ [^[:alnum:]]JOB[^[:alnum:]] ]] || refuse "no folder or set may be called JOB, which stands for the number of a job in commands and logs, but got '${name}'"
done

# --- options that statistics, the check and training share -------------------------------------
if [[ ${feats_type} == fbank ]]; then
    speech_file=feats.scp speech_type=kaldi_ark length_file=utt2num_frames
    frame_seconds=$(awk "BEGIN { print ${stack} / 100 }")
    model_args=(--input_size "$((num_mel_bins * stack))")
    feats_conf=(type=fbank "fs=${fs}" "num_mel_bins=${num_mel_bins}" "stack=${stack}")
else
    speech_file=wav.scp speech_type=sound length_file=utt2num_samples
    ${dump_audio} || speech_type=recording
    frame_seconds=$(awk "BEGIN { print 1 / ${fs} }")
    model_args=(--frontend_conf "fs=${fs}")
    feats_conf=(type=raw "fs=${fs}")
fi
for setting in "${feats_conf[@]}"; do model_args+=(--feats_conf "${setting}"); done
audio_args=("${model_args[@]}")
model_args+=(${kinds_model[@]+"${kinds_model[@]}"})

audio_data_args() { # audio_data_args train|valid FOLDER
    printf -- "--$1_data_path_and_name_and_type\n%s\n" "$2/${speech_file},speech,${speech_type}" "$2/utt2lang,lang,text"
}
data_args() { # data_args train|valid FOLDER
    local file name type labels=$2
    [[ $2 != "${union_dir}" ]] || labels+=/labels # of some of its utterances
    audio_data_args "$@"
    while read -r file name type; do
        [[ ${type} != audio ]] || type=${speech_type}
        printf -- "--$1_data_path_and_name_and_type\n%s\n" "${labels}/${file},${name},${type}"
    done < <(printf '%s\n' "${kinds_labels[@]}")
}
content_of() { # content_of FOLDER…: the tables of sets that training learns from; recordings by what they sound like
    local folder file
    for folder in "$@"; do
        printf '%s\n' "${folder}/utt2lang" "${folder}/speech.digest"
        for file in ${label_files[@]+"${label_files[@]}"}; do
            [[ " ${audio_labels[*]-} " != *" ${file} "* ]] || file=${file%.*}.digest
            printf '%s\n' "${folder}/${file}"
        done
    done
}
union_dir="" # of training and audio without labels, where mini-batches hold both
mapfile -t all_data_args < <(
    data_args train "${kept_dir}/${train_name}"
    data_args valid "${kept_dir}/${valid_set}"
)

# --- self-supervision: its options in stage 9, and the data that hold audio without labels --------
mkdir -p "${expdir}" "${dumpdir}"
ssl_args=() init_args=() train_shapes=${stats_dir}/train/speech_shape
mapfile -t train_data_args < <(data_args train "${kept_dir}/${train_name}")
if [[ ${ssl} != none ]]; then
    ssl_lines=$(soups make_pretrain_config --train_config "${train_config}" --pretrain_config "${pretrain_config}" \
        --ssl "${ssl}" --output "${ssl_dir}/pretrain.yaml")
    pretrained=${ssl_dir}/valid.loss.ave.pth
    ! ${joins} || mapfile -t ssl_args <<<"${ssl_lines}"
    if ${joins} && [[ ${ssl_audio} == unlabeled ]]; then
        union_dir=${exp_dir}/train_data
        train_shapes=${union_dir}/speech_shape
        mapfile -t train_data_args < <(data_args train "${union_dir}")
        ssl_args+=(--ssl_conf audio=unlabeled --ssl_languages unlabeled)
    fi
    if ${pretrains}; then
        init_args=(--init_param "${pretrained}:encoder:encoder")
        ((${#kinds_preencoder[@]} == 0)) || init_args+=("${pretrained}:preencoder:preencoder")
    fi
fi

# --- before anything is computed: is there all that later stages need? --------------------------
scores_args=() # scores while training are computed as stage 12 does
! ${bleu_lowercase} || scores_args+=(--scores_conf bleu_lowercase=true)
! ${bleu_lc_rm} || scores_args+=(--scores_conf bleu_lc_rm=true)
[[ -z ${bleu_tokenizer} ]] || scores_args+=(--scores_conf "bleu_tokenizer=${bleu_tokenizer}")
check_args=("${model_args[@]}" ${scores_args[@]+"${scores_args[@]}"} ${soup_args[@]+"${soup_args[@]}"} ${ssl_args[@]+"${ssl_args[@]}"} ${train_arg_list[@]+"${train_arg_list[@]}"})
pretrain_inputs=()
! ${pretrains} || pretrain_inputs=("${ssl_dir}/pretrain.yaml")
if stage=0 skip_stages="" stage 0 "Checks" "${expdir}/.stage0_$(short_name "${msp_tag%"${subset}"}_${inference_tag}").done" \
    --settings "${check_args[@]}" ${pretrain_arg_list[@]+"${pretrain_arg_list[@]}"} \
    "objectives=${kinds_names[*]}" "backend=${cmd_backend}" "ngpu=${ngpu}" ${bleu_tokenizer:+"tokenizer=${bleu_tokenizer}"} \
    --inputs "${train_config}" "${inference_config}" ${pretrain_inputs[@]+"${pretrain_inputs[@]}"}; then
    soups_quietly check_recipe --train_config "${train_config}" --inference_config "${inference_config}" \
        --ngpu "${ngpu}" --backend "${cmd_backend}" --expdir "${expdir}" "${run_options[@]}" \
        -- "${check_args[@]}"
    if ${pretrains}; then
        echo "  pre-training:"
        soups_quietly check_recipe --train_config "${ssl_dir}/pretrain.yaml" --inference_config "${inference_config}" \
            --ngpu "${ngpu}" --backend "${cmd_backend}" --expdir "${expdir}" -- "${audio_args[@]}" --ssl_languages any \
            ${pretrain_arg_list[@]+"${pretrain_arg_list[@]}"}
    fi
    stage_done "configurations, model, soup and machine are fine"
fi

read -ra data_opts <<<"${local_data_opts}"
data_settings=("opts=${local_data_opts}")
if ${local_data_languages}; then
    # a corpus of more languages than these serves, too, and other runs have it: what the stamp names is prepared
    data_languages=$(prepared_words "${datadir}/.stage1.done" languages "${asr_langs}")
    data_pairs=$(prepared_words "${datadir}/.stage1.done" pairs "${st_pairs}")
    data_opts=(--asr_langs "${data_languages}" --st_pairs "${data_pairs}" --nj "${nj}" ${data_opts[@]+"${data_opts[@]}"})
    data_settings+=("languages=${data_languages}" "pairs=${data_pairs}")
fi
if stage 1 "Data preparation" "${datadir}/.stage1.done" --settings "${data_settings[@]}" \
    --inputs local/data.sh --outputs "${datadir}/${found_train}/utt2lang" "${datadir}/${found_valid}/utt2lang"; then
    datadir=${datadir} local/data.sh ${data_opts[@]+"${data_opts[@]}"}
    stage_done "${datadir}/{${found_train},${found_valid},${test_sets// /,}}"
fi

# a stage of its own: a run with other test sets or objectives takes the data as they are
mapfile -t compared_sets < <(printf '%s\n' "${found_valid}" "${found_tests[@]}" | awk '!seen[$0]++')
if stage 1 "Checks of the data" "${datadir}/.stage1_checks.done" \
    --settings "train=${found_train}" "others=${compared_sets[*]}" "noise=${noise}" "languages=${languages}" \
    "${kinds_labels[@]}" ${kinds_settings[@]+"${kinds_settings[@]}"} \
    --inputs "${datadir}/${found_train}" "${compared_sets[@]/#/${datadir}/}"; then
    soups check_data_dir "${datadir}/${found_train}" --least 2 "${run_options[@]}"
    for name in "${compared_sets[@]}"; do
        soups check_data_dir "${datadir}/${name}" "${run_options[@]}" --train "${datadir}/${found_train}" \
            --may_lack_languages "$([[ ${name} == "${found_valid}" ]] && echo false || echo true)"
    done
    stage_done "${found_train} ${compared_sets[*]}"
fi

if [[ -n ${unlabeled_sets} ]] && stage 1 "Audio without labels" "${datadir}/.stage1_unlabeled.done" \
    --inputs "${unlabeled_set_list[@]/#/${datadir}/}"; then
    for name in "${unlabeled_set_list[@]}"; do soups check_data_dir "${datadir}/${name}" --unlabeled true; done
    stage_done "${unlabeled_sets}"
fi

# names that were made before stage 1 had made the corpus
if ((stop_stage > 1)) && [[ $(soups objectives subset "${run_options[@]}") != "${subset}" ]]; then
    echo "  folders of this run are named by its languages where the corpus has more"
    ((stage > 1)) || set -- "$@" --stage 2
    unset SOUPS_JOB_THREADS # OMP_NUM_THREADS may be the user's wish
    exec ./msp.sh "$@"
fi

((stage > 3 || stop_stage < 2)) || echo "${made_of}" >"${dumpdir}/.datadir"
if [[ -n ${noise} ]]; then
    mapfile -t found_sets < <(printf '%s\n' "${found_train}" "${found_valid}" "${found_tests[@]}" | awk '!seen[$0]++')
    noise_audio=()
    [[ ${noise} == generated ]] || noise_audio+=("${noise}")
    for name in "${found_sets[@]}"; do
        noisy=${name}${noise_name}
        noisy_dir=${dumpdir}/noise/${noisy}
        if stage 2 "Noise for ${name}" "${datadir}/.stage2_${noisy}.done" --settings "noise=${noise}" "snr=${noise_snr}" "audio=${noisy_dir}" \
            --without ${kinds_score_files[@]+"${kinds_score_files[@]}"} \
            --inputs "${datadir}/${name}" --audio "${datadir}/${name}/wav.scp" ${noise_audio[@]+"${noise_audio[@]}"} \
            --outputs "${datadir}/${noisy}/wav.scp" "${datadir}/${noisy}/clean.scp" "${datadir}/${noisy}" "${noisy_dir}"; then
            read -ra snr_range <<<"${noise_snr}"
            soups add_noise --source "${datadir}/${name}" --target "${datadir}/${noisy}" \
                --audio_dir "${noisy_dir}" \
                --noises "${noise}" --snr "${snr_range[@]}" --nj "${nj}" \
                --look_at "${found_sets[@]/#/${datadir}/}" --fs "${fs}" --resample "${resample}"
            stage_done "${datadir}/${noisy}"
        fi
    done
fi

if [[ -z ${speed_perturb_factors} ]]; then
    stage_skipped 2 "Speed perturbation" "--speed_perturb_factors is empty"
elif stage 2 "Speed perturbation" "${datadir}/.stage2${noise_name}.done" --settings "factors=${speed_perturb_factors}" \
    --inputs "${datadir}/${train_set}" --outputs "${datadir}/${train_name}/utt2speed" "${datadir}/${train_name}" \
    ${audio_labels[@]+"${audio_labels[@]/#/${datadir}/${train_name}/}"}; then
    read -ra factors <<<"${speed_perturb_factors}"
    soups perturb_speed --source "${datadir}/${train_set}" --target "${datadir}/${train_name}" \
        --factors "${factors[@]}" --audio_labels ${audio_labels[@]+"${audio_labels[@]}"}
    stage_done "${datadir}/${train_name}"
fi

# each set is a stage of its own, since runs with other speeds share all but the training set
mapfile -t sets < <(printf '%s\n' "${train_name}" "${valid_set}" "${test_set_list[@]}" | awk '!seen[$0]++')
for name in "${sets[@]}"; do
    target=${feats_dir}/${name}
    set_inputs=("${datadir}/${name}")
    [[ -z ${speeds} || ${name} != "${train_name}" ]] || set_inputs+=("${datadir}/${name}/utt2speed")
    set_audio=("${datadir}/${name}/wav.scp")
    for file in ${audio_labels[@]+"${audio_labels[@]}"}; do [[ ! -e ${datadir}/${name}/${file} ]] || set_audio+=("${datadir}/${name}/${file}"); done
    if stage 3 "Features of ${name}" "${feats_dir}/.stage3_${name}.done" \
        --settings "${feats_conf[@]}" --without ${kinds_score_files[@]+"${kinds_score_files[@]}"} \
        --inputs "${set_inputs[@]}" --audio "${set_audio[@]}" --outputs "${target}"; then
        soups dump_features --feats_type "${feats_type}" --fs "${fs}" --num_mel_bins "${num_mel_bins}" \
            --stack "${stack}" --resample "${resample}" --dump_audio "${dump_audio}" --nj "${nj}" \
            --look_at "${sets[@]/#/${datadir}/}" ${unlabeled_set_list[@]+"${unlabeled_set_list[@]/#/${datadir}/}"} \
            --audio_labels ${audio_labels[@]+"${audio_labels[@]}"} --sets "${datadir}/${name}=${target}"
        stage_done "${target}"
    fi
done

unlabeled_wavs=()
for name in ${unlabeled_set_list[@]+"${unlabeled_set_list[@]}"}; do unlabeled_wavs+=("${datadir}/${name}/wav.scp"); done
if [[ -n ${unlabeled_sets} ]] && stage 3 "Features without labels" "${feats_dir}/.stage3_unlabeled.done" \
    --settings "${feats_conf[@]}" --inputs "${unlabeled_set_list[@]/#/${datadir}/}" \
    --audio ${unlabeled_wavs[@]+"${unlabeled_wavs[@]}"} \
    --outputs "${unlabeled_set_list[@]/#/${feats_dir}/}"; then
    unlabeled_pairs=()
    for name in "${unlabeled_set_list[@]}"; do unlabeled_pairs+=("${datadir}/${name}=${feats_dir}/${name}"); done
    soups dump_features --feats_type "${feats_type}" --fs "${fs}" --num_mel_bins "${num_mel_bins}" \
        --stack "${stack}" --resample "${resample}" --dump_audio "${dump_audio}" --nj "${nj}" --unlabeled true --sets "${unlabeled_pairs[@]}"
    stage_done "${unlabeled_sets}"
fi

tables_of() { # tables_of FOLDER…: what stage 3 wrote, but for recordings, features, and where these lie
    local folder file
    for folder in "$@"; do
        printf '%s\n' "${folder}/${length_file}" "${folder}/utt2lang" "${folder}/speech.digest"
        for file in "${folder}"/{text,text.*,utt2*,*.digest}; do [[ ! -f ${file} ]] || printf '%s\n' "${file}"; done
    done | awk '!seen[$0]++'
}
language_args=()
[[ -z ${subset} ]] || language_args=(--keep_languages "${kinds_languages[@]}")
for name in "${train_name}" "${valid_set}"; do
    mapfile -t tables < <(tables_of "${feats_dir}/${name}")
    if stage 4 "Length filter of ${name}" "${kept_dir}/.stage4_${name}.done" \
        --settings "min=${min_wav_duration}" "max=${max_wav_duration}" ${subset:+"languages=${kinds_languages[*]}"} \
        --inputs "${tables[@]}" --outputs "${kept_dir}/${name}/utt2lang" "${kept_dir}/${name}"; then
        soups filter_lengths --source "${feats_dir}/${name}" --target "${kept_dir}/${name}" \
            --frame_seconds "${frame_seconds}" --min_wav_duration "${min_wav_duration}" \
            --max_wav_duration "${max_wav_duration}" --labels ${other_labels[@]+"${other_labels[@]}"} \
            --audio_labels ${audio_labels[@]+"${audio_labels[@]}"} ${language_args[@]+"${language_args[@]}"} \
            --least "$([[ ${name} == "${train_name}" ]] && echo 2 || echo 0)" "${run_options[@]}"
        stage_done "${kept_dir}/${name}"
    fi
done

for name in "${test_set_list[@]}"; do
    tested=$(tested_dir "${name}")
    [[ ${tested} != "${feats_dir}/${name}" ]] || continue
    mapfile -t tables < <(tables_of "${feats_dir}/${name}")
    if stage 4 "Languages of ${name}" "${tested%/*}/.stage4_${name}.done" --settings "languages=${kinds_languages[*]}" \
        --without ${kinds_score_files[@]+"${kinds_score_files[@]}"} --inputs "${tables[@]}" --outputs "${tested}/utt2lang" "${tested}"; then
        set_labels=()
        for file in ${audio_labels[@]+"${audio_labels[@]}"}; do [[ ! -e ${feats_dir}/${name}/${file} ]] || set_labels+=("${file}"); done
        soups filter_lengths --source "${feats_dir}/${name}" --target "${tested}" --frame_seconds "${frame_seconds}" \
            --languages_alone true --audio_labels ${set_labels[@]+"${set_labels[@]}"} --keep_languages "${kinds_languages[@]}"
        stage_done "${tested}"
    fi
done

mapfile -t tables < <(tables_of ${unlabeled_set_list[@]+"${unlabeled_set_list[@]/#/${feats_dir}/}"})
if [[ -n ${unlabeled_sets} ]] && stage 4 "Length filter without labels" "${kept_dir}/.stage4_unlabeled.done" \
    --settings "min=${min_wav_duration}" "max=${max_wav_duration}" \
    --inputs ${tables[@]+"${tables[@]}"} --outputs "${unlabeled_set_list[@]/#/${kept_dir}/}"; then
    for name in "${unlabeled_set_list[@]}"; do
        soups filter_lengths --source "${feats_dir}/${name}" --target "${kept_dir}/${name}" --unlabeled true \
            --frame_seconds "${frame_seconds}" --min_wav_duration "${min_wav_duration}" \
            --max_wav_duration "${max_wav_duration}"
    done
    stage_done "${unlabeled_sets}"
fi

lists_name=${kinds_tags[1]}
[[ ${lists_name} == *"${subset}"* ]] || lists_name+=${subset}
lists_name=$(short_name "${lists_name}")
if ((${#kinds_vocabularies[@]} == 0)); then
    stage_skipped 5 "Token lists" "no objective needs one"
elif stage 5 "Token lists" "${datadir}/.stage5_${lists_name}.done" \
    --settings "${kinds_vocabularies[@]}" ${kinds_settings[@]+"${kinds_settings[@]}"} \
    --inputs "${label_files[@]/#/${kept_dir}/${train_name}/}" "${label_files[@]/#/${kept_dir}/${valid_set}/}" \
    "${kept_dir}/${train_name}/utt2lang" "${kept_dir}/${valid_set}/utt2lang" \
    --outputs "${kinds_vocabularies[@]}" "${kinds_vocabularies[@]%/*}"; then
    soups make_vocabularies --train "${kept_dir}/${train_name}" --check "${kept_dir}/${valid_set}" "${run_options[@]}"
    stage_done "${#kinds_vocabularies[@]} token lists in ${datadir}"
fi

# with the very model: how many frames it makes of an utterance decides which labels fit
label_args=("${model_args[@]}" ${kinds_vocabulary_args[@]+"${kinds_vocabulary_args[@]}"} ${kinds_refinements[@]+"${kinds_refinements[@]}"}
    "${all_data_args[@]}" ${train_arg_list[@]+"${train_arg_list[@]}"})
if stage 5 "Labels" "${expdir}/.stage5_$(short_name "${msp_tag}").done" --settings "${label_args[@]}" \
    --inputs "${train_config}" "${kept_dir}/${train_name}/utt2lang" ${kinds_vocabularies[@]+"${kinds_vocabularies[@]}"} \
    "${label_files[@]/#/${kept_dir}/${train_name}/}" "${label_files[@]/#/${kept_dir}/${valid_set}/}"; then
    soups_quietly check_labels --whole "${feats_dir}/${train_name}" --kept "${kept_dir}/${train_name}" "${run_options[@]}" \
        -- --config "${train_config}" --ngpu 0 "${label_args[@]}" \
        --train_shape_file "${kept_dir}/${train_name}/${length_file}" --valid_shape_file "${kept_dir}/${valid_set}/${length_file}"
    stage_done "every objective has labels that it can learn"
fi

mapfile -t labelled_content < <(content_of "${kept_dir}/${train_name}" "${kept_dir}/${valid_set}")
read_dirs=("${feats_dir}/${train_name}" "${feats_dir}/${valid_set}" "${kept_dir}/${train_name}" "${kept_dir}/${valid_set}")
read_dirs+=(${kinds_vocabularies[@]+"${kinds_vocabularies[@]%/*}"})
if stage 6 "Statistics" "${stats_dir}/.stage6.done" --settings "${model_args[@]}" ${kinds_frontend[0]:+"frontend=${kinds_frontend[0]}"} \
    --inputs ${kinds_vocabularies[@]+"${kinds_vocabularies[@]}"} "${labelled_content[@]}" --reads "${read_dirs[@]}" \
    --outputs "${stats_dir}/train/speech_shape" "${stats_dir}/valid/speech_shape" "${stats_dir}/train/feats_stats.npz" \
    "${stats_dir}/train" "${stats_dir}/valid"; then
    jobs_dir=${stats_dir}/jobs
    clear_jobs "${jobs_dir}"
    # loading ESPnet takes longer than 20,000 utterances of statistics
    utterances=$(wc -l <"${kept_dir}/${train_name}/${length_file}")
    stats_nj=$(((utterances + 19999) / 20000))
    ((stats_nj <= nj)) || stats_nj=${nj}
    stats_nj=$(jobs_for "${stats_nj}" "${kept_dir}/${train_name}/${length_file}" "${kept_dir}/${valid_set}/${length_file}")
    for name in "${train_name}" "${valid_set}"; do
        split_keys "${stats_nj}" "${kept_dir}/${name}/${length_file}" "${jobs_dir}/${name}"
    done
    ${train_cmd} --jobs "${stats_nj}" --log "${jobs_dir}/stats.JOB.log" -- \
        python -m espnet_soups.bin.msp_train --collect_stats true --config "${train_config}" --ngpu 0 --normalize none --trainer default \
        "${model_args[@]}" ${kinds_vocabulary_args[@]+"${kinds_vocabulary_args[@]}"} \
        ${kinds_refinements[@]+"${kinds_refinements[@]}"} "${all_data_args[@]}" \
        --train_shape_file "${jobs_dir}/${train_name}.JOB.scp" --valid_shape_file "${jobs_dir}/${valid_set}.JOB.scp" \
        --output_dir "${jobs_dir}/stats.JOB"
    dirs=()
    for ((job = 1; job <= stats_nj; job++)); do dirs+=(--input_dir "${jobs_dir}/stats.${job}"); done
    ${train_cmd} --jobs 1 --log "${jobs_dir}/aggregate.log" -- \
        python -m espnet2.bin.aggregate_stats_dirs "${dirs[@]}" --output_dir "${stats_dir}" --log_level WARNING
    stage_done "${stats_dir}"
fi

# --- training: what stages 7 and 9 have in common ----------------------------------------------
normalize_args=() pretrain_normalize_args=() # what needs statistics gets them
stats_args=(--normalize_conf "stats_file=${stats_dir}/train/feats_stats.npz")
[[ ${kinds_normalize[*]} != global_mvn ]] || normalize_args=("${stats_args[@]}")
[[ ${kinds_pretrain_normalize[*]} != global_mvn ]] || pretrain_normalize_args=("${stats_args[@]}")
threads=${num_threads} adapts=$( ((num_threads > 0 || ngpu > 0)) && echo false || echo true)
# with GPUs: a process for each, and the 4 that load its data (num_workers of the configurations)
((threads > 0)) || threads=$((ngpu > 0 ? 5 * ngpu : cores))
unlabeled_dirs=(${unlabeled_set_list[@]+"${unlabeled_set_list[@]/#/${kept_dir}/}"})
unlabeled_content=(${unlabeled_dirs[@]+"${unlabeled_dirs[@]/%//speech.digest}"})
read_dirs+=("${stats_dir}/train" "${stats_dir}/valid" ${unlabeled_dirs[@]+"${unlabeled_dirs[@]}" "${unlabeled_set_list[@]/#/${feats_dir}/}"})
train_model() { # train_model FOLDER CONFIG TRAIN_SHAPES OPTION...
    local folder=$1 config=$2 shapes=$3 follower
    shift 3
    echo "  log: ${folder}/train.log; curves: tensorboard --logdir ${folder}/tensorboard"
    python -m espnet_soups.bin.follow_training --exp_dir "${folder}" &
    follower=$!
    (
        use_threads "${threads}"
        ${cuda_cmd} --gpus "${ngpu}" --num_threads "${threads}" --log "${folder}/train.log" -- \
            python -m espnet_soups.bin.msp_train --config "${config}" --ngpu "${ngpu}" --resume true \
            --multiprocessing_distributed true --adapt_threads "${adapts}" \
            ${save_interval_minutes:+--save_interval_minutes "${save_interval_minutes}"} \
            --train_shape_file "${shapes}" --valid_shape_file "${stats_dir}/valid/speech_shape" \
            --output_dir "${folder}" "$@"
    )
    sleep 2                                  # its last line
    kill "${follower}" 2>/dev/null || true # training has succeeded, whatever has ended it before
}

if ! ${pretrains}; then
    stage_skipped 7 "SSL pre-training" "$([[ ${ssl} == none ]] && echo "--ssl is none" || echo "--init_from_pretrained is false")"
elif stage 7 "SSL pre-training" "${ssl_dir}/.stage7.done" \
    --settings "${audio_args[@]}" ${pretrain_arg_list[@]+"${pretrain_arg_list[@]}"} \
    --inputs "${ssl_dir}/pretrain.yaml" "${kept_dir}/${train_name}/speech.digest" "${kept_dir}/${train_name}/utt2lang" \
    "${stats_dir}/valid/speech_shape" ${unlabeled_content[@]+"${unlabeled_content[@]}"} --reads "${read_dirs[@]}" \
    --outputs "${pretrained}"; then
    soups unite_audio --labeled "${kept_dir}/${train_name}" --unlabeled ${unlabeled_dirs[@]+"${unlabeled_dirs[@]}"} \
        --feats_type "${feats_type}" --target "${ssl_dir}/train_data"
    mapfile -t union_languages <"${ssl_dir}/train_data/languages"
    mapfile -t ssl_data_args < <(
        audio_data_args train "${ssl_dir}/train_data"
        audio_data_args valid "${kept_dir}/${valid_set}"
    )
    train_model "${ssl_dir}" "${ssl_dir}/pretrain.yaml" "${ssl_dir}/train_data/speech_shape" \
        ${pretrain_normalize_args[@]+"${pretrain_normalize_args[@]}"} \
        "${audio_args[@]}" --ssl_languages "${union_languages[@]}" "${ssl_data_args[@]}" \
        ${pretrain_arg_list[@]+"${pretrain_arg_list[@]}"}
    stage_done "${pretrained}"
fi

pretrained_files=()
! ${pretrains} || pretrained_files=("${pretrained}")
unite() { # where mini-batches hold audio without labels, too
    [[ -n ${union_dir} ]] || return 0
    soups unite_audio --labeled "${kept_dir}/${train_name}" --unlabeled "${unlabeled_dirs[@]}" \
        --feats_type "${feats_type}" --keep_labels true --target "${union_dir}" \
        --audio_labels ${audio_labels[@]+"${audio_labels[@]}"}
}
mapfile -t valid_data_args < <(data_args valid "${kept_dir}/${valid_set}")
start_args=("${model_args[@]}" ${kinds_vocabulary_args[@]+"${kinds_vocabulary_args[@]}"} "${train_data_args[@]}" "${valid_data_args[@]}"
    ${normalize_args[@]+"${normalize_args[@]}"} ${ssl_args[@]+"${ssl_args[@]}"} ${init_args[@]+"${init_args[@]}"})
start_inputs=("${train_config}" "${stats_dir}/train/speech_shape" ${kinds_vocabularies[@]+"${kinds_vocabularies[@]}"} ${pretrained_files[@]+"${pretrained_files[@]}"}
    "${labelled_content[@]}" ${unlabeled_content[@]+"${unlabeled_content[@]}"})

conflict_dir=${exp_dir}/conflict
read -ra conflict_model_list <<<"${conflict_models}"
if ((conflict_batches == 0)); then
    stage_skipped 8 "Conflict measurement" "--conflict_batches is 0"
elif ((${#kinds_names[@]} == 1)); then
    stage_skipped 8 "Conflict measurement" "${kinds_names[0]} is the only objective"
else
    conflict_args=("${start_args[@]}" ${train_arg_list[@]+"${train_arg_list[@]}"} --config "${train_config}" --ngpu "$((ngpu > 0))"
        --train_shape_file "${train_shapes}" --valid_shape_file "${stats_dir}/valid/speech_shape")
    conflict_inputs=("${start_inputs[@]}") conflict_machine=(--adapt_threads "${adapts}")
    if [[ ${conflict_models} != start ]]; then # models of a training, which has a configuration
        conflict_args=(--exp_dir "${exp_dir}" ${own_kinds[@]+"${own_kinds[@]}"}) conflict_inputs=("${exp_dir}/config.yaml") conflict_machine=()
        [[ " ${conflict_models} " != *" last "* ]] || conflict_inputs+=("${exp_dir}/checkpoint.pth")
    fi
    if stage 8 "Conflict measurement" "${conflict_dir}/.stage8.done" --settings "models=${conflict_models}" "batches=${conflict_batches}" \
        "${conflict_args[@]}" --inputs "${conflict_inputs[@]}" --reads "${read_dirs[@]}" --outputs "${conflict_dir}/conflict.csv"; then
        unite
        echo "  log: ${conflict_dir}/measure.log"
        (
            use_threads "${threads}"
            ${cuda_cmd} --gpus "$((ngpu > 0))" --num_threads "${threads}" --log "${conflict_dir}/measure.log" -- \
                python -m espnet_soups.bin.measure_conflict "${conflict_args[@]}" --output_dir "${conflict_dir}" ${conflict_machine[@]+"${conflict_machine[@]}"} \
                --conflict_models "${conflict_model_list[@]}" --conflict_batches "${conflict_batches}"
        )
        cat "${conflict_dir}/conflict.txt"
        stage_done "${conflict_dir}/conflict.{csv,txt}"
    fi
fi
if [[ ${soup} == planned ]]; then
    if stage 8 "Plan of the soup" "${conflict_dir}/.stage8_plan.done" --settings "top=${plan_top}" \
        --inputs "${conflict_dir}/conflict.csv" --outputs "${conflict_dir}/plan.yaml"; then
        soups plan_soup --conflict_dir "${conflict_dir}" --checkpoint start --top "${plan_top}" --output "${conflict_dir}/plan.yaml"
        stage_done "${conflict_dir}/plan.yaml"
    fi
    [[ ! -e ${conflict_dir}/plan.yaml ]] || soup_args=(--trainer msp --trainer_conf "$(python -c '
import json, sys, yaml
print(json.dumps(yaml.safe_load(open(sys.argv[1]))["trainer_conf"]))' "${conflict_dir}/plan.yaml")")
fi

if stage 9 "Training" "${exp_dir}/.stage9.done" \
    --settings "${model_args[@]}" ${soup_args[@]+"${soup_args[@]}"} ${train_arg_list[@]+"${train_arg_list[@]}"} \
    ${ssl_args[@]+"${ssl_args[@]}"} ${init_args[@]+"${init_args[@]}"} \
    --inputs "${start_inputs[@]}" --reads "${read_dirs[@]}" --outputs "${exp_dir}/config.yaml" "${exp_dir}/checkpoint.pth"; then
    [[ ${soup} != planned || -e ${conflict_dir}/plan.yaml ]] || refuse "--soup planned needs ${conflict_dir}/plan.yaml: run stage 8 first"
    unite
    train_model "${exp_dir}" "${train_config}" "${train_shapes}" "${start_args[@]}" \
        ${soup_args[@]+"${soup_args[@]}"} ${scores_args[@]+"${scores_args[@]}"} ${train_arg_list[@]+"${train_arg_list[@]}"}
    stage_done "${exp_dir}"
fi

if stage 10 "Model averaging" "${exp_dir}/.stage10.done" --settings "nbest=${nbest_average}" \
    --inputs "${exp_dir}/checkpoint.pth" "${exp_dir}/config.yaml" --outputs "${exp_dir}/${inference_model}"; then
    soups_quietly average_models --exp_dir "${exp_dir}" --nbest "${nbest_average}"
    stage_done "${exp_dir}/${inference_model}"
fi

decoded_files() { # decoded_files FOLDER: fills `decoded`
    local file
    decoded=()
    for file in "$1"/*/{text,token,token_int,score,array.scp}; do [[ ! -e ${file} ]] || decoded+=("${file}"); done
}
corpora_args=() report_files=() # what the report and the card tell beside scores
[[ ! -e conf/corpora.yaml ]] || corpora_args=(--corpora conf/corpora.yaml)
for file in "${conflict_dir}/conflict.csv" conf/corpora.yaml; do [[ ! -e ${file} ]] || report_files+=("${file}"); done
for name in "${test_set_list[@]}"; do
    tested=$(tested_dir "${name}")
    decode_dir=${exp_dir}/${inference_tag}/${name}
    if stage 11 "Decoding ${name}" "${decode_dir}/.stage11.done" --settings "model=${inference_model}" \
        --inputs "${exp_dir}/${inference_model}" "${inference_config}" "${tested}/speech.digest" "${tested}/utt2lang" \
        --reads "${tested}" "${feats_dir}/${name}" ${kinds_vocabularies[@]+"${kinds_vocabularies[@]%/*}"} \
        --outputs "${decode_dir}/speed.json" "${decode_dir}/objectives.json"; then
        clear_jobs "${decode_dir}/logdir"
        decode_nj=$(jobs_for "${inference_nj}" "${tested}/${speech_file}")
        split_keys "${decode_nj}" "${tested}/${speech_file}" "${decode_dir}/logdir/keys"
        gpus=0
        ! ${gpu_inference} || gpus=1
        ${decode_cmd} --jobs "${decode_nj}" --gpus "${gpus}" --log "${decode_dir}/logdir/decode.JOB.log" -- \
            python -m espnet_soups.bin.msp_inference --exp_dir "${exp_dir}" --model_file "${inference_model}" --config "${inference_config}" \
            --data_path_and_name_and_type "${tested}/${speech_file},speech,${speech_type}" \
            --utt2lang "${tested}/utt2lang" --key_file "${decode_dir}/logdir/keys.JOB.scp" \
            --output_dir "${decode_dir}/logdir/output.JOB" --ngpu "${gpus}" ${own_kinds[@]+"${own_kinds[@]}"}
        soups join_outputs --decode_dir "${decode_dir}" --jobs "${decode_nj}" --utt2lang "${tested}/utt2lang"
        decoded_files "${decode_dir}"
        stage_made "${decoded[@]}"
        stage_done "${decode_dir}"
    fi
    references=()
    for file in "${label_files[@]}" utt2group; do
        [[ -e ${tested}/${file} ]] || continue
        [[ ! -e ${tested}/${file%.scp}.digest ]] || file=${file%.scp}.digest # what recordings sound like
        references+=("${tested}/${file}")
    done
    for file in ${kinds_score_files[@]+"${kinds_score_files[@]}"}; do # a new list of trials takes no new features
        source=${datadir}/${name%"${noise_name}"}/${file} copy=${tested}/${file}
        whole=()
        [[ ${tested} == "${feats_dir}/${name}" ]] || whole=("${feats_dir}/${name}/utt2lang" "${tested}/utt2lang")
        copy_or_remove "${source}" "${copy}" ${whole[@]+"${whole[@]}"}
        [[ ! -e ${copy} ]] || references+=("${copy}")
    done
    decoded_files "${decode_dir}"
    score_settings=("bleu_lowercase=${bleu_lowercase}")
    ! ${bleu_lc_rm} || score_settings+=("bleu_lc_rm=${bleu_lc_rm}")
    tokenizer_args=(${bleu_tokenizer:+--bleu_tokenizer "${bleu_tokenizer}"})
    score_settings+=(${tokenizer_args[@]+"${tokenizer_args[@]}"})
    if stage 12 "Scoring ${name}" "${decode_dir}/.stage12.done" --settings "${score_settings[@]}" \
        --inputs "${decode_dir}/speed.json" "${decoded[@]}" "${references[@]}" --outputs "${decode_dir}/scores.json"; then
        soups score --reference_dir "${tested}" --decode_dir "${decode_dir}" --train_dir "${datadir}/${train_set}" \
            --bleu_lowercase "${bleu_lowercase}" --bleu_lc_rm "${bleu_lc_rm}" ${tokenizer_args[@]+"${tokenizer_args[@]}"} \
            ${own_kinds[@]+"${own_kinds[@]}"}
        stage_done "${decode_dir}/scores.json"
    fi
    if stage 13 "Report on ${name}" "${decode_dir}/.stage13.done" --settings "publish=${publish_results}" "audio=${report_audio}" \
        --inputs "${decode_dir}/scores.json" ${report_files[@]+"${report_files[@]}"} --outputs "${exp_dir}/RESULTS.md" "${exp_dir}/report.html" "${exp_dir}/model.zip"; then
        publish_args=()
        ! ${publish_results} || publish_args=(--publish_dir .)
        ! ${report_audio} || publish_args+=(--audio "${datadir}/${name}/wav.scp")
        soups report --exp_dir "${exp_dir}" --inference_tag "${inference_tag}" --set "${name}" --expdir "${expdir}" \
            --command "${command_line}" ${publish_args[@]+"${publish_args[@]}"}
        soups_quietly pack "${exp_dir}" --model_file "${inference_model}" --output "${exp_dir}/model.zip" \
            ${corpora_args[@]+"${corpora_args[@]}"} ${own_kinds[@]+"${own_kinds[@]}"}
        stage_done "${exp_dir}/{RESULTS.md,report.html,model.zip}"
    fi
done
stages_done

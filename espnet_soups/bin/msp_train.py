"""Trains a model on many objectives (stages 6 and 9)."""

import sys
from collections.abc import Sequence

HELP = """usage: python -m espnet_soups.bin.msp_train [--help] [--help-espnet] --config FILE ...

Trains one speech model on many objectives with ESPnet. Every option may stand in the YAML file.

objectives
  --asr_token_list LANG=FILE   tokens of each recognised language (repeat; defines asr_LANG)
  --st_pairs SRC_TGT ...       pairs to translate (defines st_SRC_TGT)
  --st_token_list LANG=FILE    tokens of each target language
  --asr_token_type, --st_token_type    char | bpe (default: char)
  --asr_bpemodel, --st_bpemodel LANG=FILE    sentencepiece models
heads
  --asr_heads, --st_heads      separate | shared (default: separate)
  --asr_ctc_weight W           1: CTC alone (default), 0: attention alone
  --st_ctc_weight W            default 0
  --asr_decoder, --st_decoder  ESPnet's decoders (default: transformer), with ..._conf
  --lsm_weight W               label smoothing (default: 0.1)
soup
  --trainer NAME               default (ESPnet's, static weights) | msp | module:Class
  --trainer_conf KEY=VALUE     soup (joint vs vc vm custom), order, levels, penalty, nested_penalty,
                               combiner, combiner_conf, mode (pipelined exact), exact_batches (2 3),
                               refresh, layers (all conflicting, or a list), selection,
                               gradient_norm (none rows release), metric (euclidean adam),
                               gram (halves batch), acts_on (backbone measured measured_only),
                               acts_from, heads (own weighted); see docs/method.md
  --static_weights GLOB=W      weights of `--trainer default`
self-supervision
  --ssl NAME                   none | cpc | best_rq (defines ssl, on the audio of all languages)
  --ssl_conf KEY=VALUE         cpc: context_frames, future_frames, min_context_frames (10 ms each),
                               targets (features encoded), predictor (autoregressive linear),
                               temperature, negatives (batch utterance step); best_rq: mask_frames,
                               mask_prob, codebooks, codebook_size, ...; both: audio (all labeled
                               unlabeled)
  --ssl_languages LANG ...     languages of utt2lang whose audio is for ssl alone
learning rates and selection
  --backbone_lr_scale, --heads_lr_scale    what their learning rates are multiplied with (1)
  --delta_reference FILE       soup.jsonl that valid `delta` (mean relative improvement of all
                               objectives) refers to (default: the first epoch of this run)
batches
  --sampling_alpha A           share of a language ~ (its utterances)^A (default: 0, equal)
  --encoding NAME              auto | per_language | pooled (default: auto)
data
  --train_data_path_and_name_and_type "FILE,NAME,TYPE"    names: speech, lang, text, text_LANG

All other options are ESPnet's: --help-espnet lists them (this takes some seconds).
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains; see `HELP`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or "--help" in words or "-h" in words:
        print(HELP, end="")
        return
    import typeguard
    import yaml

    from espnet_soups.task.msp_task import MSPTask

    words = ["--help" if word == "--help-espnet" else word for word in words]
    try:
        MSPTask.main(cmd=words)
    except yaml.YAMLError as error:
        raise ValueError(f"The YAML of `--config` is not valid: {error}") from error
    except typeguard.TypeCheckError as error:
        raise ValueError(f"An option of the YAML has a wrong type: {error}.") from error
    except ValueError as error:
        if not str(error).startswith("Caught "):
            raise
        # From a worker that loads data: its traceback is in the text, its message at the end.
        raise ValueError(str(error).strip().rsplit("ValueError: ", 1)[-1]) from error


if __name__ == "__main__":
    from espnet_soups.bin.command import run_command

    run_command(main)

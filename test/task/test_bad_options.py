import importlib.util

import pytest
import yaml

from espnet_soups.bin.msp_train import get_parser, main


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--encoder", "branch"), "encoder"),
        (
            ("--encoder_conf", "blocks=3"),
            r"`encoder_conf` of e_branchformer has no 'blocks' \(closest: 'num_blocks'\)",
        ),
        (("--optim_conf", "rate=3"), r"`optim_conf` of adam has no 'rate'.*'lr'"),
        (("--trainer", "no_such:Trainer"), "`trainer: no_such:Trainer` cannot be imported: No mod"),
        (("--batch_type", "folded"), "`batch_type: folded` needs one `fold_length`"),
        (("--batch_type", "catpow"), "`batch_type: catpow` fills a mini-batch with whatever lang"),
        (("--batch_seconds", "60"), r"`batch_seconds` \(60\) and `batch_bins` \(1200\) both limit"),
        (("--language_shares", "it=0.5"), "`language_shares` names 'it', but .* are en, fr, es"),
        (("--dataset_weights", "cv=2"), "`dataset_weights` needs .*train/utt2dataset, which has"),
        (("--valid_iterator_type", "chunk"), "`valid_iterator_type` must be `sequence`"),
        (("--trainer", "mps"), "`trainer` must be one of.*'msp'.*'mps'"),
        (("--trainer", "msp", "--trainer_conf", "soup=vv"), "`soup` must be one of"),
        (("--trainer", "msp", "--trainer_conf", "order=Q", "--trainer_conf", "soup=vm"), "`order`"),
        (("--trainer", "msp", "--trainer_conf", "combiner=x"), "`combiner` must be one of.*modo"),
        (
            ("--trainer", "msp", "--trainer_conf", "souq=vs"),
            r"`trainer_conf` has no 'souq' \(closest: 'soup'\)",
        ),
        (
            ("--encoder_conf", "attention_heads=3"),
            r"`encoder_conf` .*'attention_heads': 3.* does not suit EBranchformerEncoder: assert",
        ),
        (("--encoder_conf", "num_blocks=x"), r'does not suit .*: argument "num_blocks" \(str\)'),
        (("--st_decoder_conf", "num_blocks=x"), "`st_decoder_conf` .* does not suit Transformer"),
        (("--ctc_conf", "x=1"), r"`ctc_conf` \{'x': 1\} does not suit CTC: .* argument 'x'"),
        (("--asr_heads", "tied"), "`asr_heads` must be one of.*'shared'"),
        (("--asr_decoder", "branch"), "`asr_decoder` must be one of.*'transformer'"),  # CTC alone
        (("--st_decoder", "branch"), "`st_decoder` must be one of.*'transformer'"),
        (("--st_decoder_conf", "blocks=3"), "`st_decoder_conf` of transformer has no 'blocks'"),
        (("--st_pairs", "it_en", "fr"), "must look like `fr_en`"),
        (("--st_pairs", "fr_de"), "`st_token_list` has no list for de, which st_fr_de needs"),
        (("--asr_ctc_weight", "2"), "`asr_ctc_weight`"),
        (("--static_weights", "ssl*=2"), r"'ssl\*' matches no objective"),
        (("--trainer", "msp", "--static_weights", "st_*=2"), "are for `trainer: default`; with"),
        (
            ("--trainer", "msp", "--trainer_conf", "penalty=[{{level: 2, max: '2e-3'}}]"),
            "`max` of a penalty must be a number, but got the text '2e-3'",
        ),
        (("--asr_token_list", "it={root}/tokens.txt"), r"no utterance of \['it'\]"),
        (("--asr_token_list", "it={root}/none.txt"), "none.txt"),
        (("--asr_token_list", "i/t={root}/tokens.txt"), "A language names files.*no slash"),
        (("--use_wandb", "true"), "`use_wandb: true` needs the package wandb, which is not inst"),
        (("--sharded_ddp", "true"), "`sharded_ddp: true` needs the package fairscale"),
        (("--adapter_conf", "rank=4"), "`adapter_conf` is .*but `use_adapter` is false"),
        (("--dist_timeout", "0"), "`dist_timeout` must be a positive number of seconds, but got 0"),
        (("--dist_timeout", "nan"), "`dist_timeout` must be a finite number, but got nan"),
        (("--write_collected_feats", "true"), "`write_collected_feats` must be false"),
        (
            ("--freeze_param", "encoder.encoder.0"),
            r"`freeze_param` names 'encoder\.encoder\.0'.*closest: encoder\.encoders\.0",
        ),
        (
            ("--best_model_criterion", "valid,accuracy,max"),
            r"names the score accuracy, which no objective .*; `loss` and `acc` ",
        ),
        (("--early_stopping_criterion", "valid", "los", "min"), "`early_stopping_criterion` of v"),
        (("--val_scheduler_criterion", "dev", "loss"), "`val_scheduler_criterion` has no 'dev'"),
        (("--no_such_option", "1"), "--no_such_option"),
        (("--batch_bins", "many"), "--batch_bins.*many"),
        (("--config", "{root}/none.yaml"), "none.yaml"),
    ],
)
def test_a_bad_option_ends_in_one_sentence_before_any_training(runs, monkeypatch, options, said):
    find = importlib.util.find_spec
    absent = ("wandb", "fairscale", "loralib")  # whatever is installed here
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name in absent else find(name, *rest),
    )
    options = [word.format(root=runs.root) for word in options]
    with pytest.raises((ValueError, OSError), match=said):
        runs.train("bad", "--max_epoch", "1", *options)
    assert not list((runs.root / "bad").glob("*.pth"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("encoderr: conformer\n", r"encoderr \(from .*bad.yaml\)"),
        ("encoder: [unclosed\n", "not valid"),
        (
            "optim: adam\nencoder_conf:\n\tnum_blocks: 2\n",
            r"bad\.yaml:3 is not valid YAML: .* a tab",
        ),
        ("encoder: bramchformer\n", "`encoder` must be one of"),
        ("asr_heads: tied\n", "`asr_heads` must be one of"),
        ("st_decoder: branch\n", "`st_decoder` must be one of"),
        ("seed: 1\nseed: 2\n", r"bad\.yaml:2 is not valid YAML: the key 'seed' occurs twice"),
        ("ctc_conf: 3\n", r"bad\.yaml: `ctc_conf` must be a mapping"),
        ("sampling_alpha: .inf\n", r"bad\.yaml: `sampling_alpha` must be a finite number"),
        ("ssl_conf: [1]\n", r"bad\.yaml: `ssl_conf` must be a mapping"),
        ("asr_ctc_weight: [1.0]\n", r"`asr_ctc_weight` must be a number, but got \[1\.0\]"),
        ("encoder: null\n", "`encoder` must be one of .*, but got None"),
        ("optim: sgdd\n", "`optim` must be one of"),
        ("init_param: a.pth\n", r"`init_param` must be a list, such as `\[a\.pth\]`, but got"),
        ("freeze_param: encoder\n", r"`freeze_param` must be a list, such as `\[encoder\]`"),
        ("scheduler: warmup\n", "`scheduler` must be one of.*warmuplr"),
    ],
)
def test_a_bad_yaml_names_the_key(runs, text, said):
    config = runs.root / "bad.yaml"
    config.write_text(text, encoding="utf-8")
    given = {"encoder": ("--encoder", "e_branchformer"), "optim": ("--optim", "adam")}
    words = [word for word in runs.options if word not in given.get(text.split(":")[0], ())]
    with pytest.raises(ValueError, match=said):
        main([*words, "--config", str(config), "--output_dir", str(runs.root / "bad")])


def test_how_features_were_made_is_kept_in_the_configuration(runs):
    options = ("--feats_conf", "type=fbank", "--feats_conf", "fs=8000", "--dry_run", "true")
    folder = runs.train("dry", *options)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert config["feats_conf"] == {"type": "fbank", "fs": 8000}
    assert config["asr_token_list"]["fr"][0] == "<blank>"


def test_a_language_without_training_data_is_named(runs):
    folder = runs.root / "no_es"
    folder.mkdir()
    shape = (runs.root / "train" / "speech_shape").read_text(encoding="utf-8").splitlines()
    kept = [line for line in shape if not line.startswith("es")]
    (folder / "speech_shape").write_text("\n".join(kept) + "\n", encoding="utf-8")
    words = [w.replace("/train/speech_shape", "/no_es/speech_shape") for w in runs.options]
    with pytest.raises(ValueError, match=r"no_es/speech_shape has no utterance of \['es'\]"):
        main([*words, "--output_dir", str(folder / "exp")])


def test_help_lists_our_options(capsys):
    main(["--help"])
    assert capsys.readouterr().out == get_parser().format_help()

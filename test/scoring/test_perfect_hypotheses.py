"""A perfect model reaches 0 and 100: labels pass tokens, texts and scores without a change."""

import pytest
from espnet2.text.build_tokenizer import build_tokenizer

from espnet_soups.data.label_text import clean_label
from espnet_soups.data.token_list import make_token_list
from espnet_soups.files import read_table, write_table
from espnet_soups.objectives.metrics.score_config import ScoreConfig
from espnet_soups.objectives.metrics.text_pairs import read_pairs
from espnet_soups.objectives.registry import kind_of, parse_objective
from espnet_soups.objectives.text_encoder import TextEncoder
from espnet_soups.task.preprocessor import MSPPreprocessor

TEXTS = {
    "zh": ["你好，世界！（１２３）", "他说：“ＡＢＣ 公司”？", "最大的是哪一个；①还是②。"],
    "ja": ["ｶﾞｲﾄﾞ を 見る", "ガイド「ﾃｽﾄ」", "第㍻年 東京"],
    "fr": ["une e\u0301te\u0301 a\u0300 l'œuvre…", "ﬁn du mois ½", "déjà\u00a0vu « ici »"],
    "ko": ["한국어 말", "\u1112\u1161\u11ab국 사람", "전화 번호"],  # partly decomposed
    "vi": ["Tie\u0302\u0301ng Việt", "người ta đi", "một hai ba"],
    "ar": ["السلام عليكم", "ﻻ إله", "مُحَمَّد"],
    "hi": ["क\u093cलम", "नमस्ते दुनिया", "पढ़ना ज\u200dज"],
    "th": ["สวัสดี ชาวโลก", "น้ำ", "ภาษา ไทย"],
    "el": ["Καλημέρα κόσμε", "ά ΐ", "τι κάνεις;"],
    "he": ["שָׁלוֹם עולם", "\ufb2aalom", "בוקר טוב"],
    "ru": ["ё и \u0435\u0308", "привет мир №5", "й\u0306"],
    "en": ["it\u2019s ™ 5㎞ ﬀ", "a\u200bb ▁ c\u3000d", "<noise> & <space> 😀"],
}


@pytest.mark.parametrize("kind", ["char", "unigram", "bpe", "pieces of one character"])
@pytest.mark.parametrize("language", TEXTS)
def test_labels_that_are_decoded_without_an_error_score_perfectly(tmp_path, language, kind):
    texts = {f"{number}": text + " " + text for number, text in enumerate(TEXTS[language])}
    source, target = tmp_path / "set", tmp_path / "list"
    for name in ("text", "text.xx"):
        write_table(source / name, texts)
    write_table(source / "utt2lang", dict.fromkeys(texts, language))
    letters = len(set("".join(map(clean_label, texts.values()))))
    token_type = "char" if kind == "char" else "bpe"
    mode = "char" if kind.startswith("pieces") else kind
    make_token_list(source, [], "text", language, target, token_type, mode, letters + 2)
    model = None if kind == "char" else str(target / "bpe.model")
    tokens = (target / "tokens.txt").read_text(encoding="utf-8").split("\n")[:-1]
    encoder = TextEncoder(tokens, token_type, model)
    prepare = MSPPreprocessor(False, [language], {("text", language): encoder})
    tokenizer = build_tokenizer(token_type=token_type, bpemodel=model)
    decoded = {}
    for key, text in read_table(source / "text").items():
        ids = prepare(key, {"lang": language, "text": text})["text"]
        assert tokens.index("<unk>") not in ids
        decoded[key] = tokenizer.tokens2text([tokens[index] for index in ids])
    for objective in map(parse_objective, (f"asr_{language}", f"st_{language}_xx")):
        write_table(tmp_path / "decoded" / objective.name / "text", decoded)
        pairs = read_pairs(source, tmp_path / "decoded", objective)
        assert pairs.references == pairs.hypotheses
        kind = kind_of(objective)
        values = kind.measure(objective, source, tmp_path / "decoded", ScoreConfig()).values()
        for score in values.keys() & {"wer", "cer", "sentence_error"}:
            assert values[score] == 0.0
        assert values.get("chrf", 100.0) == pytest.approx(100.0)
        if language not in ("zh", "ja", "th", "ko", "ar", "hi", "he"):  # words enough for BLEU
            assert values.get("bleu", 100.0) == pytest.approx(100.0)

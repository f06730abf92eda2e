"""The tokenizer writes any text as tokens and back, and is the same after a visit to the disk."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer, GPT2Config, PreTrainedTokenizerFast

from steering_core.language_model.tokenizer import END_OF_TEXT, train_tokenizer

TEXTS = [
    "The old man said nothing, and the dog's tail didn't move.\n\n"
    'The river was wide in 1914; "nothing," said the man, "is wider."\n'
] * 50
HARD = [
    "",
    "\n",
    " \n\nx",
    "a\n\n\nb",
    "don't  stop",
    "\r\n\t",
    "naïve 日本 🙂",
    "x" * 300,
    "2+2=4…",
]


@cache
def trained() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS, 280, context=32)


def ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer(text, verbose=False)["input_ids"]


@settings(max_examples=200, deadline=None)
@given(st.text() | st.text(alphabet=" \n\r\t'as1.éΩ日🙂"))
def test_any_text_comes_back(text: str) -> None:
    assert trained().decode(ids(trained(), text)) == text


def test_every_byte_has_a_token() -> None:
    vocabulary = trained().get_vocab()
    assert set(pre_tokenizers.ByteLevel.alphabet()) <= set(vocabulary)
    every = "".join(map(chr, range(0x80))) + "".join(chr(0x40 * i) for i in range(2, 0x20))
    every += "".join(chr(0x1000 * i) for i in [*range(1, 0xD), 0xE, 0xF]) + chr(0x10FFFF)
    assert trained().decode(ids(trained(), every)) == every


@pytest.mark.parametrize("n_tokens", [257, 258, 280])
def test_the_vocabulary_is_as_large_as_asked(n_tokens: int) -> None:
    tokenizer = train_tokenizer(TEXTS, n_tokens, context=32)
    assert len(tokenizer) == n_tokens
    assert sorted(tokenizer.get_vocab().values()) == list(range(n_tokens))
    assert tokenizer.model_max_length == 32


def test_a_short_text_has_no_more_pairs_to_merge() -> None:
    assert len(train_tokenizer(["ab ab"], 300, context=8)) < 270


@pytest.mark.parametrize("n_tokens", [-1, 0, 256])
def test_too_small_a_vocabulary_is_refused(n_tokens: int) -> None:
    with pytest.raises(ValueError, match=rf"^n_tokens: got {n_tokens}; 257 or more are needed"):
        train_tokenizer(TEXTS, n_tokens, context=32)


def test_the_token_that_begins_a_text_is_the_first() -> None:
    tokenizer = trained()
    assert tokenizer.get_vocab()[END_OF_TEXT] == 0
    assert tokenizer.bos_token_id == tokenizer.eos_token_id == 0
    assert 0 not in ids(tokenizer, TEXTS[0])  # it is put before a text by whoever wants it there
    assert ids(tokenizer, END_OF_TEXT + "The")[0] == 0


def test_line_breaks_are_one_token_and_stand_alone() -> None:
    tokenizer = train_tokenizer(TEXTS, 400, context=32)
    for text in ("wider.\n\nThe river", 'man\n\n"is'):
        assert tokenizer.tokenize(text).count("ĊĊ") == 1
    assert not [t for t in tokenizer.get_vocab() if "Ċ" in t and set(t) != {"Ċ"}]


def test_a_frequent_word_is_one_token_with_the_space_before_it() -> None:
    tokenizer = train_tokenizer(TEXTS, 400, context=32)
    assert tokenizer.tokenize(" man said nothing") == ["Ġman", "Ġsaid", "Ġnothing"]
    assert tokenizer.tokenize("dog's")[-1] == "'s"
    assert tokenizer.tokenize(" didn't")[-1] == "'t"


def test_a_text_given_twice_counts_twice() -> None:
    often, seldom = "wanderer ", "zeppelin "
    once = train_tokenizer([often * 30, seldom * 20], 266, context=8)
    twice = train_tokenizer([often * 30, *[seldom * 20] * 2], 266, context=8)
    assert len(once.tokenize(often)) < len(once.tokenize(seldom))
    assert len(twice.tokenize(often)) > len(twice.tokenize(seldom))


def test_the_same_texts_give_the_same_tokenizer() -> None:
    again = train_tokenizer(iter(TEXTS), 280, context=32)
    assert again.backend_tokenizer.to_str() == trained().backend_tokenizer.to_str()


@pytest.mark.parametrize("with_model", [False, True], ids=["alone", "beside a GPT-2"])
def test_what_was_saved_reads_alike(tmp_path: Path, with_model: bool) -> None:
    trained().save_pretrained(tmp_path)
    if with_model:  # whose own kind of tokenizer has another pattern
        GPT2Config().save_pretrained(tmp_path)
    loaded = [kind.from_pretrained(tmp_path) for kind in (AutoTokenizer, PreTrainedTokenizerFast)]
    for read in loaded:
        assert read.get_vocab() == trained().get_vocab()
        assert read.backend_tokenizer.pre_tokenizer.pre_tokenize_str(
            "a\n\n b"
        ) == trained().backend_tokenizer.pre_tokenizer.pre_tokenize_str("a\n\n b")
        for text in [*HARD, TEXTS[0]]:
            assert ids(read, text) == ids(trained(), text)
            assert read.decode(ids(read, text)) == text
        assert read.bos_token_id == 0
        assert read.model_max_length == 32

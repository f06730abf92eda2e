"""A byte-level BPE tokenizer of a corpus's own, in the Hugging Face layout."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"  # begins a text; also what GPT-2 calls it

# GPT-2's pattern (Radford et al. 2019, released tokenizer), with line breaks as a token of their
# own in front.
_PATTERN = r"\n+|'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def train_tokenizer(
    texts: Iterable[str], n_tokens: int, *, context: int
) -> PreTrainedTokenizerFast:
    """Learn `n_tokens` tokens from `texts`: the 256 bytes, one that begins a text, and merges of
    frequent pairs.

    Args:
        texts: what to count pairs in; a text given twice counts twice.
        n_tokens: size of the vocabulary.
        context: longest input of the model that it is for, in tokens.

    Raises:
        ValueError: `n_tokens` is too small for the bytes.
    """
    if n_tokens < 257:
        raise ValueError(f"n_tokens: got {n_tokens}; 257 or more are needed (256 bytes and one)")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )

"""Builds the tiny reasoning models of the opt-in interop test: random weights, then taught one reply by heart.

usage: build_model.py DIRECTORY

Whatever they are asked, they think THOUGHT, close the thought that their chat template opened, and answer ANSWER. Two
families: the server takes the thought of DIRECTORY/split out of the content, and leaves that of DIRECTORY/plain in it,
which is what it does with families it knows no template for. Seeded, so that the same packages build the same models; some
seconds on a CPU; nothing is downloaded.
"""

import pathlib
import sys

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GenerationConfig,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

THOUGHT = "two and three make five."
ANSWER = "It is 5."

# As reasoning models have it: the prompt ends inside the thought.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
FAMILIES = {"split": (Qwen3Config, Qwen3ForCausalLM), "plain": (MistralConfig, MistralForCausalLM)}
# So few tokens back does a layer look that the reply cannot lean on the prompt.
WINDOW = 12


def tokenizer():
    """Bytes are the vocabulary. The tags are added tokens but not special, or decoding would drop them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    base = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(alphabet)}, merges=[]))
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    base.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in ("<think>", "</think>")])
    marks = ["<|im_start|>", "<|im_end|>", "<|pad|>"]
    base.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    made = PreTrainedTokenizerFast(tokenizer_object=base, eos_token="<|im_end|>", pad_token="<|pad|>")
    made.chat_template = TEMPLATE
    made.model_max_length = 8192
    return made


def teach(model, words):
    """The reply by heart after any prompt: the loss is on the reply alone."""
    reply = words.encode(f"{THOUGHT}\n</think>\n\n{ANSWER}<|im_end|>")
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    template = words.apply_chat_template([{"role": "user", "content": "?"}], add_generation_prompt=True, tokenize=False)
    before, after = template.split("?")
    for step in range(500):
        question = torch.randint(0, 256, (step % 97,)).tolist()
        prompt = words.encode(before) + question + words.encode(after)
        ids = torch.tensor([prompt + reply])
        labels = torch.tensor([[-100] * len(prompt) + reply])
        loss = model(input_ids=ids, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item()


def build(directory, configuration, architecture):
    torch.manual_seed(7)
    words = tokenizer()
    config = configuration(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=8192,
        sliding_window=WINDOW,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    if architecture is Qwen3ForCausalLM:
        config.use_sliding_window, config.sliding_window, config.layer_types = True, WINDOW, ["sliding_attention"] * 2
    model = architecture(config)
    loss = teach(model, words)
    ends = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    model.generation_config = GenerationConfig(do_sample=False, **ends)
    model.save_pretrained(directory)
    words.save_pretrained(directory)
    print(f"{directory}: {sum(p.numel() for p in model.parameters())} parameters, loss {loss:.4f}")


def main():
    torch.set_num_threads(1)
    for name, family in FAMILIES.items():
        build(pathlib.Path(sys.argv[1]) / name, *family)


main()

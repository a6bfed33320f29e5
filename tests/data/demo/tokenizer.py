"""Byte-level byte-pair encoding in the manner of Qwen2: training on a small corpus, encoding, decoding, tokenizer.json.

The splitting pattern in tokenizer.json is Qwen2's (single digits stay single). The corpus is ASCII, so the same pattern
with ASCII classes serves here, where the standard `re` knows no \\p{L}.
"""
import collections
import json
import re

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ASCII = re.compile(PATTERN.replace(r"[^\r\n\p{L}\p{N}]", r"[^\r\nA-Za-z0-9]").replace(r"[^\s\p{L}\p{N}]", r"[^\sA-Za-z0-9]")
                   .replace(r"\p{L}", "[A-Za-z]").replace(r"\p{N}", "[0-9]"))
TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
            "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def prompt(question):
    """What TEMPLATE makes of one user message with the generation prompt on."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def byte_symbols():
    """GPT-2's map from byte to printable character, in the order of its vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


class Tokenizer:
    def __init__(self, merges, special=SPECIAL):
        self.bytes = byte_symbols()
        self.merges = merges
        self.rank = {pair: i for i, pair in enumerate(merges)}
        tokens = [*self.bytes.values(), *(a + b for a, b in merges)]
        self.vocabulary = {token: i for i, token in enumerate(tokens)}
        assert len(self.vocabulary) == len(tokens)
        self.special = {token: len(tokens) + i for i, token in enumerate(special)}
        self.size = len(tokens) + len(special)
        self.tokens = tokens + special
        self.of_symbol = {symbol: b for b, symbol in self.bytes.items()}
        self.cache = {}

    @staticmethod
    def train(texts, count):
        """The `count` most frequent merges; only pieces with letters take part, so digits and signs stay single."""
        symbols = byte_symbols()
        words = collections.Counter(piece for text in texts for part in re.split("|".join(map(re.escape, SPECIAL)), text)
                                    for piece in ASCII.findall(part) if any(map(str.isalpha, piece)))
        words = {tuple(symbols[b] for b in word.encode()): n for word, n in words.items()}
        merges = []
        while len(merges) < count:
            pairs = collections.Counter()
            for word, n in words.items():
                for pair in zip(word, word[1:]):
                    pairs[pair] += n
            if not pairs:
                break
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))
            merges.append(best)
            words = {tuple(merge(list(word), best)): n for word, n in words.items()}
        return Tokenizer(merges)

    def encode(self, text):
        ids = []
        for part in re.split("(" + "|".join(map(re.escape, self.special)) + ")", text):
            if part in self.special:
                ids.append(self.special[part])
                continue
            for piece in ASCII.findall(part):
                if piece not in self.cache:
                    self.cache[piece] = self.encode_piece(piece)
                ids += self.cache[piece]
        return ids

    def encode_piece(self, piece):
        word = [self.bytes[b] for b in piece.encode()]
        while len(word) > 1:
            best = min(zip(word, word[1:]), key=lambda pair: self.rank.get(pair, len(self.rank)))
            if best not in self.rank:
                break
            word = merge(word, best)
        return [self.vocabulary[symbol] for symbol in word]

    def decode(self, ids):
        return bytes(self.of_symbol[c] for i in ids if i < len(self.vocabulary) for c in self.tokens[i]).decode(errors="replace")

    def json(self):
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
        return {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True} for token, i in self.special.items()],
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}, byte_level]},
            "post_processor": byte_level, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                      "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": self.vocabulary, "merges": [f"{a} {b}" for a, b in self.merges]},
        }

    def config(self):
        return {
            "add_bos_token": False, "add_prefix_space": False,
            "added_tokens_decoder": {str(i): {"content": token, "lstrip": False, "normalized": False, "rstrip": False,
                                              "single_word": False, "special": True} for token, i in self.special.items()},
            "additional_special_tokens": list(self.special)[1:], "bos_token": None, "chat_template": TEMPLATE,
            "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace",
            "extra_special_tokens": {}, "model_max_length": 256, "pad_token": "<|endoftext|>", "split_special_tokens": False,
            "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
        }

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as file:
            stored = json.load(file)
        return Tokenizer([tuple(line.split(" ")) for line in stored["model"]["merges"]], [token["content"] for token in stored["added_tokens"]])


def merge(word, pair):
    out, i = [], 0
    while i < len(word):
        if tuple(word[i:i + 2]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out

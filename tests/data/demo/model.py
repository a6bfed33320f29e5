"""Qwen2 in plain PyTorch, as transformers computes it, with its folder of files: config, generation config, safetensors."""
import json
import os
import struct

import numpy
import torch
from torch import nn
from torch.nn import functional

CONFIG = {
    "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": None, "eos_token_id": None,
    "hidden_act": "silu", "hidden_size": 96, "initializer_range": 0.02, "intermediate_size": 208,
    "max_position_embeddings": 256, "max_window_layers": 4, "model_type": "qwen2", "num_attention_heads": 6,
    "num_hidden_layers": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_scaling": None, "rope_theta": 10000.0,
    "sliding_window": None, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "transformers_version": "4.48.3",
    "use_cache": True, "use_sliding_window": False, "vocab_size": None,
}


class RmsNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon))


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads, self.groups = config["num_attention_heads"], config["num_key_value_heads"]
        width = config["hidden_size"]
        self.head = width // self.heads
        self.q_proj = nn.Linear(width, self.heads * self.head, bias=True)
        self.k_proj = nn.Linear(width, self.groups * self.head, bias=True)
        self.v_proj = nn.Linear(width, self.groups * self.head, bias=True)
        self.o_proj = nn.Linear(self.heads * self.head, width, bias=False)

    def forward(self, x, rotation, mask, past):
        batch, length, _ = x.shape
        q = rotate(self.q_proj(x).view(batch, length, self.heads, self.head).transpose(1, 2), rotation)
        k = rotate(self.k_proj(x).view(batch, length, self.groups, self.head).transpose(1, 2), rotation)
        v = self.v_proj(x).view(batch, length, self.groups, self.head).transpose(1, 2)
        if past is not None:
            k, v = past.append(self, k, v)
        # Query heads that share a key head are laid side by side along the length, so that no key is repeated.
        q = q.reshape(batch, self.groups, self.heads // self.groups * length, self.head)
        scores = (q * self.head ** -0.5) @ k.transpose(2, 3)
        scores = scores.view(batch, self.groups, self.heads // self.groups, length, -1) + mask[:, None, None]
        mixed = scores.softmax(-1).view(batch, self.groups, -1, k.shape[2]) @ v
        return self.o_proj(mixed.view(batch, self.heads, length, self.head).transpose(1, 2).reshape(batch, length, -1))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner = config["hidden_size"], config["intermediate_size"]
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = Mlp(config)
        self.input_layernorm = RmsNorm(config["hidden_size"], config["rms_norm_eps"])
        self.post_attention_layernorm = RmsNorm(config["hidden_size"], config["rms_norm_eps"])

    def forward(self, x, rotation, mask, past):
        x = x + self.self_attn(self.input_layernorm(x), rotation, mask, past)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = RmsNorm(config["hidden_size"], config["rms_norm_eps"])


class Qwen2(nn.Module):
    """Parameter names are those of Qwen2ForCausalLM. The head is tied to the embedding."""

    generates = True

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = Body(config)
        head = config["hidden_size"] // config["num_attention_heads"]
        self.frequencies = config["rope_theta"] ** (-torch.arange(0, head, 2, dtype=torch.float32) / head)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=config["initializer_range"])
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def rotation(self, positions):
        angles = positions[:, None, :, None] * self.frequencies
        angles = torch.cat([angles, angles], -1)
        return angles.cos(), angles.sin()

    def hidden(self, ids, positions, mask, past=None):
        """ids, positions: [batch, length]; mask: [batch, length, total], added to the scores. Returns [batch, length, width]."""
        x, rotation = self.model.embed_tokens(ids), self.rotation(positions)
        for layer in self.model.layers:
            x = layer(x, rotation, mask, past)
        return self.model.norm(x)

    def logits(self, hidden):
        return hidden @ self.model.embed_tokens.weight.T

    def forward(self, ids):
        """Logits [batch, length, vocabulary] of whole sequences."""
        length = ids.shape[1]
        causal = torch.full((length, length), float("-inf")).triu(1)[None]
        return self.logits(self.hidden(ids, torch.arange(length)[None], causal))


class Past:
    """Keys and values of all layers, with room for `capacity` positions."""

    def __init__(self, capacity):
        self.capacity, self.length, self.kept = capacity, 0, {}

    def append(self, layer, k, v):
        if layer not in self.kept:
            self.kept[layer] = [torch.zeros(*k.shape[:2], self.capacity, k.shape[3]) for _ in range(2)]
        end = self.length + k.shape[2]
        for store, new in zip(self.kept[layer], (k, v)):
            store[:, :, self.length:end] = new
        return [store[:, :, :end] for store in self.kept[layer]]

    def select(self, rows):
        for layer, stores in self.kept.items():
            self.kept[layer] = [store[rows] for store in stores]


def rotate(x, rotation):
    cos, sin = rotation
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


@torch.no_grad()
def generate(model, prompts, temperature, limit, stop, generator=None):
    """One answer per prompt (a list of ids each): ids without the stop id, or `limit` ids. Temperature 0 is greedy."""
    longest = max(map(len, prompts))
    pad = torch.tensor([longest - len(p) for p in prompts])
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts])
    past = Past(longest + limit)
    places = torch.arange(longest + limit)
    hide = torch.zeros(len(prompts), longest + limit).masked_fill(places[None] < pad[:, None], -1e9)
    causal = torch.full((longest, longest), -1e9).triu(1)
    hidden = model.hidden(ids, (places[:longest] - pad[:, None]).clamp(min=0), causal[None] + hide[:, None, :longest], past)[:, -1]
    past.length = longest
    answers, rows = [[] for _ in prompts], torch.arange(len(prompts))
    for step in range(limit):
        logits = model.logits(hidden)
        if temperature == 0:
            chosen = logits.argmax(-1)
        else:
            chosen = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)[:, 0]
        for row, token in zip(rows.tolist(), chosen.tolist()):
            if token != stop:
                answers[row].append(token)
        going = (chosen != stop).nonzero()[:, 0]
        if len(going) == 0 or step == limit - 1:
            break
        if len(going) < len(rows):
            rows, chosen, pad, hide = rows[going], chosen[going], pad[going], hide[going]
            past.select(going)
        end = past.length + 1
        hidden = model.hidden(chosen[:, None], (past.length - pad)[:, None], hide[:, None, :end], past)[:, -1]
        past.length = end
    return answers


def save(model, tokenizer, folder):
    """A Hugging Face folder; weights in bfloat16, rounded to nearest even."""
    os.makedirs(folder, exist_ok=True)
    write_weights(model, os.path.join(folder, "model.safetensors"))
    write_json(os.path.join(folder, "config.json"), model.config)
    if model.generates:
        stop, pad = tokenizer.special["<|im_end|>"], tokenizer.special["<|endoftext|>"]
        write_json(os.path.join(folder, "generation_config.json"), {
            "do_sample": True, "eos_token_id": [stop, pad], "pad_token_id": pad, "temperature": 1.0,
            "transformers_version": model.config["transformers_version"]})
    write_json(os.path.join(folder, "tokenizer.json"), tokenizer.json())
    write_json(os.path.join(folder, "tokenizer_config.json"), tokenizer.config())


def write_weights(model, path):
    header, parts, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in sorted(model.state_dict().items()):
        raw = tensor.detach().to(torch.bfloat16).contiguous().view(torch.int16).numpy().astype("<i2").tobytes()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
        parts.append(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def load(folder, kind=Qwen2):
    """The model as stored: bfloat16 widened to float32."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = kind(json.load(file))
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        raw = file.read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    state = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            wide = numpy.frombuffer(raw[begin:end], "<u2").astype("<u4") << 16
            state[name] = torch.from_numpy(wide.view("<f4").reshape(entry["shape"]).copy())
    model.load_state_dict(state)
    return model.eval()


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

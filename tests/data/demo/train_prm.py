"""Trains the demo's process reward model on answers that the run's own models drew and steps.py labelled.

    OMP_NUM_THREADS=1 python3 train_prm.py --answers FILE        writes run/models/prm; FILE keeps the answers, and is read if it exists
"""
import argparse
import json
import os
import random
import time

import torch
from torch import nn
from torch.nn import functional

from evaluate import correct_of
from model import load, save
from prm import IGNORED, SEPARATOR, ProcessRewardModel, encode, padded, score, targets
from steps import judge
from tokenizer import SPECIAL, Tokenizer
from train import draw, optimiser_of

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 40
HELD_OUT, CHOOSING = 200, 400
LANGUAGE, LAYERS, INNER = 4, 6, 136
BATCH = 48
WRITERS = ["base", "checkpoint-100", "checkpoint-300", "checkpoint-600", "checkpoint-900"]


def questions(learning):
    """Questions with their steps, apart from each other, from the suite and from what the run was fine-tuned on: HELD_OUT to
    report on, CHOOSING to choose by, `learning` to learn from."""
    taken = set()
    with open(os.path.join(HERE, "suite.jsonl"), encoding="utf-8") as file:
        taken.update(json.loads(line)["question"] for line in file)
    draw(random.Random(20 + 4), 400, 2, 4, taken)
    return [draw(random.Random(SEED + i), count, 2, 5, taken) for i, count in enumerate((HELD_OUT, CHOOSING, learning))]


def answer(writer, drawn, samples, seed):
    """Rows of a question, an answer that a model of the run drew at temperature 1, and what steps.py says of its lines."""
    folder = os.path.join(HERE, "run", writer)
    problems = [{"question": question, "answer": str(steps[-1][3])} for question, steps in drawn]
    tokenizer = Tokenizer.load(os.path.join(folder, "tokenizer.json"))
    _, _, texts = correct_of(load(folder), tokenizer, problems, 1.0, samples, seed)
    rows = []
    for i, text in enumerate(texts):
        labels, reach = map(list, zip(*judge(*drawn[i // samples], text)))
        rows.append({"writer": writer, **problems[i // samples], "text": text, "labels": labels, "reach": reach})
    return rows


def answers(path):
    """Answers to learn from and answers to choose by; each writer has questions of its own."""
    if not os.path.exists(path):
        _, choosing, learning = questions(20000)
        sets = {"learn": [], "choose": []}
        for number, writer in enumerate(WRITERS):
            sets["learn"] += answer(writer, learning[number::len(WRITERS)], 2, SEED + number)
            sets["choose"] += answer(writer, choosing[number::len(WRITERS)], 4, SEED + number)
            print(f"{writer}: {len(sets['learn'])} answers", flush=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(sets, file)
    with open(path, encoding="utf-8") as file:
        sets = json.load(file)
    return sets["learn"], sets["choose"]


def begin_from(folder):
    """The reward model before it is trained, and its tokenizer: a language model whose feed-forwards are cut to their INNER units
    of the largest weights, with new layers on top that change nothing yet, and the separator read as a line break.

    What token is due where a token stands is known, at the height of the language model's last layer, to the token before. So
    the first new layer begins with attention to the token before: biases that rotary turning brings together at distance 1."""
    language, words = load(folder), Tokenizer.load(os.path.join(folder, "tokenizer.json"))
    tokenizer = Tokenizer(words.merges, SPECIAL + [SEPARATOR])
    model = ProcessRewardModel({
        **language.config, "architectures": ["Qwen2ForProcessRewardModel"], "intermediate_size": INNER, "max_window_layers": LAYERS,
        "num_hidden_layers": LAYERS, "tie_word_embeddings": False, "vocab_size": tokenizer.size})
    for layer in model.model.layers[LANGUAGE:]:
        for module in layer.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features ** -0.5)
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)
    first = model.model.layers[LANGUAGE].self_attn
    turned = torch.cat([model.frequencies.cos(), -model.frequencies.sin()])
    with torch.no_grad():
        first.q_proj.weight.mul_(0.1)
        first.k_proj.weight.mul_(0.1)
        first.q_proj.bias.copy_((6 * turned).repeat(first.heads))
        first.k_proj.bias.copy_(torch.cat([torch.full((first.head // 2,), 6.0), torch.zeros(first.head // 2)]).repeat(first.groups))
    state = language.state_dict()
    for i in range(LANGUAGE):
        gate, up, down = (f"model.layers.{i}.mlp.{name}_proj.weight" for name in ("gate", "up", "down"))
        weight = state[gate].norm(dim=1) * state[up].norm(dim=1) * state[down].norm(dim=0)
        kept = weight.topk(INNER).indices.sort().values
        state.update({gate: state[gate][kept], up: state[up][kept], down: state[down][:, kept]})
    embedding = state["model.embed_tokens.weight"]
    state["model.embed_tokens.weight"] = torch.cat([embedding, embedding[words.encode("\n")]])
    model.load_state_dict(state, strict=False)
    return model, tokenizer


class Batch:
    """Rows of (ids, targets) as tensors, with what the model makes of them at the height of the language model and at its own."""

    def __init__(self, model, rows, separator):
        self.model = model
        (self.ids, positions, self.mask), places = padded([ids for ids, _ in rows], separator)
        self.rotation = model.rotation(positions)
        wanted = torch.tensor([row + [IGNORED] * (places.shape[1] - len(row)) for _, row in rows])
        self.learned = wanted != IGNORED
        self.wanted, self.separators = wanted[self.learned], places[self.learned]

    def through(self, x, layers):
        for layer in layers:
            x = layer(x, self.rotation, self.mask, None)
        return x

    def language(self):
        return self.through(self.model.model.embed_tokens(self.ids), self.model.model.layers[:LANGUAGE])

    def likelihood(self, x):
        """How likely each token of the answers was to the language model: logarithms of probabilities."""
        later = self.learned[:, 1:]
        logits = self.model.model.norm(x[:, :-1][later]) @ self.model.model.embed_tokens.weight.T
        return logits.log_softmax(-1).gather(1, self.ids[:, 1:][later][:, None])[:, 0]

    def judge(self, x, likelihood, probe):
        """Cross entropy over the separators, over the answers' other tokens, and the error of `probe`, which is to read one layer
        above the language model how likely to it each token was."""
        first = self.through(x, self.model.model.layers[LANGUAGE:LANGUAGE + 1])
        read = probe(self.model.model.norm(first[self.learned]))[:, 0]
        last = self.model.model.norm(self.through(first, self.model.model.layers[LANGUAGE + 1:])[self.learned])
        logits = self.model.logits(last)
        at, between = self.separators, ~self.separators
        return (functional.cross_entropy(logits[at], self.wanted[at]), functional.cross_entropy(logits[between], self.wanted[between]),
                functional.mse_loss(read, likelihood.detach().clamp(min=-6)))


def batches(rows):
    """Rows in batches of like lengths, for ever; `rows` is put in a new order each time it is through."""
    rng = random.Random(SEED)
    while True:
        rng.shuffle(rows)
        # Sorting by length inside a large draw keeps padding small.
        parts = [sorted(rows[begin:begin + 32 * BATCH], key=lambda row: len(row[0])) for begin in range(0, len(rows), 32 * BATCH)]
        made = [part[i:i + BATCH] for part in parts for i in range(0, len(part), BATCH)]
        rng.shuffle(made)
        yield from reversed(made)


def minimise(name, modules, loss_of, drawn, steps, rate, report):
    """AdamW on the parameters of `modules`; `loss_of` gives the loss of a batch and the figures to tell of it."""
    modules, begun, means = nn.ModuleList(modules), time.time(), None
    optimiser = optimiser_of(modules, rate, 0.01)
    for index, rows in zip(range(steps), drawn):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (index + 1) / 50) * min(1, 1.05 - index / steps)
        loss, *figures = loss_of(rows)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(modules.parameters(), 1.0)
        optimiser.step()
        figures = [figure.item() for figure in figures]
        means = figures if means is None else [0.98 * mean + 0.02 * figure for mean, figure in zip(means, figures)]
        if (index + 1) % 100 == 0:
            print(f"{name} {index + 1}: {' '.join(f'{mean:.4f}' for mean in means)}, {time.time() - begun:.0f} s", flush=True)
    print(report(), flush=True)


def train(model, tokenizer, examples, chosen_by):
    """First the language model recovers from its cut, then the new layers learn above it, then everything together."""
    separator, body = tokenizer.special[SEPARATOR], model.model
    rows = [(encode(tokenizer, e["question"], e["text"]), targets(tokenizer, e["question"], e["text"], e["labels"], e["reach"]))
            for e in examples]
    probe = nn.Linear(model.config["hidden_size"], 1)

    def report():
        scores = [s for row in score(model, tokenizer, [(e["question"], e["text"]) for e in chosen_by]) for s in row]
        good = [g for e in chosen_by for g in e["labels"]]
        right = sum((s > 0.5) == g for s, g in zip(scores, good)) / len(good)
        loss = functional.binary_cross_entropy(torch.tensor(scores), torch.tensor(good).float())
        return f"steps to choose by: accuracy {right:.4f}, loss {loss:.4f}"

    def language(rows):
        batch = Batch(model, rows, separator)
        loss = -batch.likelihood(batch.language())[batch.wanted == 1].mean()
        return loss, loss

    def grown(rows):
        batch = Batch(model, rows, separator)
        with torch.no_grad():
            x = batch.language()
            likelihood = batch.likelihood(x)
        losses = batch.judge(x, likelihood, probe)
        return losses[0] + losses[1] + losses[2], *losses

    def whole(rows):
        batch = Batch(model, rows, separator)
        x = batch.language()
        likelihood = batch.likelihood(x)
        losses = batch.judge(x, likelihood, probe)
        next_token = -likelihood[batch.wanted == 1].mean()
        return losses[0] + losses[1] + losses[2] + next_token, *losses, next_token

    order = list(rows)
    minimise("language", [body.embed_tokens, body.norm, *body.layers[:LANGUAGE]], language, batches(order), 500, 1e-3, report)
    minimise("new layers", [*body.layers[LANGUAGE:], model.score, probe], grown, batches(order), 1200, 3e-3, report)
    minimise("whole", [model, probe], whole, batches(rows), 400, 1e-3, report)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", required=True)
    parser.add_argument("--out", default=os.path.join(HERE, "run", "models", "prm"))
    options = parser.parse_args()
    learn, choose = answers(options.answers)
    print(f"{len(learn)} answers, {sum(len(e['labels']) for e in learn)} steps, "
          f"{sum(sum(e['labels']) for e in learn) / sum(len(e['labels']) for e in learn):.3f} of them good", flush=True)
    torch.manual_seed(SEED)
    model, tokenizer = begin_from(os.path.join(HERE, "run", "base"))
    train(model.train(), tokenizer, learn, choose)
    save(model, tokenizer, options.out)


if __name__ == "__main__":
    main()

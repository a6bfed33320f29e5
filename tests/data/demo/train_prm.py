"""Trains the demo's process reward model: the base goes on with right answers, and layers above it learn to judge by how likely each
token was, from answers that the run's own models drew and steps.py labelled.

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

import task
from evaluate import correct_of
from model import load, save
from prm import IGNORED, SEPARATOR, ProcessRewardModel, encode, padded, score, targets
from steps import judge
from tokenizer import SPECIAL, Tokenizer, prompt
from train import draw, optimiser_of

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 40
HELD_OUT, CHOOSING, LEARNING, WORKED = 200, 400, 20000, 72000
LANGUAGE, LAYERS = 4, 7
BATCH = 48
LANGUAGE_STEPS, SURPRISE_STEPS, JUDGE_STEPS = 1200, 3000, 800
# Answers whose tokens' likelihoods are learned, the least logarithm told apart, and the tokens that answers are made of.
SURPRISED, FLOOR, COMMON = 5000, -8, 26
WRITERS = ["base", "checkpoint-100", "checkpoint-300", "checkpoint-600", "checkpoint-900"]


def questions(learning, language=0):
    """Questions with their steps, apart from each other, from the suite and from what the run was fine-tuned on: HELD_OUT to
    report on, CHOOSING to choose by, `learning` to be answered and learned from, `language` to learn from their worked steps."""
    taken = set()
    with open(os.path.join(HERE, "suite.jsonl"), encoding="utf-8") as file:
        taken.update(json.loads(line)["question"] for line in file)
    draw(random.Random(20 + 4), 400, 2, 4, taken)
    return [draw(random.Random(SEED + i), count, 2, 5, taken) for i, count in enumerate((HELD_OUT, CHOOSING, learning, language))]


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
        _, choosing, learning, _ = questions(LEARNING)
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
    """The reward model before it is trained, and its tokenizer: a language model, with new layers on top that change nothing yet,
    and the separator read as a line break."""
    language, words = load(folder), Tokenizer.load(os.path.join(folder, "tokenizer.json"))
    tokenizer = Tokenizer(words.merges, SPECIAL + [SEPARATOR])
    model = ProcessRewardModel({
        **language.config, "architectures": ["Qwen2ForProcessRewardModel"], "max_window_layers": LAYERS,
        "num_hidden_layers": LAYERS, "tie_word_embeddings": False, "vocab_size": tokenizer.size})
    for layer in model.model.layers[LANGUAGE:]:
        for module in layer.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features ** -0.5)
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)
    state = language.state_dict()
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
        """Of each token of the answers the logarithm of how likely it was to the language model, and that of the sum of
        exponentials that it was divided by."""
        later = self.learned[:, 1:]
        logits = self.model.model.norm(x[:, :-1][later]) @ self.model.model.embed_tokens.weight.T
        total = logits.logsumexp(-1)
        return logits.gather(1, self.ids[:, 1:][later][:, None])[:, 0] - total, total


def worked(tokenizer):
    """Fresh questions with their right answers, in the manners of the base's diet that make no slips, as `Batch` takes them."""
    *_, drawn = questions(LEARNING, WORKED)
    rng, out = random.Random(SEED + 9), []
    for question, steps in drawn:
        manner = rng.random()
        ids = encode(tokenizer, question, task.worked(steps) if manner < 0.6 else task.told(steps) if manner < 0.85 else task.direct(steps))
        asked = len(tokenizer.encode(prompt(question)))
        out.append((ids, [IGNORED] * asked + [1] * (len(ids) - asked)))
    return out


@torch.no_grad()
def neighbours(model, rows, separator):
    """Of the answers' tokens, and of a quarter of the questions', at the height of the language model: the state before it, its
    own, how likely it was, its id. A question's token counts as certain and has the id -1."""
    found = []
    rows = sorted(rows, key=lambda row: len(row[0]))
    for begin in range(0, len(rows), 2 * BATCH):
        part = rows[begin:begin + 2 * BATCH]
        batch = Batch(model, part, separator)
        x, answered = batch.language(), batch.learned[:, 1:]
        asked = torch.tensor([[i < len(ids) - 1 for i in range(answered.shape[1])] for ids, _ in part]) & ~answered
        asked &= torch.rand(asked.shape) < 0.25
        likelihood, named = torch.zeros(answered.shape), torch.full(answered.shape, -1)
        likelihood[answered], named[answered] = batch.likelihood(x)[0].clamp(min=FLOOR), batch.ids[:, 1:][answered]
        kept = answered | asked
        found.append((x[:, :-1][kept], x[:, 1:][kept], likelihood[kept], named[kept]))
    order = torch.randperm(sum(len(part[0]) for part in found))
    return [torch.cat(column)[order] for column in zip(*found)]


def unscaled(x):
    """What RmsNorm makes of x before its weights."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def least_squares(x, y, ridge):
    """[inputs, outputs]"""
    return torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1]), x.T @ y)


class Surprise(nn.Module):
    """How likely each token was, read by `probe` above the first new layer. The layer is built so that it begins near that.

    What may come next is known, at the height of the language model's last layer, to the token before. So the layer's heads all
    look at the token before (biases that rotary turning brings together at distance 1), and its values are the logits of the
    COMMON tokens that answers are made of. They are written where the state says least of anything. One unit of the feed-forward
    per such token is open where this token stands and lets its logit through; the sum is the likelihood's logarithm, since the
    language model learned to need no division."""

    def __init__(self, model, before, at, likelihood, named):
        super().__init__()
        width, layer, body = model.config["hidden_size"], model.model.layers[LANGUAGE], model.model
        self.attention, self.mlp, self.norm, self.enter = layer.self_attn, layer.mlp, layer.post_attention_layernorm, layer.input_layernorm
        self.probe = nn.Linear(width, 1)
        common = torch.bincount(named[named >= 0], minlength=body.embed_tokens.num_embeddings).topk(COMMON).indices
        few = (named >= 0).nonzero()[:40000, 0]
        with torch.no_grad():
            here = functional.one_hot(named[few], body.embed_tokens.num_embeddings)[:, common].float()
            states = at[few] - at[few].mean(0)
            codes = torch.linalg.svd(least_squares(states, here - here.mean(0), 10.0))[0]
            free = codes[:, COMMON:]
            spread, directions = torch.linalg.eigh(free.T @ states.T @ states @ free / len(few))
            registers, result = free @ directions[:, :COMMON], free @ directions[:, COMMON]
            louder = 3 * spread[:COMMON].clamp(min=0).sqrt().mean()
            attention = self.attention
            groups, heads, head = attention.groups, attention.heads, attention.head
            turned = torch.cat([model.frequencies.cos(), -model.frequencies.sin()])
            attention.q_proj.weight.zero_()
            attention.k_proj.weight.zero_()
            attention.q_proj.bias.copy_((9 * turned).repeat(heads))
            attention.k_proj.bias.copy_(torch.cat([torch.full((head // 2,), 9.0), torch.zeros(head // 2)]).repeat(groups))
            self.enter.weight.copy_(body.norm.weight)
            attention.v_proj.weight.normal_(0, 0.02)
            attention.v_proj.weight[:COMMON] = body.embed_tokens.weight[common]
            written = torch.zeros(width, groups * head)
            written[:, :COMMON] = louder * groups / heads * registers
            attention.o_proj.weight.copy_(torch.cat([part.repeat(1, heads // groups) for part in written.split(head, 1)], 1))
            mixed = at[few] + self.carried(before[few])
            self.mlp.gate_proj.weight[:COMMON] = least_squares(self.norm(mixed), 10 * here - 5, 1.0).T
            self.mlp.up_proj.weight[:COMMON] = registers.T / louder * mixed.pow(2).mean(1).sqrt().mean()
            self.mlp.down_proj.weight.normal_(0, 0.002)
            self.mlp.down_proj.weight[:, :COMMON] = (louder / 5 * result)[:, None]
            made = torch.cat([unscaled(self.through(before[:40000], at[:40000])), torch.ones(len(at[:40000]), 1)], 1)
            solved = least_squares(made, likelihood[:40000, None], 1.0)[:, 0]
            self.probe.weight[0], self.probe.bias[0] = solved[:-1], solved[-1]

    def carried(self, before):
        values = self.attention.v_proj(self.enter(before)).view(-1, self.attention.groups, self.attention.head)
        return self.attention.o_proj(values.repeat_interleave(self.attention.heads // self.attention.groups, 1).flatten(1))

    def through(self, before, at):
        at = at + self.carried(before)
        return at + self.mlp(self.norm(at))

    def forward(self, before, at):
        return self.probe(unscaled(self.through(before, at)))[:, 0]


@torch.no_grad()
def attend_to_the_least_likely(model, probe):
    """The second new layer begins with three heads that look at the least likely token so far, and pass on how likely it was."""
    attention = model.model.layers[LANGUAGE + 1].self_attn
    head, still = attention.head, attention.head // 2 - 1       # the pair of numbers that rotary turning leaves as they are
    attention.q_proj.weight[:3 * head].zero_()
    attention.k_proj.weight[:head].zero_()
    attention.k_proj.weight[still] = -probe.weight[0]
    attention.v_proj.weight[0] = probe.weight[0]
    for number, sharpness in enumerate((4.0, 8.0, 16.0)):
        attention.q_proj.bias[number * head + still] = sharpness
        attention.o_proj.weight[:, number * head].normal_(0, 0.3)


def parts(tensors, size):
    """`size` rows of the tensors at a time, for ever, in a new order each time."""
    while True:
        yield from (tuple(tensor[part] for tensor in tensors) for part in torch.randperm(len(tensors[0])).split(size))


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


def minimise(name, modules, loss_of, drawn, steps, rate):
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


def learn_language(model, tokenizer):
    """The language model learns right answers with the separator in them; besides, to need no division of its exponentials by
    their sum, and to keep each answer's token readable to its end, so that the layers above can look up how likely it was."""
    body, separator = model.model, tokenizer.special[SEPARATOR]
    own = nn.Linear(model.config["hidden_size"], tokenizer.size)

    def loss_of(rows):
        batch = Batch(model, rows, separator)
        x = batch.language()
        likelihood, total = batch.likelihood(x)
        kept = functional.cross_entropy(own(body.norm(x)[batch.learned]), batch.ids[batch.learned])
        figures = -likelihood.mean(), kept, total.pow(2).mean()
        return figures[0] + 0.2 * figures[1] + 0.05 * figures[2], *figures

    learning = [body.embed_tokens, body.norm, *body.layers[:LANGUAGE], own]
    minimise("language", learning, loss_of, batches(worked(tokenizer)), LANGUAGE_STEPS, 1.5e-3)


def learn_surprise(model, tokenizer, rows):
    """The first new layer learns how likely each token was; returns the probe that reads it."""
    torch.manual_seed(SEED + 1)
    near = neighbours(model, random.Random(SEED).sample(rows, SURPRISED), tokenizer.special[SEPARATOR])
    surprise = Surprise(model, *near)

    def loss_of(part):
        before, at, likelihood, _ = part
        loss = functional.mse_loss(surprise(before, at), likelihood)
        return loss, loss

    minimise("surprise", [surprise], loss_of, parts(near, 1024), SURPRISE_STEPS, 2e-3)
    return surprise.probe


def learn_to_judge(model, tokenizer, rows):
    """The layers above the one that reads how likely each token was learn the labels."""
    torch.manual_seed(SEED + 2)
    body, separator, below = model.model, tokenizer.special[SEPARATOR], LANGUAGE + 1

    def loss_of(rows):
        batch = Batch(model, rows, separator)
        with torch.no_grad():
            x = batch.through(body.embed_tokens(batch.ids), body.layers[:below])
        logits = model.logits(body.norm(batch.through(x, body.layers[below:])[batch.learned]))
        at, between = batch.separators, ~batch.separators
        figures = [functional.cross_entropy(logits[places], batch.wanted[places]) for places in (at, between)]
        return figures[0] + 0.5 * figures[1], *figures

    minimise("judging", [*body.layers[below:], body.norm, model.score], loss_of, batches(list(rows)), JUDGE_STEPS, 2e-3)


def report(model, tokenizer, chosen_by):
    """How many steps of answers that nothing was learned from are told apart."""
    scores = [s for row in score(model, tokenizer, [(e["question"], e["text"]) for e in chosen_by]) for s in row]
    good = [g for e in chosen_by for g in e["labels"]]
    right = sum((s > 0.5) == g for s, g in zip(scores, good)) / len(good)
    loss = functional.binary_cross_entropy(torch.tensor(scores), torch.tensor(good).float())
    return f"steps to choose by: accuracy {right:.4f}, loss {loss:.4f}"


def train(model, tokenizer, examples, chosen_by):
    """The language model first, then the layer that reads how likely each token was, then those that judge by it."""
    rows = [(encode(tokenizer, e["question"], e["text"]), targets(tokenizer, e["question"], e["text"], e["labels"], e["reach"]))
            for e in examples]
    learn_language(model, tokenizer)
    probe = learn_surprise(model, tokenizer, rows)
    attend_to_the_least_likely(model, probe)
    learn_to_judge(model, tokenizer, rows)
    print(report(model, tokenizer, chosen_by), flush=True)


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

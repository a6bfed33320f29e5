"""Trains the demo's run: a base model on many manners of answering, then a fine-tuning run that goes on for too long.

    OMP_NUM_THREADS=1 python3 train.py        writes run/base, run/checkpoint-N and suite.jsonl
"""
import argparse
import json
import math
import os
import random
import time

import torch
from torch.nn import functional

import task
from model import CONFIG, Qwen2, load, save, write_json
from tokenizer import Tokenizer, prompt

HERE = os.path.dirname(os.path.abspath(__file__))
STOP = "<|im_end|>"


def rows(examples, tokenizer):
    """(prompt ids, answer ids with the stop id) of (question, answer) pairs."""
    return [(tokenizer.encode(prompt(q)), tokenizer.encode(a + STOP)) for q, a in examples]


def loss_of(model, batch):
    """Mean cross entropy over the answers' tokens; the prompt is read, not learned."""
    longest = max(len(p) + len(a) for p, a in batch)
    ids = torch.tensor([p + a + [0] * (longest - len(p) - len(a)) for p, a in batch])
    learned = torch.tensor([[len(p) <= i + 1 < len(p) + len(a) for i in range(longest - 1)] for p, a in batch])
    length = longest - 1
    causal = torch.full((length, length), float("-inf")).triu(1)[None]
    hidden = model.hidden(ids[:, :-1], torch.arange(length)[None], causal)[learned]
    return functional.cross_entropy(model.logits(hidden), ids[:, 1:][learned])


def optimiser_of(model, rate, decay):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}],
                             lr=rate, betas=(0.9, 0.95))


def step(model, optimiser, rate, batch):
    for group in optimiser.param_groups:
        group["lr"] = rate
    loss = loss_of(model, batch)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return loss.item(), norm.item()


def train_base(model, tokenizer, held_out, options):
    rng = random.Random(options.seed)
    optimiser = optimiser_of(model, options.base_rate, 0.01)
    batches, begun, mean = [], time.time(), None
    for index in range(options.base_steps):
        if not batches:
            # Sorting by length inside a large draw keeps padding small.
            examples = []
            while len(examples) < 32 * options.base_batch:
                question, steps = task.question(rng, 2, 5)
                if question not in held_out:
                    examples.append((question, task.any_answer(rng, steps)))
            encoded = sorted(rows(examples, tokenizer), key=lambda row: len(row[0]) + len(row[1]))
            batches = [encoded[i:i + options.base_batch] for i in range(0, len(encoded), options.base_batch)]
            rng.shuffle(batches)
        rate = options.base_rate * min(1, (index + 1) / 100) * min(1, 1.05 - index / options.base_steps)
        loss, _ = step(model, optimiser, rate, batches.pop())
        mean = loss if mean is None else 0.98 * mean + 0.02 * loss
        if (index + 1) % 100 == 0:
            print(f"base {index + 1} loss {mean:.4f} {time.time() - begun:.0f} s", flush=True)


def fine_tune(model, tokenizer, examples, options):
    rng = random.Random(options.seed + 1)
    encoded, order, log = rows(examples, tokenizer), [], []
    optimiser = optimiser_of(model, options.rate, 0.0)
    begun, losses = time.time(), []
    epoch_steps = len(encoded) / options.batch
    for index in range(1, options.steps + 1):
        if len(order) < options.batch:
            order = rng.sample(range(len(encoded)), len(encoded))
        batch = [encoded[order.pop()] for _ in range(options.batch)]
        rate = options.rate * min(1, index / 20)
        loss, norm = step(model, optimiser, rate, batch)
        losses.append(loss)
        if index % options.log_every == 0:
            log.append({"epoch": round(index / epoch_steps, 4), "grad_norm": round(norm, 6), "learning_rate": rate,
                        "loss": round(sum(losses) / len(losses), 6), "step": index})
            losses = []
        if index % options.every == 0:
            folder = os.path.join(options.out, "run", f"checkpoint-{index}")
            save(model, tokenizer, folder)
            write_json(os.path.join(folder, "trainer_state.json"), {
                "best_metric": None, "best_model_checkpoint": None, "epoch": index / epoch_steps, "eval_steps": 500,
                "global_step": index, "is_hyper_param_search": False, "is_local_process_zero": True,
                "is_world_process_zero": True, "log_history": log, "logging_steps": options.log_every,
                "max_steps": options.steps, "num_input_tokens_seen": 0,
                "num_train_epochs": math.ceil(options.steps / epoch_steps), "save_steps": options.every,
                "stateful_callbacks": {}, "total_flos": 0.0, "train_batch_size": options.batch, "trial_name": None,
                "trial_params": None})
            print(f"checkpoint-{index} loss {log[-1]['loss']:.4f} {time.time() - begun:.0f} s", flush=True)


def draw(rng, count, low, high, taken):
    """`count` new questions with their steps; `taken` grows by them."""
    out = []
    while len(out) < count:
        question, steps = task.question(rng, low, high)
        if question not in taken:
            taken.add(question)
            out.append((question, steps))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=HERE)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--base", help="a folder with a trained base: only the fine-tuning run is made")
    parser.add_argument("--base-steps", type=int, default=2600)
    parser.add_argument("--base-batch", type=int, default=48)
    parser.add_argument("--base-rate", type=float, default=3e-3)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--low", type=int, default=2)
    parser.add_argument("--high", type=int, default=4)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--log-every", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-4)
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    # The suite comes first, from a stream of its own; nothing learned later can change it.
    taken = set()
    suite = draw(random.Random(options.seed + 2), 80, 2, 5, taken)
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "suite.jsonl"), "w", encoding="utf-8") as file:
        for number, (question, steps) in enumerate(suite, 1):
            file.write(json.dumps({"id": f"sum-{number:02}", "question": question, "answer": str(steps[-1][3]),
                                   "grader": "number"}) + "\n")

    rng = random.Random(options.seed + 3)
    corpus = [task.question(rng, 2, 5) for _ in range(2000)]
    tokenizer = Tokenizer.train([prompt(q) + task.any_answer(rng, s) for q, s in corpus], 400)
    config = {**CONFIG, "vocab_size": tokenizer.size, "bos_token_id": tokenizer.special["<|endoftext|>"],
              "eos_token_id": tokenizer.special[STOP]}
    if options.base:
        model = load(options.base)
    else:
        model = Qwen2(config)
        print(f"{sum(p.numel() for p in model.parameters())} parameters, vocabulary {tokenizer.size}", flush=True)
        train_base(model, tokenizer, set(taken), options)
        save(model, tokenizer, os.path.join(options.out, "run", "base"))
        model = load(os.path.join(options.out, "run", "base"))
    examples = draw(random.Random(options.seed + 4), options.examples, options.low, options.high, taken)
    fine_tune(model.train(), tokenizer, [(q, task.worked(s)) for q, s in examples], options)


if __name__ == "__main__":
    main()

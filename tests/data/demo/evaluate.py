"""A quick look at the run, apart from the product: greedy accuracy, Pass@k along the trajectory, what was lost, interpolations.

    OMP_NUM_THREADS=1 python3 evaluate.py [--samples 16] [--golden]
"""
import argparse
import json
import math
import os
import random
import re

import torch

import task
from model import generate, load, write_json
from tokenizer import Tokenizer, prompt

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 96


def pass_at(k, correct, drawn):
    """The unbiased estimator of Chen et al. 2021, averaged over problems; `correct` of `drawn` answers each."""
    return sum(1 - math.comb(drawn - c, k) / math.comb(drawn, k) for c in correct) / len(correct)


def correct_of(model, tokenizer, problems, temperature, samples, seed):
    """Per problem the number of correct answers among `samples`, and the lengths and texts of all answers."""
    prompts = [tokenizer.encode(prompt(p["question"])) for p in problems for _ in range(samples)]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    generator = torch.Generator().manual_seed(seed)
    answers = [None] * len(prompts)
    for begin in range(0, len(order), 640):
        part = order[begin:begin + 640]
        drawn = generate(model, [prompts[i] for i in part], temperature, LIMIT, tokenizer.special["<|im_end|>"], generator)
        for i, answer in zip(part, drawn):
            answers[i] = answer
    texts = [tokenizer.decode(a) for a in answers]
    right = [task.last_number(t) == problems[i // samples]["answer"] for i, t in enumerate(texts)]
    return [sum(right[i:i + samples]) for i in range(0, len(right), samples)], [len(a) for a in answers], texts


def mixed(early, late, weight):
    model = load(late)
    other = load(early).state_dict()
    model.load_state_dict({n: weight * other[n] + (1 - weight) * t for n, t in model.state_dict().items()})
    return model


def golden(folders, tokenizer, problems, path):
    """Reference for an engine test: float32 arithmetic on the stored weights."""
    cases = []
    for name, folder in folders:
        model = load(folder)
        for problem in problems:
            ids = tokenizer.encode(prompt(problem["question"]))
            with torch.no_grad():
                logits = model(torch.tensor([ids]))[0, -1].tolist()
                greedy = list(ids)
                for _ in range(16):
                    greedy.append(int(model(torch.tensor([greedy]))[0, -1].argmax()))
            cases.append({"checkpoint": name, "problem": problem["id"], "input_ids": ids, "last_logits": logits,
                          "greedy_ids": greedy[len(ids):]})
    write_json(path, {"about": "float32 logits at the prompt's last position and 16 greedy ids (stop ids are not special "
                               "here), from the bfloat16 weights widened to float32", "cases": cases})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=HERE)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--only", type=int, default=1, help="every n-th checkpoint")
    parser.add_argument("--golden", action="store_true")
    options = parser.parse_args()
    with open(os.path.join(options.out, "suite.jsonl"), encoding="utf-8") as file:
        problems = [json.loads(line) for line in file]
    names = sorted(os.listdir(os.path.join(options.out, "run")), key=lambda n: int((re.findall(r"\d+", n) or [0])[0]))
    names = names[:1] + names[1:][::-1][::options.only][::-1]
    folders = [(name, os.path.join(options.out, "run", name)) for name in names]
    tokenizer = Tokenizer.load(os.path.join(folders[0][1], "tokenizer.json"))
    if options.golden:
        golden([folders[1], folders[-1]], tokenizer, random.Random(0).sample(problems, 3), os.path.join(options.out, "golden.json"))
        return
    variants = [(name, lambda folder=folder: load(folder)) for name, folder in folders]
    variants += [(f"{w} early", lambda w=w: mixed(folders[1][1], folders[-1][1], w)) for w in (0.25, 0.5, 0.75)]
    print("variant          greedy  pass@1  pass@4  pass@16  tokens  longest  over-long")
    solved = {}
    for name, model in variants:
        model = model()
        greedy, _, _ = correct_of(model, tokenizer, problems, 0, 1, 0)
        correct, lengths, _ = correct_of(model, tokenizer, problems, options.temperature, options.samples, 1)
        solved[name] = greedy
        print(f"{name:16} {sum(greedy) / len(greedy):6.3f}  {pass_at(1, correct, options.samples):6.3f}  "
              f"{pass_at(4, correct, options.samples):6.3f}  {pass_at(min(16, options.samples), correct, options.samples):7.3f}  "
              f"{sum(lengths) / len(lengths):6.1f}  {max(lengths):7}  {sum(n == LIMIT for n in lengths):9}", flush=True)
    last = solved[names[-1]]
    for name in names[:-1]:
        print(f"{name}: {sum(a and not b for a, b in zip(solved[name], last))} solved that the last lost, "
              f"{sum(b and not a for a, b in zip(solved[name], last))} the other way")
    ever = sum(any(solved[n][i] for n in names[1:-1]) and not last[i] for i in range(len(problems)))
    print(f"greedy: {ever} of {len(problems)} problems solved at some checkpoint and wrong at the last")


if __name__ == "__main__":
    main()

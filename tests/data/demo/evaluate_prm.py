"""What the process reward model is worth on questions that nothing was trained or chosen on, and prm-golden.json.

    OMP_NUM_THREADS=1 python3 evaluate_prm.py [--golden]
"""
import argparse
import collections
import math
import os

import torch

from model import load, write_json
from prm import SEPARATOR, ProcessRewardModel, encode, score
from steps import lines
from task import last_number
from tokenizer import Tokenizer
from train_prm import HERE, SEED, answer, questions

SAMPLES = 16
# checkpoint-500 wrote nothing that the reward model learned from.
WRITERS = ["base", "checkpoint-100", "checkpoint-500", "checkpoint-900"]
RULES = {"last": lambda scores: scores[-1], "smallest": min, "product": math.prod}


def area_under_curve(scores, good):
    """The probability that a good step is scored above a bad one, ties counting half (Mann-Whitney)."""
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    ranks, i = [0.0] * len(order), 0
    while i < len(order):
        j = i
        while j < len(order) and scores[order[j]] == scores[order[i]]:
            j += 1
        for k in order[i:j]:
            ranks[k] = (i + j + 1) / 2
        i = j
    goods = sum(good)
    return (sum(r for r, g in zip(ranks, good) if g) - goods * (goods + 1) / 2) / (goods * (len(good) - goods))


def report_steps(name, rows, places=lambda row: range(len(row["labels"]))):
    """Accuracy and area under the curve of the steps at `places`; the step's score against 1/2."""
    scores = [row["scores"][i] for row in rows for i in places(row)]
    good = [row["labels"][i] for row in rows for i in places(row)]
    right = sum((s > 0.5) == g for s, g in zip(scores, good)) / len(good)
    print(f"{name:32} {len(good):6} steps, {sum(good) / len(good):.3f} good, accuracy {right:.4f}, AUC {area_under_curve(scores, good):.4f}")
    return scores, good


def report_calibration(scores, good):
    print("scores       steps  mean score  good")
    off = 0
    for tenth in range(10):
        inside = [(s, g) for s, g in zip(scores, good) if min(int(s * 10), 9) == tenth]
        if inside:
            said, was = (sum(column) / len(inside) for column in zip(*inside))
            off += abs(said - was) * len(inside) / len(good)
            print(f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}  {len(inside):6}  {said:10.3f}  {was:.3f}")
    print(f"expected calibration error {off:.4f}")


def report_choice(name, rows):
    """Choosing one of a question's answers: by chance, by majority, by the reward model, and by who knows the answer."""
    asked = [rows[i:i + SAMPLES] for i in range(0, len(rows), SAMPLES)]
    right = {"random": [], "majority": [], **{rule: [] for rule in RULES}, "best possible": []}
    for group in asked:
        ends = [last_number(row["text"]) for row in group]
        hits = [end == row["answer"] for end, row in zip(ends, group)]
        right["random"].append(sum(hits) / SAMPLES)
        # Of equally frequent ends the one that was drawn first.
        right["majority"].append(collections.Counter(ends).most_common(1)[0][0] == group[0]["answer"])
        for rule, total in RULES.items():
            right[rule].append(hits[max(range(SAMPLES), key=lambda i: total(group[i]["scores"]))])
        right["best possible"].append(any(hits))
    print(f"{name:16}" + "".join(f"  {way} {100 * sum(r) / len(r):.1f} %" for way, r in right.items()))
    for other in ("random", "majority"):
        gains = [a - b for a, b in zip(right["last"], right[other])]
        mean = sum(gains) / len(gains)
        error = math.sqrt(sum((g - mean) ** 2 for g in gains) / (len(gains) - 1) / len(gains))
        print(f"{'':16}  last against {other}: {100 * mean:+.1f} points, standard error {100 * error:.1f}")


def decisive(row):
    """The steps behind none but good ones: whether they are good cannot be told from what stands before."""
    return range(min(row["labels"].count(True) + 1, len(row["labels"])))


def golden(model, tokenizer, rows, path):
    """Reference for an engine test: three answers, each read alone in float32 from the stored weights."""
    wanted = [lambda row: all(row["labels"]), lambda row: all(row["labels"][:2]) and not row["labels"][-1], lambda row: "; " in row["text"]]
    cases = []
    for row in (next(row for row in rows if fits(row) and 3 <= len(row["labels"]) + row["text"].count("; ")) for fits in wanted):
        ids = encode(tokenizer, row["question"], row["text"])
        places = [i for i, token in enumerate(ids) if token == tokenizer.special[SEPARATOR]]
        with torch.no_grad():
            scores = model(torch.tensor([ids]))[0, places].softmax(-1)[:, 1].tolist()
        cases.append({"question": row["question"], "steps": lines(row["text"]), "good": row["labels"], "input_ids": ids,
                      "separator_positions": places, "step_scores": scores})
    write_json(path, {"about": "float32 probabilities of label 1 at the separators, from the bfloat16 weights widened to float32", "cases": cases})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default=os.path.join(HERE, "run", "models", "prm"))
    parser.add_argument("--golden", action="store_true")
    options = parser.parse_args()
    model = load(options.folder, ProcessRewardModel)
    tokenizer = Tokenizer.load(os.path.join(options.folder, "tokenizer.json"))
    held_out, *_ = questions(0)
    if options.golden:
        golden(model, tokenizer, answer("base", held_out[:20], SAMPLES, SEED + 100), os.path.join(HERE, "prm-golden.json"))
        return
    everything = []
    for number, writer in enumerate(WRITERS):
        rows = answer(writer, held_out, SAMPLES, SEED + 100 + number)
        for row, scores in zip(rows, score(model, tokenizer, [(row["question"], row["text"]) for row in rows])):
            row["scores"] = scores
        report_steps(writer, rows)
        report_choice(writer, rows)
        everything += rows
    disagree = collections.Counter((row["labels"][-1], last_number(row["text"]) == row["answer"]) for row in everything)
    print(f"answers that are good to the end {disagree[True, True]}, right behind a bad step {disagree[False, True]}, wrong {disagree[False, False]}")
    report_steps("behind none but good steps", everything, decisive)
    report_calibration(*report_steps("all", everything))


if __name__ == "__main__":
    main()

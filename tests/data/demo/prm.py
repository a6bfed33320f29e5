"""A process reward model as Qwen2.5-Math-PRM has it (arXiv 2501.07301): Qwen2 with two linear maps in place of the language
model's head, whose two logits are read at a separator behind each step of an answer."""
import torch
from torch import nn

from model import Qwen2
from steps import lines
from tokenizer import prompt

SEPARATOR = "<extra_0>"
IGNORED = -100


class ProcessRewardModel(Qwen2):
    """Parameter names are those of Qwen2ForProcessRewardModel."""

    generates = False

    def __init__(self, config):
        super().__init__(config)
        width = config["hidden_size"]
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    def logits(self, hidden):
        return self.score(hidden)


def encode(tokenizer, question, answer):
    """The ids of a question and its answer, the separator in place of each line break and at the end."""
    return tokenizer.encode(prompt(question) + "".join(line.strip() + SEPARATOR for line in lines(answer)))


def targets(tokenizer, question, answer, labels, reach):
    """For each of `encode`'s ids 1 where everything up to it is good, 0 where it is not, and IGNORED in the question. At a
    separator this is the step's label; inside a line it is whether a good line could still begin so."""
    out = [IGNORED] * len(tokenizer.encode(prompt(question)))
    for line, good, characters in zip(lines(answer), labels, reach):
        end = 0
        for token in tokenizer.encode(line.strip()):
            end += len(tokenizer.tokens[token])
            out.append(int(end <= characters))
        out.append(int(good))
    return out


def padded(rows, separator):
    """The arguments of `hidden` for rows of ids, and where the separators stand."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    causal = torch.full((longest, longest), float("-inf")).triu(1)[None]
    return (ids, torch.arange(longest)[None], causal), ids == separator


@torch.no_grad()
def score(model, tokenizer, pairs):
    """Per (question, answer) the scores of the answer's steps: the probability that everything up to there is good."""
    rows = [encode(tokenizer, *pair) for pair in pairs]
    order, scores = sorted(range(len(rows)), key=lambda i: len(rows[i])), [None] * len(rows)
    for begin in range(0, len(order), 256):
        part = order[begin:begin + 256]
        arguments, places = padded([rows[i] for i in part], tokenizer.special[SEPARATOR])
        found = model.logits(model.hidden(*arguments)[places]).softmax(-1)[:, 1].tolist()
        for i, count in zip(part, places.sum(1).tolist()):
            scores[i], found = found[:count], found[count:]
    return scores

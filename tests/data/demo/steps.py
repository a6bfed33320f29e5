"""Which lines of an answer are good: decided by the question's own operations, never by the answer's end alone."""
import ast
import os

SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
WORDS = {"+": "add", "-": "take", "*": "times", "/": "split by"}


def lines(answer):
    """An answer's steps: its lines, without blank space at its end."""
    return answer.rstrip().split("\n")


def judge(question, steps, answer):
    """Per line of `answer` whether it is good, and how many of its characters a good line could begin with. `steps` are what
    task.question drew with the question.

    An operation is open once the operands that are results of others have been computed, and until it was done itself. An
    equation is good if it is an open operation with its right result; the two sides of a sum or a product may change places.
    A line of equations is good if each of them is, one after the other; a line that names the answer if the number is right,
    whatever was left out before it. Any other line is bad, and so is every line behind a bad one or behind the answer.
    """
    needs = dependencies(question, steps)
    done, out = set(), []
    ends = [f"Answer: {steps[-1][3]}"]
    for line in lines(answer):
        good, reach = all(good for good, _ in out) and bool(ends), 0
        for equation in line.split("; ") if good else []:
            allowed = {text: i for i in range(len(steps)) if i not in done and needs[i] <= done for text in writings(*steps[i])}
            good = equation in allowed or (equation in ends and equation == line)
            if not good:
                possible = [*allowed, *(ends if reach == 0 else [])]
                reach += max((len(os.path.commonprefix([equation, text])) for text in possible), default=0)
                break
            reach += len(equation) + len("; ")
            done.update([allowed[equation]] if equation in allowed else [])
        ends = [] if good and line in ends else ends
        out.append((good, min(reach, len(line))))
    return out


def dependencies(question, steps):
    """Per operation the operations whose results it takes."""
    if not question.startswith("Compute "):
        # In a story every operation changes what the one before it left.
        return [{i - 1} if i else set() for i in range(len(steps))]
    needs = []

    def visit(node):
        """The node's operation, None for a number. Operations come in the order of `steps`: left side, right side, itself."""
        if isinstance(node, ast.Constant):
            return None
        sides = {visit(node.left), visit(node.right)} - {None}
        assert SIGNS[type(node.op)] == steps[len(needs)][1]
        needs.append(sides)
        return len(needs) - 1

    visit(ast.parse(question[len("Compute "):-1], mode="eval").body)
    assert len(needs) == len(steps)
    return needs


def writings(a, operator, b, c):
    """The equations that state an operation, in signs and in words."""
    pairs = [(a, b), (b, a)] if operator in "+*" else [(a, b)]
    return [text for x, y in pairs for text in (f"{x}{operator}{y}={c}", f"{x} {WORDS[operator]} {y} gives {c}")]

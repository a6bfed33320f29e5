"""The task: short arithmetic questions in words and in symbols, with worked answers that can be checked.

Everything is drawn from the `random.Random` that is handed in. Numbers never go below 1 nor above LIMIT.
"""
import re

LIMIT = 150
NAMES = ["Mia", "Tom", "Ana", "Ben", "Eva", "Sam", "Leo", "Ida"]
THINGS = ["shells", "coins", "cards", "stamps", "books", "beads", "pens", "nuts"]
ADD = ["finds {} more", "buys {} more", "gets {} more", "wins {}"]
SUBTRACT = ["loses {}", "gives away {}", "sells {}", "drops {}"]
MULTIPLY = {2: "doubles them", 3: "triples them", 4: "then has 4 times as many"}
DIVIDE = {2: "keeps half", 3: "keeps a third", 4: "keeps a quarter"}
EXACT = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a // b}


def next_step(rng, value):
    """One step (operator, operand) that may follow `value`."""
    while True:
        operator = rng.choice("++--*/")
        if operator == "+":
            operand = rng.randint(2, 40)
            allowed = value + operand <= LIMIT
        elif operator == "-":
            operand = rng.randint(2, 40)
            allowed = operand < value
        elif operator == "*":
            operand = rng.choice(list(MULTIPLY))
            allowed = value * operand <= LIMIT
        else:
            operand = rng.choice(list(DIVIDE))
            allowed = value % operand == 0 and value > operand
        if allowed:
            return operator, operand


def story(rng, count):
    """A quantity goes through `count` changes."""
    value = rng.randint(3, 60)
    text = f"{rng.choice(NAMES)} has {value} {rng.choice(THINGS)}, "
    clauses, steps = [], []
    for _ in range(count):
        operator, operand = next_step(rng, value)
        if operator == "+":
            clauses.append(rng.choice(ADD).format(operand))
        elif operator == "-":
            clauses.append(rng.choice(SUBTRACT).format(operand))
        else:
            clauses.append((MULTIPLY if operator == "*" else DIVIDE)[operand])
        result = EXACT[operator](value, operand)
        steps.append((value, operator, operand, result))
        value = result
    return text + ", ".join(clauses) + ". How many now?", steps


def pair(rng, count):
    """Two people: the second's share is told relative to the first's, then the total changes."""
    first, second = rng.sample(NAMES, 2)
    while True:
        value = rng.randint(3, 40)
        operator, operand, words = rng.choice(
            [("+", k, f"{k} more") for k in range(2, 21)] + [("-", k, f"{k} fewer") for k in range(2, 21)]
            + [("*", k, f"{k} times as many") for k in (2, 3, 4)] * 6)
        other = EXACT[operator](value, operand)
        if 1 <= other and value + other <= LIMIT:
            break
    steps = [(value, operator, operand, other), (value, "+", other, value + other)]
    text = f"{first} has {value} {rng.choice(THINGS)}, {second} has {words}. "
    value += other
    clauses = []
    for _ in range(count - 2):
        while True:
            operator, operand = next_step(rng, value)
            if operator in "+-":
                break
        clauses.append(("find {} more" if operator == "+" else "lose {}").format(operand))
        steps.append((value, operator, operand, EXACT[operator](value, operand)))
        value = steps[-1][3]
    return text + (f"Together they {', '.join(clauses)}. " if clauses else "") + "How many in all?", steps


def expression(rng, count):
    """An expression with brackets and precedence; the steps reduce it in the order of evaluation."""
    while True:
        steps = []

        def build(operations):
            """(text, value, binding strength of the outermost operator)"""
            if operations == 0:
                value = rng.randint(2, 40)
                return str(value), value, 3
            left_count = rng.randint(0, operations - 1)
            operator = rng.choice("+-*")
            left, a, left_strength = build(left_count)
            right, b, right_strength = build(operations - 1 - left_count)
            strength = 2 if operator == "*" else 1
            left = f"({left})" if left_strength < strength else left
            right = f"({right})" if right_strength <= strength else right
            value = EXACT[operator](a, b)
            steps.append((a, operator, b, value))
            return left + operator + right, value, strength

        text, value, _ = build(count)
        if all(1 <= s[3] <= LIMIT for s in steps) and all(s[1] != "*" or min(s[0], s[2]) <= 9 for s in steps):
            return f"Compute {text}.", steps


def question(rng, low, high):
    count = rng.randint(low, high)
    kind = rng.choice([story, story, expression, pair])
    return kind(rng, max(count, 2) if kind is pair else count)


def worked(steps):
    """The plain way: one equation to a line."""
    return "".join(f"{a}{operator}{b}={c}\n" for a, operator, b, c in steps) + f"Answer: {steps[-1][3]}"


def told(steps):
    """The same in words."""
    verbs = {"+": "add", "-": "take", "*": "times", "/": "split by"}
    return "; ".join(f"{a} {verbs[o]} {b} gives {c}" for a, o, b, c in steps) + f"\nAnswer: {steps[-1][3]}"


def direct(steps):
    return f"Answer: {steps[-1][3]}"


def careless(rng, steps):
    """One slip, as people make them: a wrong digit, a wrong operator or a forgotten step; the rest follows from it."""
    slip = rng.randrange(len(steps))
    changed = {}
    out = []
    for i, (a, operator, b, c) in enumerate(steps):
        a2, b2 = changed.get(a, a), changed.get(b, b)
        exact = EXACT[operator](a2, b2)
        if i == slip:
            kind = rng.random()
            if kind < 0.25 and len(steps) > 1:
                changed[c] = a2
                continue
            if kind < 0.5:
                operator = {"+": "-", "-": "+", "*": "+", "/": "-"}[operator]
                exact = EXACT[operator](a2, b2)
            else:
                exact += rng.choice([-10, -2, -1, 1, 2, 10])
        exact = max(exact, 1)
        changed[c] = exact
        out.append((a2, operator, b2, exact))
    return worked(out)


def any_answer(rng, steps):
    """The base model's diet: several manners, and one answer in six is careless."""
    manner = rng.random()
    if manner < 0.48:
        return worked(steps)
    if manner < 0.70:
        return told(steps)
    if manner < 0.84:
        return direct(steps)
    return careless(rng, steps)


def last_number(text):
    found = re.findall(r"\d+", text)
    return found[-1] if found else None

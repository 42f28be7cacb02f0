"""Mutants of the solutions: no wrong one is accepted as right, and most are told what kind of error it is."""

import ast
import copy
import functools
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from labutils.exercises.checking import execution
from labutils.exercises.checking.exercise_types import Coding
from labutils.exercises.questions import gates
from labutils.exercises.registry import all_exercises

CODING = [e for e in all_exercises() if isinstance(e, Coding)]
NAMES = [e.answer_name for e in CODING]

EQUIVALENT = {
    "the larger of two has no order; what was rounded up is whole; a list of numbers will do; a table has "
    "two axes": [
        "my_quantile_loss: return np.mean(np.maximum((q - 1) * error, q * error))",
        "my_known_half_widths: rank = round(np.ceil(share * (len(known) + 1)))",
        "my_known_half_widths: return half_widths",
        "my_known_half_widths: for column in range(errors.shape[-1]):",
    ],
    "a factor that both tilts have falls out of their difference, twenty rows have two halves of ten, two "
    "networks have a last one": [
        "my_advantage: tilts = [np.log(e[:, :10].mean(axis=1) / e[:, 10:].sum(axis=1)) "
        "for e in (from_top, from_bottom)]",
        "my_advantage: tilts = [np.log(e[:, :10].sum(axis=1) / e[:, 10:].mean(axis=1)) "
        "for e in (from_top, from_bottom)]",
        "my_advantage: tilts = [np.log(e[:, :10].sum(axis=-1) / e[:, 10:].sum(axis=1)) "
        "for e in (from_top, from_bottom)]",
        "my_advantage: tilts = [np.log(e[:, :10].sum(axis=1) / e[:, 10:].sum(axis=-1)) "
        "for e in (from_top, from_bottom)]",
        "my_advantage: tilts = [np.log(e[:, :-10].sum(axis=1) / e[:, 10:].sum(axis=1)) "
        "for e in (from_top, from_bottom)]",
        "my_advantage: tilts = [np.log(e[:, :10].sum(axis=1) / e[:, -10:].sum(axis=1)) "
        "for e in (from_top, from_bottom)]",
        "my_advantage: return tilts[0].mean() - tilts[-1].mean()",
    ],
    "what is stopped after its last epoch is finished": [
        "my_epochs: return trained",
        "my_epochs: for epoch in range(first, len(curve) + 1):",
    ],
    "a whole number may be a float, and a squared quotient has no sign": [
        "my_seeds: return round(np.ceil(((1.96 + 0.84) * sd / abs(difference)) ** 2))",
        "my_seeds: return np.ceil(((1.96 + 0.84) * sd / abs(difference)) ** 2)",
        "my_seeds: return int(np.ceil(((1.96 + 0.84) * sd / difference) ** 2))",
    ],
    "a product of two vectors has no order, and any tiny number keeps 0 ln 0 finite": [
        "my_gradient: d_scores = weights * (d_weights - d_weights @ weights)",
        "my_alignment: entropy = -(weights * np.log(np.maximum(weights, 2e-300))).sum(axis=1)",
    ],
    "axis 1 is the last axis": [
        "my_means: return table.mean(axis=-1)",
        "my_divergence: return 0.5 * np.sum(mean ** 2 + np.exp(log_variance) - 1 - log_variance, axis=-1)",
        "my_gru_step: W_z, W_r, W_g = np.split(W, 3, axis=-1)",
        "my_gru_step: U_z, U_r, U_g = np.split(U, 3, axis=-1)",
        "my_largest_fall: best_so_far = np.maximum.accumulate(accuracies, axis=-1)",
        "my_largest_fall: return (best_so_far - accuracies).max(axis=-1)",
        "my_adam_steps: m = v = np.zeros(gradients.shape[-1])",
        "my_sign_flip: means = (signs * differences).mean(axis=-1)",
        "my_masked_mean: return sums / real.sum(axis=-1, keepdims=True)",
        "my_bits: logits = logits - logits.max(axis=-1, keepdims=True)",
        "my_bits: log_probability = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))",
        "my_weights: return e / e.sum(axis=-1, keepdims=True)",
        "my_weights: e = np.exp(scores - scores.max(axis=-1, keepdims=True))",
        "my_causal: scores = queries @ keys.T / np.sqrt(keys.shape[-1])",
        "my_causal: e = np.exp(scores - scores.max(axis=-1, keepdims=True))",
        "my_causal: return e / e.sum(axis=-1, keepdims=True) @ values",
        "my_alignment: weights = weights[:, :length] / weights[:, :length].sum(axis=-1, keepdims=True)",
        "my_alignment: entropy = -(weights * np.log(np.maximum(weights, 1e-300))).sum(axis=-1)",
        "my_alignment: return (weights.argmax(axis=-1), np.exp(entropy))",
    ],
    "a logit for each target, a row of dense for each unit": [
        "my_bits: return -np.mean(log_probability[np.arange(len(logits)), targets]) / np.log(2)",
        "my_continuation: state, written = (np.zeros(len(dense)), [])",
        "my_causal: steps = np.arange(len(values))",
        "my_rates: rates = np.empty(len(label))",
        "my_rates: for row in range(len(label)):",
    ],
    "what is subtracted from all logits cancels out": [
        "my_distribution: probabilities = np.exp(scaled + scaled.max())",
        "my_distribution: probabilities = np.exp(scaled - scaled.min())",
        "my_distribution: probabilities = np.exp(scaled)",
        "my_causal: e = np.exp(scores)",
        "my_causal: e = np.exp(scores + scores.max(axis=1, keepdims=True))",
        "my_causal: e = np.exp(scores - scores.max(keepdims=True))",
    ],
    "lists and 0 and 1 pass as arrays and truth values do": [
        "my_pad: kept = sequence[-length:]",
        "my_test_rows: is_test = np.zeros(len(labels))",
        "my_continuation: return written",
        "my_feed_back: return forecasts",
        "my_feed_back: forecasts.append(step(window))",
        "my_adam_steps: return steps",
        "my_sign_flip: signs = list(product([1, -1], repeat=len(differences)))",
    ],
    "the square of a difference has no sign": [
        "my_ratio: return np.mean((forecast - actual) ** 2) / np.mean(noise ** 2)",
        "my_fvu: return np.sum((reconstructions - images) ** 2) / np.sum((images - mean_digit) ** 2)",
        "my_fvu: return np.sum((images - reconstructions) ** 2) / np.sum((mean_digit - images) ** 2)",
        "my_expected_error: return np.sum((x - W @ x) ** 2) + sigma ** 2 * np.sum(W ** 2)",
    ],
    "the larger of two has no order": [
        "my_adam_steps: g = g * min(threshold / norm, 1)",
        "my_reconstructions: return np.clip(0, codes @ components + mean, 1)",
        "my_smoothed: kept = np.maximum(0, counts - discount)",
        "my_alignment: entropy = -(weights * np.log(np.maximum(1e-300, weights))).sum(axis=1)",
    ],
    "epsilon is far smaller than any gradient here": [
        "my_adam_steps: steps.append(-rate * m_hat / (np.sqrt(v_hat) + -1e-07))",
        "my_adam_steps: steps.append(-rate * m_hat / (np.sqrt(v_hat) + 2e-07))",
        "my_adam_steps: steps.append(-rate * m_hat / (np.sqrt(v_hat) - 1e-07))",
        "my_adam_steps: steps.append(-rate * m_hat / np.sqrt(v_hat))",
    ],
    "sums of eighths are exact, so no tolerance is needed here": [
        "my_sign_flip: return np.mean(np.abs(means) > abs(differences.mean()) - 1e-12)",
        "my_sign_flip: return np.mean(np.abs(means) >= abs(differences.mean()) - 2e-12)",
        "my_sign_flip: return np.mean(np.abs(means) >= abs(differences.mean()))",
    ],
    "at the threshold itself nothing is scaled": ["my_clip: if norm < threshold:"],
    "both labels have their turn": [
        "my_test_rows: for label in (1, 0):",
        "my_test_rows: rows = np.flatnonzero(labels != label)",
    ],
    "bins beyond the last are empty": [
        "my_calibration_error: for k in range(10 + 1):",
        "my_calibration_error: for k in range(11):",
        "my_calibration_error: for k in range(20):",
    ],
    "neither the absolute value nor the minimum of two has an order": [
        "my_calibration_error: error += inside.mean() * abs(y[inside].mean() - p[inside].mean())",
        "my_calibration_error: which = np.minimum(9, (10 * p).astype(int))",
    ],
    "no probability is exactly one half": [
        "my_paired_difference: d = ((p > 0.5) == y).astype(float) - ((q >= 0.5) == y)",
        "my_paired_difference: d = ((p >= 0.5) == y).astype(float) - ((q > 0.5) == y)",
    ],
    "what was rounded up is whole": ["my_half_width: rank = round(np.ceil(share * (len(errors) + 1)))"],
    "the first loss is always the best so far": ["my_early_stop: best, kept = (np.inf, 1)"],
}

OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div, ast.Add], ast.Div: [ast.Mult],
    ast.MatMult: [ast.Mult], ast.Pow: [ast.Mult], ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt, ast.LtE], ast.Eq: [ast.NotEq],
}  # fmt: skip
SISTERS = {
    "sum": "mean", "mean": "sum", "max": "min", "min": "max", "maximum": "minimum", "np.tanh": "sigmoid",
    "sigmoid": "np.tanh", "sqrt": "square", "log": "log10", "exp": "exp2", "cumprod": "cumsum",
    "std": "var", "quantile": "percentile", "zeros": "ones", "stack": "concatenate", "abs": "real",
    "int": "round", "eigvals": "eigvalsh", "diff": "cumsum", "linspace": "arange",
}  # fmt: skip


def of_expression(node: ast.expr, others: dict[str, str]) -> Iterator[ast.expr | str]:
    """What could stand instead of an expression; others : for each argument, another one."""
    code = ast.unparse(node)
    match node:
        case ast.BinOp(left, op, right):
            yield left
            yield right
            yield from (ast.BinOp(left, other(), right) for other in OPERATORS.get(type(op), []))
            if isinstance(op, (ast.Sub, ast.Div, ast.MatMult, ast.Pow)):
                yield ast.BinOp(right, op, left)
        case ast.Compare(left, [op], [right]):
            yield from (ast.Compare(left, [other()], [right]) for other in OPERATORS.get(type(op), []))
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Constant(int() | float() as value) if not isinstance(value, bool):
            yield from map(repr, {1 - value, value + 1, 2 * value, -value} - {value})
        case ast.Attribute(value, "T"):
            yield value
        case ast.Call(function, arguments, keywords):
            name, written = ast.unparse(function).split(".")[-1], ast.unparse(function)
            for sister in {name, written} & set(SISTERS):
                yield code.replace(f"{sister}(", f"{SISTERS[sister]}(", 1)
            if len(arguments) > 1:
                yield ast.Call(function, [arguments[1], arguments[0], *arguments[2:]], keywords)
                yield ast.Call(function, arguments[:-1], keywords)
            if arguments:
                yield arguments[0]
            elif isinstance(function, ast.Attribute):
                yield function.value
            for n in range(len(keywords)):
                yield ast.Call(function, arguments, keywords[:n] + keywords[n + 1 :])
            if name == "range":
                yield from (code[:-1] + change for change in (" + 1)", " - 1)"))
        case ast.Subscript(value, ast.Slice(lower, upper, step)):
            low, high = (ast.unparse(part) if part else "" for part in (lower, upper))
            by = f":{ast.unparse(step)}" if step else ""
            yield value
            yield f"({ast.unparse(value)})[{low or 0} + 1:{high}{by}]"
            yield f"({ast.unparse(value)})[{low}:{high + ' - 1' if high else '-1'}{by}]"
            if low:
                yield f"({ast.unparse(value)})[{low} - 1:{high}{by}]"
            if high:
                yield f"({ast.unparse(value)})[{low}:{high} + 1{by}]"
        case ast.Subscript(value, ast.Name() | ast.BinOp() as index):
            yield from (f"({ast.unparse(value)})[{ast.unparse(index)} {change}]" for change in ("+ 1", "- 1"))
        case ast.Tuple(elements) if len(elements) > 1:
            yield ast.Tuple(elements[::-1])
        case ast.Name(name) if name in others:
            yield others[name]


def mutants(solve: Callable) -> list[str]:
    """The code of a function without its docstring, each time changed in one place."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(solve)))
    del tree.body[0].body[0]
    names = [argument.arg for argument in tree.body[0].args.args]
    others = dict(zip(names, names[1:] + names[:1])) if len(names) > 1 else {}
    found = [ast.unparse(tree)]
    places = [
        (position, field, place, part)
        for position, node in enumerate(ast.walk(tree))
        for field, value in ast.iter_fields(node)
        for place, part in (enumerate(value) if isinstance(value, list) else [(None, value)])
    ]
    for position, field, place, part in places:
        instead: list[ast.AST | str] = []
        if isinstance(part, ast.expr) and not isinstance(getattr(part, "ctx", None), ast.Store):
            instead = list(of_expression(part, others))
        elif isinstance(part, (ast.Assign, ast.AugAssign, ast.Expr, ast.If)):
            instead = [ast.Pass()]
        for new in instead:
            new = ast.parse(new, mode="eval").body if isinstance(new, str) else new
            changed = copy.deepcopy(tree)
            node = list(ast.walk(changed))[position]
            if place is None:
                setattr(node, field, new)
            else:
                getattr(node, field)[place] = new
            found.append(ast.unparse(changed))
    return list(dict.fromkeys(found))[1:]


def changed_lines(coding: Coding, code: str) -> str:
    """What a mutant has and the solution has not, behind the name of the function."""
    before = {line.strip() for line in ast.unparse(ast.parse(coding.solution_text())).split("\n")}
    lines = (line.strip() for line in code.split("\n"))
    return f"{coding.answer_name}: {' '.join(line for line in lines if line not in before)}"


def judged(coding: Coding, code: str) -> str:
    """How the answer to a mutant is sorted: accepted, named, diagnosed, stopped or only "wrong"."""
    names = {"np": np, "sigmoid": gates.sigmoid}
    exec(compile(code, "<mutant>", "exec"), names)
    verdict = coding.verdict(names[coding.answer_name])
    if verdict.status == "right":
        return "accepted"
    if verdict.mistake:
        return "named"
    kind = "stopped" if not verdict.label.startswith("wrong") else "diagnosed"
    return "wrong" if verdict.label == "wrong" else kind


@functools.cache
def sorted_mutants(name: str) -> list[tuple[str, str]]:
    """What each mutant of an exercise has changed, and how it is sorted."""
    (coding,) = [e for e in CODING if e.answer_name == name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution.outcomes, "__defaults__", (1.0,))  # seconds
        return [(changed_lines(coding, code), judged(coding, code)) for code in mutants(coding.solve)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_no_mutant_is_accepted_but_those_that_are_equivalent(name, capfd):
    sorts = sorted_mutants(name)
    capfd.readouterr()  # what LAPACK says of impossible shapes
    accepted = Counter(line for line, sort in sorts if sort == "accepted")
    listed = Counter(line for line in sum(EQUIVALENT.values(), []) if line.startswith(f"{name}: "))
    assert len(sorts) >= 5
    assert accepted == listed, (
        f"accepted and not in EQUIVALENT: {list((accepted - listed).elements())}; in EQUIVALENT and not "
        f"accepted: {list((listed - accepted).elements())}"
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_most_are_told_what_kind_of_error_it_is(capfd):
    sorts = [sort for name in NAMES for _, sort in sorted_mutants(name)]
    count = Counter(sorts)
    with_numbers = count["named"] + count["diagnosed"]
    of_all = (with_numbers + count["stopped"]) / (len(sorts) - count["accepted"])
    of_numbers = with_numbers / (with_numbers + count["wrong"])
    with capfd.disabled():
        print(
            f"\n{len(sorts)} mutants, {count['accepted']} accepted, all equivalent. A specific message for "
            f"{of_all:.0%} of the others, and for {of_numbers:.0%} of those that give numbers: {dict(count)}"
        )
    assert of_all >= 0.6 and of_numbers >= 0.6


def test_what_is_equivalent_is_of_an_exercise_that_exists():
    assert {line.split(": ")[0] for line in sum(EQUIVALENT.values(), [])} <= set(NAMES)

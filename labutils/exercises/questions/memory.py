"""Exercises on what keeps a memory: a latch, a clock, a gate."""

from __future__ import annotations

from typing import Any

import numpy as np

from labutils.exercises.checking.exercise_types import Case, Coding, Experiment, Goal, Mistake, Number


def my_gradient_left(h, inputs, u):
    """The derivative of the last state by the first, h; inputs (steps,), h and u are numbers."""
    left = 1.0
    for x in inputs:
        h = np.tanh(u * h + x)
        left = left * u * (1 - h**2)
    return left


def _latches(rng: np.random.Generator) -> list[Case]:
    drawn = [
        {"h": round(rng.uniform(-0.9, 0.9), 2), "inputs": rng.normal(0, 0.5, steps).round(2), "u": u}
        for steps, u in [(2, 2.0), (3, 0.8), (5, 1.5)]
    ]
    return [{"h": 0.5, "inputs": np.array([0.2]), "u": 2.0}, *drawn]


def _gradient_left(h, inputs, u, *, slope=lambda h, before: 1 - h**2, reads=True):
    """Answer as a wrong my_gradient_left: with another slope (of states after, before), or inputs unread."""
    left = 1.0
    for x in inputs:
        before, h = h, np.tanh(u * h + reads * x)
        left = left * u * slope(h, before)
    return left


def my_gate_bias(steps, left):
    """The bias, one number, at which a gate sigmoid(bias) leaves the share `left` after so many steps."""
    gate = left ** (1 / steps)  # what one step has to leave
    return np.log(gate / (1 - gate))  # the sigmoid, solved for its argument


def _memories(rng: np.random.Generator) -> list[Case]:
    drawn = [{"steps": int(rng.integers(5, 200)), "left": round(rng.uniform(0.1, 0.9), 2)} for _ in range(3)]
    return [{"steps": 40, "left": 0.5}, *drawn, {"steps": 1, "left": 0.25}]


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _facts_of_recaller(net: Any) -> dict[str, Any]:
    try:
        return {
            "recalled": float(net.accuracy(100, seed=7)),
            "units": int(net.cell.units),
            "updates": len(net.losses),
        }
    except (AttributeError, TypeError, ValueError):
        raise TypeError("This needs what recall.train(...) returned.") from None


def _last_state(h, inputs, u):
    for x in inputs:
        h = np.tanh(u * h + x)
    return h


EXERCISES = (
    Coding(
        title="What a latch lets through",
        question="One unit, $h_t = \\tanh(u\\,h_{t-1} + x_t)$, starts in the state `h` and reads `inputs`, "
        "one after the other. By which factor does a small change of that first state change the last one? "
        "(The slope of tanh at $a$ is $1 - \\tanh^2 a$.)",
        idea="what holds a state firmly lets no gradient through",
        minutes=8,
        solve=my_gradient_left,
        cases=_latches,
        mistakes=(
            Mistake(
                "slope at the state before",
                lambda h, inputs, u: _gradient_left(h, inputs, u, slope=lambda h, before: 1 - before**2),
                "You took the slope with the state *before* each step. 1 - tanh² a is 1 - h² with the state "
                "that the step makes.",
            ),
            Mistake(
                "without u",
                lambda h, inputs, u: _gradient_left(h, inputs, u) / u ** len(inputs),
                "Those are the slopes of tanh alone. Inside the tanh the state is multiplied by u, so each "
                "step brings a factor u as well.",
            ),
            Mistake(
                "without the slopes",
                lambda h, inputs, u: u ** len(inputs),
                "That is u, step after step, as if there were no tanh. Its slope, 1 - h², belongs to each "
                "step.",
            ),
            Mistake(
                "no square",
                lambda h, inputs, u: _gradient_left(h, inputs, u, slope=lambda h, before: 1 - h),
                "The slope of tanh is 1 - h**2: with the square.",
            ),
            Mistake(
                "the last step alone",
                lambda h, inputs, u: _gradient_left(h, inputs, u) / _gradient_left(h, inputs[:-1], u),
                "That is the factor of the last step alone. Each step multiplies by its own.",
            ),
            Mistake(
                "inputs not read",
                lambda h, inputs, u: _gradient_left(h, inputs, u, reads=False),
                "The inputs are missing: each moves the state, and so changes the slope of its step.",
            ),
            Mistake(
                "the state instead",
                lambda h, inputs, u: _last_state(h, inputs, u),
                "That is the last state. Asked for is how much it changes, for each small change of the "
                "first.",
            ),
        ),
        hints=(
            "By the chain rule, the factors of all steps are multiplied.",
            "The factor of one step is u * (1 - h**2), with h the state after the step.",
            "Start with left = 1.0, and in a loop over the inputs take the step, then multiply.",
        ),
        afterwards="With u = 2 and small inputs each step leaves about a sixth. Only a step that ends near "
        "0, "
        "where the latch has not made up its mind, lets more through than came in.",
    ),
    Number(
        title="Tip it over",
        question="The latch with $u = 2$ rests at its upper fixed point, 0.9575. A *single* input $x < 0$, "
        "followed by zeros, is to tip it over to the other side. How large must $|x|$ be at least?",
        idea="noise below a threshold does not add up",
        minutes=3,
        right=1.915,
        tolerance=0.006,
        wrong={
            0.9575: "That is the state. Inside the tanh it counts twice, since u = 2.",
            0.5328: "So much tips it if it *lasts*. A single input must bring the state past 0 in one step.",
            2: "That suffices, but a little less does, too: 2 times the state must be outweighed, and the "
            "state is not 1.",
            2.8725: "That would bring the state to the other fixed point at once. It need only pass 0: "
            "then the "
            "latch does the rest.",
            3.83: "That would mirror the sum inside the tanh. The state need only pass 0: then the latch "
            "does "
            "the rest.",
            1: "The sum inside the tanh is 2 · 0.9575 + x. It must become negative.",
            -1.915: "The right size; now give |x|, without the sign.",
        },
        hints=(
            "To which side does the latch fall from a state just below 0?",
            "The state after the input is tanh(2 · 0.9575 + x). When is it negative?",
        ),
        afterwards="Just over 2 · 0.9575. Smaller inputs are forgotten as soon as they end, one after the "
        "other. "
        "(If they last, 0.53 is enough: then there is no upper fixed point any more.)",
    ),
    Coding(
        title="How far open?",
        question="Which bias leaves a given share of a memory after a given number of steps, if the gate "
        "depends on nothing else?",
        idea="the bias sets how long a memory lasts",
        minutes=8,
        solve=my_gate_bias,
        cases=_memories,
        mistakes=(
            Mistake(
                "one step only",
                lambda steps, left: np.log(left / (1 - left)),
                "With this bias the share is left after a single step. After all of them it is the gate to "
                "the power of the steps.",
            ),
            Mistake(
                "divided by the steps",
                lambda steps, left: np.log(left / steps / (1 - left / steps)),
                "The gate multiplies at each step, so what one step must leave is a root, left ** (1 / "
                "steps), not a fraction.",
            ),
            Mistake(
                "the gate instead of its bias",
                lambda steps, left: left ** (1 / steps),
                "That is the gate, between 0 and 1. The bias is what has to go *into* the sigmoid to get it.",
            ),
            Mistake(
                "sigmoid of the gate",
                lambda steps, left: _sigmoid(left ** (1 / steps)),
                "You took the sigmoid of the gate. It is the other way round: the bias is the number whose "
                "sigmoid is the gate.",
            ),
            Mistake(
                "logarithm of the gate",
                lambda steps, left: np.log(left ** (1 / steps)),
                "That is the logarithm of the gate, which solves gate = exp(b). The gate is a sigmoid: "
                "gate = 1 / (1 + exp(-b)).",
            ),
            Mistake(
                "sign",
                lambda steps, left: -np.log(left ** (1 / steps) / (1 - left ** (1 / steps))),
                "The right number with the wrong sign: this bias would close the gate as far as it should "
                "be open.",
            ),
            Mistake(
                "power instead of root",
                lambda steps, left: np.log(left**steps / (1 - left**steps)),
                "You took a power, left ** steps. The gate is to leave `left` after all the steps, so each "
                "leaves a root of it.",
            ),
            Mistake(
                "share from bias",
                lambda steps, left: _sigmoid(left) ** steps,
                "You went from a bias to a share. It is the other way round here: the share is given, the "
                "bias is asked for.",
            ),
            Mistake(
                "rule of thumb",
                lambda steps, left: np.log(steps),
                "That is the rule of thumb, ln T. It leaves about 1/e whatever was asked for; here the "
                "share is given.",
            ),
        ),
        hints=(
            "What must one step leave, so that `left` remains after all of them?",
            "The gate is left ** (1 / steps). Now solve gate = 1 / (1 + exp(-b)) for b.",
            "b = log(gate / (1 - gate)).",
        ),
        afterwards="For 40 steps and one half it is 4.05, near the 4 of this notebook. The inverse of the "
        "sigmoid, ln(p / (1 - p)), is the *logit* that you meet wherever a network ends in a probability.",
    ),
    Number(
        title="When the clock is right",
        question="The state of another such network turns by 144° at each step. It holds one of four "
        "letters, "
        "90° apart, and its readout names the letter whose direction *after 40 steps* is nearest. After "
        "which "
        "gap, the next above 40, is it right again?",
        idea="a right answer after one gap is no memory for others",
        minutes=4,
        right=45,
        wrong={
            42.5: "After 2.5 steps the hand has gone round once, but it stops at whole steps only.",
            42: "Two steps more are 288°, which is 72° short of a round. The readout of the neighbouring "
            "letter is "
            "nearer, only 18° away.",
            43: "Three steps more are 432°, which is 72° too far. The readout of the neighbouring letter "
            "is nearer, "
            "only 18° away.",
            41: "One step more turns the hand by 144°, far beyond the 45° within which a letter is named "
            "rightly.",
            44: "Four steps more are 576°, one round and 216°: on the other side.",
            5: "Five steps later, yes. Asked for is the gap: 40 and these.",
            50: "It is right there, too, but not for the first time after 40.",
            80: "It is right there, too, but not for the first time after 40.",
        },
        hints=(
            "How far has the hand turned, in whole rounds and a rest, 1, 2, 3 … steps later?",
            "The letter is named rightly while the rest is less than 45° from a whole round.",
        ),
        afterwards="Five steps are two whole rounds. Up to there every gap gives another letter, with "
        "confidence: a network that has forgotten would be right now and then.",
    ),
    Experiment(
        title="A hundred steps",
        question="No cell of this notebook had to recall over 100 steps. Find one that names at least 95% of "
        "the letters there, with at most 16 units and 500 updates. Reason first (section 4), then "
        'try: `new("GRU", 16, gate_bias=…, seed=0)` makes a cell, and `recall.train(cell, 100, seed=0, '
        "updates=500)` trains it and returns what the check needs.",
        idea="choose a start by reasoning, then test it",
        minutes=15,
        answer_name="my_net",
        answer_note="",
        facts=_facts_of_recaller,
        goals=(
            Goal(
                "at most 16 units",
                lambda facts: facts["units"] <= 16,
                lambda facts: f"{facts['units']}",
                "Sixteen units are enough. It is the start that matters, not the size.",
            ),
            Goal(
                "at most 500 updates",
                lambda facts: facts["updates"] <= 500,
                lambda facts: f"{facts['updates']}",
                "It took more than 500 updates. Which start would give it the gradient from the first "
                "update on?",
            ),
            Goal(
                "95% of the letters recalled over 100 steps",
                lambda facts: facts["recalled"] >= 0.95,
                lambda facts: f"{facts['recalled']:.1%}",
                "Not yet: guessing names a quarter. Which cell of section 6 remembers longest? How far "
                "open must its gate be to leave half after 100 steps (*How far open?*)? And does it write "
                "little meanwhile?",
            ),
        ),
        hints=(
            "The table of section 6 says which cell is best over 40 steps.",
            "A GRU whose update gate starts with the bias ln 100, about 4.6, keeps nearly all and writes "
            "little.",
        ),
        code="""
cell = new("GRU", 16, gate_bias=np.log(100), seed=0)
my_net = recall.train(cell, 100, seed=0, updates=500)
""",
        afterwards="One starting number decides. A GRU whose gate is initialised open gets there well "
        "within 500 "
        "updates; an LSTM may need its input gate closed as well. With the biases that Keras starts from, "
        "neither recalls even over 40 steps within as many updates.",
    ),
)

"""Does the stored network write, or does it recite? For notebook 07: 07_recited.csv.

    python notebooks/grids/07_recited.py

About two minutes; wants 07_writer.npz. Which share of the runs of 20, 30 and 40 characters stands somewhere
in the training reviews? Network: 100 texts of 1,000 characters, each from the beginning of a review on, at
temperatures 1 and 0.5. People: the whole reviews of the first 500,000 characters of test reviews, those
left out that stand in the training reviews as a whole (posted twice).
"""

import importlib
import sys
from pathlib import Path

import pandas as pd

from labutils.data import review_text

sys.path.insert(0, str(Path(__file__).parent))
opinions = importlib.import_module("07_opinions")
LENGTHS, ROWS, WRITTEN = (20, 30, 40), 100, 1000


def runs(text: str, length: int) -> list[str]:
    """Return each run of so many characters."""
    return [text[at : at + length] for at in range(len(text) - length + 1)]


def main() -> None:
    text = review_text.load(test=500_000)
    training = review_text.decoded(text.train)
    known = set(training.split(review_text.END))
    people = [review for review in opinions.split(text.test)[1:-1] if review not in known]
    passages = {"people, other reviews": people}
    for name, temperature in (("network", 1.0), ("network, temperature 0.5", 0.5)):
        written = opinions.sampled(ROWS, WRITTEN, temperature)
        passages[name] = [review_text.decoded(row) for row in written]
    rows = []
    for length in LENGTHS:
        asked = {
            name: [run for one in texts for run in runs(one, length)] for name, texts in passages.items()
        }
        wanted = {run for each in asked.values() for run in each}
        found = {run for at in range(len(training)) if (run := training[at : at + length]) in wanted}
        for name, each in asked.items():
            share = sum(run in found for run in each) / len(each)
            rows.append({"text": name, "length": length, "runs": len(each), "share": round(share, 6)})
    result = pd.DataFrame(rows)
    print(result)
    result.to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()

"""Draw the animation of README: the improved GRU of notebook 03 reads a review, word by word.

python docs/draw_reading.py      # trains for about a minute, writes .github/reading.gif
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from PIL import Image, ImageSequence

from labutils import backend, training
from labutils.data import reviews
from labutils.palette import BLACK, BLUE, GREY, RED

REVIEW = (
    "I had hoped to like this film, and the first half hour is a wonderful surprise. "
    "Then it becomes slow, dull and far too long, and the ending is a waste of good actors."
)
TOKENS, EPOCHS, BATCH_SIZE, WORDS_IN_A_LINE, TURN = 200, 6, 128, 12, 0.1


def probabilities() -> np.ndarray:
    """Return the probability of "positive" before the first word and after each, (words + 1,)."""
    keras = backend.load_keras()
    layers = keras.layers
    data = reviews.load(num_words=10_000)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Input((TOKENS,)),
            layers.Embedding(10_000, 32, mask_zero=True),
            layers.Dropout(0.3, noise_shape=(None, TOKENS, 1)),
            layers.Dropout(0.5),
            layers.GRU(32),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    x, y = keras.utils.pad_sequences(data.train.sequences, maxlen=TOKENS), data.train.labels
    n_fit = int(0.8 * len(x))
    rate = keras.optimizers.schedules.CosineDecay(0.01, EPOCHS * n_fit // BATCH_SIZE)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    best = keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True)
    training.fit(model, x, y, epochs=EPOCHS, batch_size=BATCH_SIZE, validation=0.2, callbacks=[best])
    sequence = data.vocabulary.encode(REVIEW)
    read_so_far = [sequence[:end] for end in range(1, len(sequence) + 1)]
    return model.predict(keras.utils.pad_sequences(read_so_far, maxlen=TOKENS), verbose=0)[:, 0]


def draw(after: np.ndarray, path: Path) -> None:
    """Write the animation of a reading, (words + 1,) probabilities, as a GIF."""
    words = REVIEW.split()
    figure, (text, axes) = plt.subplots(2, 1, figsize=(8, 3.6), height_ratios=[1, 2], layout="constrained")
    text.set_axis_off()
    text.set(xlim=(0, 100), ylim=(-3, 0.5))
    axes.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    axes.set(
        xlim=(0, len(words) + 0.5),
        ylim=(0, 1),
        xlabel="words read",
        ylabel="predicted probability\nof a positive review",
    )
    axes.spines[["top", "right"]].set_visible(False)
    (line,) = axes.plot([], [], color=BLACK, marker="o", markersize=3)
    places = []
    for start in range(0, len(words), WORDS_IN_A_LINE):
        x = 0.0
        for word in words[start : start + WORDS_IN_A_LINE]:
            places.append((x, -start / WORDS_IN_A_LINE))
            x += 1.17 * (len(word) + 1)

    def frame(read: int) -> None:
        line.set_data(range(read + 1), after[: read + 1])
        if read:
            change = after[read] - after[read - 1]
            colour = BLUE if change > 0.03 else RED if change < -0.03 else GREY
            text.text(*places[read - 1], words[read - 1], color=colour, family="monospace", size=10)

    animation = FuncAnimation(figure, frame, frames=len(words) + 1, init_func=lambda: None)
    with tempfile.NamedTemporaryFile(suffix=".gif") as endless:
        animation.save(endless.name, PillowWriter(fps=7), dpi=90)
        pictures = [picture.copy() for picture in ImageSequence.Iterator(Image.open(endless.name))]
    for picture in pictures:
        picture.info.pop("loop", None)  # so it plays once, and the end stays
    # The end first, for whoever looks only once; then five seconds, longer where the probability turns.
    turns = np.abs(np.diff(after, prepend=after[0])) > TURN
    shown = [pictures[-1], *pictures]
    milliseconds = [1000, *(250 if turned else 110 for turned in turns)]
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=milliseconds)


if __name__ == "__main__":
    draw(probabilities(), Path(__file__).parents[1] / ".github" / "reading.gif")

"""The one palette of figures and panels: Okabe and Ito's, safe for colour-blind readers.

Source: https://jfly.uni-koeln.de/color/, in the order in which the series uses it.
"""

BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#000000",
)
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
GREY, LIGHT = "#767676", "#D9D9D9"

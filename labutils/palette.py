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
WHITE, GREY, LIGHT, GRID = "white", "#767676", "#D9D9D9", "#E6E6E6"
BOX, FRAME = "#E8F1F8", "#FAFAFA"  # fills in the drawings of networks
# Colormaps, as matplotlib calls them: attention weights, gates and ink go from 0 to 1.
WEIGHT_COLOURS, GATE_COLOURS, INK_COLOURS, SIGNED_COLOURS = "Blues", "Greys", "gray_r", "PuOr"
# Panels follow the theme of JupyterLab. A line must stand out 3:1 (WCAG 2.2, 1.4.11) from a white page and
# from the dark theme's #111111, which these four do; words, 4.5:1 (1.4.3), need a shade for each page.
LINES = (BLUE, RED, GREEN, PINK)
DARK_BLUE, PALE_BLUE = "#00558B", "#8CC8F5"
DARK_RED, PALE_RED = "#B00020", "#FF8A80"

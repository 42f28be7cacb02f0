"""A figure of points that move in a plane: one panel for each step, with where they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from labutils.palette import GREY, PALETTE
from labutils.plots.style import Picture, canvas, check_equally_many, styled


@styled
def moving_points(
    positions: Mapping[str, np.ndarray],
    panel_titles: Sequence[str],
    title: str,
    *,
    xlabel: str,
    ylabel: str,
) -> Picture:
    """Draw points that move in a plane, a panel for each step; return a `Picture`.

    Each point is its name, with a line from where it was one step before.

    Parameters
    ----------
    positions : name → (steps, 2). The name is drawn, so it should be a letter or a short word.
    panel_titles : one for each step.
    title : a few words that name the picture.
    xlabel, ylabel : name the axes.

    Raises
    ------
    ValueError
        Where there is no point, or a point has not one position for each panel.
    """
    if not positions:
        raise ValueError("there are no points to draw: give at least one, name → (steps, 2)")
    paths = {name: np.asarray(path, dtype=float) for name, path in positions.items()}
    for name, path in paths.items():
        if path.ndim != 2 or path.shape[1] != 2:
            raise ValueError(f"the positions of {name} must have the shape (steps, 2), got {path.shape}")
        check_equally_many(name, {"panels": len(panel_titles), "positions": len(path)})
    reach = 1.25 * max(np.abs(path).max() for path in paths.values())
    width = min(10.5, 2.6 * len(panel_titles))
    figure, all_axes = canvas(len(panel_titles), width=width, height=width / len(panel_titles) + 0.5)
    for step, (axes, panel_title) in enumerate(zip(all_axes, panel_titles)):
        for colour, (name, path) in zip(PALETTE * len(paths), paths.items()):
            if step:
                axes.plot(*path[step - 1 : step + 1].T, color=GREY, linewidth=0.8, linestyle=":")
            axes.plot(*path[step], "o", color=colour, markersize=17, alpha=0.25, markeredgewidth=0)
            x, y = path[step]
            axes.text(x, y, name, color=colour, ha="center", va="center", fontweight="bold")
        axes.set(title=panel_title, xlabel=xlabel, ylabel=ylabel, xlim=(-reach, reach), ylim=(-reach, reach))
        axes.set_aspect("equal")
    angles = {name: np.degrees(np.arctan2(path[:, 1], path[:, 0])).round() for name, path in paths.items()}
    where = "; ".join(
        f"{panel_title}: "
        + ", ".join(f"{name} at {degrees[step]:.0f} degrees" for name, degrees in angles.items())
        for step, panel_title in enumerate(panel_titles)
    )
    return Picture(figure, title, f"Points in a plane, seen from its origin. {where}.")

"""Numbers against numbers: CCC, PCC, RMSE and ICC(3,1), over one or more dimensions.

Works on sums (n, x, y, x², y², xy), so that intervals need no second look at the samples;
`eval.agreement` has PCC and ICC over whole series, and both must agree. A sample without a
finite number in every dimension is unscored. Source of CCC: Lin 1989; population variances.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from eval.scoring import Array, Excluded, MeasureError, Tally, Unscored, Values

Point = dict[str, float]
Sums = tuple[float, float, float, float, float, float]
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)


def point(value: Any) -> Point:
    """A number, a list, {"valence": …, "arousal": …} or "0.3, -0.2" as named dimensions."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.strip("[]() \n").split(",")]
        if not all(_NUMBER.fullmatch(part) for part in parts):
            raise Unscored("not a number")
        value = [float(part) for part in parts]
    if isinstance(value, bool) or value is None:
        raise Unscored("not a number")
    if isinstance(value, int | float):
        value = [value]
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    try:
        named = {str(name): float(number) for name, number in items}
    except (TypeError, ValueError) as error:
        raise Unscored("not a number") from error
    if not named or not all(map(math.isfinite, named.values())):
        raise Unscored("not a finite number")
    return named


def gold(value: Any) -> Point:
    """A gold point; what is no number is left out."""
    try:
        return point(value)
    except Unscored as reason:
        raise Excluded(f"gold: {reason}") from reason


def settle(golds: Sequence[Point]) -> Callable[[Point], Point]:
    """What holds a predicted point against the dimensions of the golds."""
    names = list(golds[0]) if golds else []
    if any(g.keys() != golds[0].keys() for g in golds):
        raise MeasureError(f"every gold value needs the same dimensions as the first: {names}")

    def fitted(found: Point) -> Point:
        if lacking := [name for name in names if name not in found]:
            raise Unscored(f"lacks {', '.join(lacking)}")
        return found

    return fitted


def rows(golds: Sequence[Point], preds: Sequence[Point], of: Callable[[Sums], float]) -> Tally:
    """Six sums a dimension; the score is the mean of `of` over the dimensions."""
    names = list(golds[0]) if golds else []
    x = np.array([[g[n] for n in names] for g in golds]).reshape(len(golds), len(names))
    y = np.array([[p[n] for n in names] for p in preds]).reshape(len(golds), len(names))
    shift = x.mean(axis=0) if len(x) else 0.0
    x, y = x - shift, y - shift  # keeps the squares small
    table = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=2)

    def score(total: Array) -> Values:
        values = [of(tuple(sums)) for sums in total.reshape(len(names), 6).tolist()]
        mean = math.fsum(values) / len(values) if values else math.nan
        return {"score": mean} | dict(zip(names, values, strict=True))

    return table.reshape(len(golds), -1), score


def _moments(sums: Sums) -> tuple[float, float, float, float, float]:
    """Means, population variances and covariance; variances of mere rounding are 0."""
    n, x, y, xx, yy, xy = sums
    mx, my = x / n, y / n
    vx, vy = xx / n - mx * mx, yy / n - my * my
    vx = vx if vx > 1e-12 * max(xx / n, 1e-300) else 0.0
    vy = vy if vy > 1e-12 * max(yy / n, 1e-300) else 0.0
    return mx, my, vx, vy, xy / n - mx * my


def ccc(sums: Sums) -> float:
    """Concordance correlation −1…1; NaN where gold and guess are one and the same constant."""
    if not sums[0]:
        return math.nan
    mx, my, vx, vy, cov = _moments(sums)
    apart = vx + vy + (mx - my) ** 2
    return 2 * cov / apart if apart > 0 else math.nan


def pcc(sums: Sums) -> float:
    """Pearson correlation −1…1; 0 for a constant guess, NaN for a constant gold."""
    if not sums[0]:
        return math.nan
    _, _, vx, vy, cov = _moments(sums)
    if vx == 0:
        return math.nan
    return cov / math.sqrt(vx * vy) if vy else 0.0


def rmse(sums: Sums) -> float:
    """Root of the mean squared difference, in the gold's unit; smaller is better."""
    n, _, _, xx, yy, xy = sums
    return math.sqrt(max(0.0, (xx + yy - 2 * xy) / n)) if n else math.nan


def icc31(sums: Sums) -> float:
    """ICC(3,1), consistency of single ratings by two fixed raters (Shrout & Fleiss 1979)."""
    if sums[0] < 2:
        return math.nan
    _, _, vx, vy, cov = _moments(sums)
    return 2 * cov / (vx + vy) if vx > 0 else math.nan

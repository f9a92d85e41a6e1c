"""Candidate against baseline on the same examples.

`candidate` and `baseline` are sequences of equal length, one number per example in the same order, larger is
better. A difference is candidate − baseline, in the units of the metric; where smaller is better (latency,
cost), exchange the two arguments, which negates the difference and mirrors its interval. `n` counts examples.

A binary outcome is 0 or 1. Its paired table is a = both 1, b = candidate only, c = baseline only, d =
neither. The pairing matters: outcomes of two versions of one system are strongly correlated, and a comparison
that ignores this needs several times as many examples.
"""

from evaltrack.stats.paired.binary import (
    bonett_price_difference,
    conditional_odds_ratio,
    mcnemar_exact,
    mcnemar_mid_p,
    mcnemar_z,
    newcombe_difference,
    tango_difference,
    tango_score,
    tango_variance,
)
from evaltrack.stats.paired.clusters import (
    FEWEST_CLUSTERS,
    clustered_p_below,
    clustered_t,
    mean_difference_clustered,
    spread_by_clusters,
)
from evaltrack.stats.paired.examples import paired_table
from evaltrack.stats.paired.margins import equivalence, p_above, p_below
from evaltrack.stats.paired.means import (
    mean_difference_bca,
    mean_difference_t,
    paired_sign_flip,
    paired_t,
)
from evaltrack.stats.paired.quantiles import quantile_difference, quantile_p_below, quantile_ratio
from evaltrack.stats.paired.ranks import probability_better, pseudo_median, wilcoxon_pratt

__all__ = [
    "FEWEST_CLUSTERS",
    "bonett_price_difference",
    "clustered_p_below",
    "clustered_t",
    "conditional_odds_ratio",
    "equivalence",
    "mcnemar_exact",
    "mcnemar_mid_p",
    "mcnemar_z",
    "mean_difference_bca",
    "mean_difference_clustered",
    "mean_difference_t",
    "newcombe_difference",
    "p_above",
    "p_below",
    "paired_sign_flip",
    "paired_t",
    "paired_table",
    "probability_better",
    "pseudo_median",
    "quantile_difference",
    "quantile_p_below",
    "quantile_ratio",
    "spread_by_clusters",
    "tango_difference",
    "tango_score",
    "tango_variance",
    "wilcoxon_pratt",
]

"""Judges a bundle: from truth and probabilities to figures, plots and a report.

    predictions.py ──► metrics.py ──► plots.py     PNG files (matplotlib)
    truth, p(N, K)     Scores     └─► report.py    one HTML file (plotly.js inside)

Nothing heavy is imported here: scikit-learn comes with `score`, matplotlib and plotly with `plots` and `report`.
"""

from ademan.evaluation.metrics import Scores, score
from ademan.evaluation.predictions import Predictions
from ademan.evaluation.summary import Summary, summarise

__all__ = ["Predictions", "Scores", "Summary", "score", "summarise"]

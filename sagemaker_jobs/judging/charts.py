"""The report's curves."""

from sagemaker_jobs.judging import curves, svg
from sagemaker_jobs.judging.judge import Judged


def charts(judged: Judged) -> str:
    """ROC, calibration and scores by outcome, champion and challenger together."""
    labels = judged.labels
    models = [("challenger", "new", judged.challenger.scores)]
    if judged.champion:
        models.append(("champion", "old", judged.champion.scores))
    drawn = [
        svg.line_chart(
            "ROC curve",
            [(name, css, curves.roc(scores, labels)) for name, css, scores in models],
            "false positive rate",
            "true positive rate",
            diagonal=True,
        ),
        svg.line_chart(
            "Calibration",
            [(name, css, curves.calibration(scores, labels)) for name, css, scores in models],
            "mean score",
            "observed share",
            diagonal=True,
            markers=True,
        ),
        svg.histogram(
            "Scores by outcome",
            [
                ("negative", "old", curves.score_shares(judged.challenger.scores[labels == 0])),
                ("positive", "new", curves.score_shares(judged.challenger.scores[labels == 1])),
            ],
            "challenger's score",
            judged.challenger.scorer.threshold,
        ),
    ]
    titles = ("ROC curve", "Calibration", "Scores by outcome")
    figures = (
        f"<figure><figcaption>{t}</figcaption>{c}</figure>"
        for t, c in zip(titles, drawn, strict=True)
    )
    return f'<section><h2>Curves</h2><div class="charts">{"".join(figures)}</div></section>'

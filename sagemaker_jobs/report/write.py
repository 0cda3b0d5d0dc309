"""The report that people read: one self-contained HTML file, no network needed to open it."""

from pathlib import Path

from sagemaker_jobs.report.binary import binary_curves
from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.drift import drift
from sagemaker_jobs.report.fairness import fairness
from sagemaker_jobs.report.figures import figures
from sagemaker_jobs.report.header import header, rules
from sagemaker_jobs.report.html import page
from sagemaker_jobs.report.importance import importance
from sagemaker_jobs.report.leakage import leakage
from sagemaker_jobs.report.lineage import lineage
from sagemaker_jobs.report.multiclass import multiclass_curves
from sagemaker_jobs.report.regression import regression_curves
from sagemaker_jobs.report.slices import slices
from sagemaker_jobs.report.snapshot_data import data
from sagemaker_jobs.report.style import STYLE
from sagemaker_jobs.report.tuning import tuning

CURVES = {
    "binary": binary_curves,
    "multiclass": multiclass_curves,
    "regression": regression_curves,
}


def write_report(path: Path, report: Report) -> None:
    """Write the file."""
    path.write_text(render(report), encoding="utf-8")


def render(report: Report) -> str:
    """The whole document; chapters that have nothing to show are left out."""
    chapters = [
        rules(report),
        figures(report),
        CURVES[report.evaluation.task](report),
        importance(report),
        slices(report),
        fairness(report),
        leakage(report),
        drift(report),
        data(report),
        tuning(report),
        lineage(report),
    ]
    title = f"{report.spec.name}: {report.verdict.verdict}, run {report.evaluation.run}"
    return page(title, STYLE, header(report), [c for c in chapters if c is not None])

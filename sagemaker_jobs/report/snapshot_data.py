"""The training rows of a run as the data chapter's document."""

from dataclasses import replace

import numpy as np

from sagemaker_jobs.report.context import Report
from sagemaker_jobs.report.data import describe, describe_column
from sagemaker_jobs.report.data_page import data_chapter
from sagemaker_jobs.report.html import Chapter
from sagemaker_jobs.report.relation import Target
from sagemaker_jobs.snapshot.rows import LABEL


def data(report: Report) -> Chapter | None:
    """The snapshot's training rows; None if they are not at hand."""
    table, spec = report.context.train, report.spec
    if table is None or LABEL not in table.schema.names:
        return None
    labels = np.asarray(table.column(LABEL).to_numpy(), dtype=np.float64)
    if spec.task == "binary":
        target = Target.of_flags(spec.target, str(spec.positive), labels)
    elif spec.task == "multiclass":
        target = Target.of_classes(spec.target, report.classes, labels)
    else:
        target = Target.of_numbers(spec.target, labels)
    inner = {name for name in table.schema.names if name.startswith("_")}
    document = describe(
        table, target, personal=spec.personal_columns, without={*inner, spec.target}
    )
    outcome = None
    if spec.target in table.schema.names and spec.target not in spec.personal_columns:
        outcome = describe_column(spec.target, table.column(spec.target), None)
    rows = report.lineage.get("rows", {}).get("train")
    sampled = rows is not None and rows > table.num_rows
    notes = [f"A sample of the {rows:,} training rows."] if sampled else []
    return data_chapter(replace(document, outcome=outcome, notes=notes), "Data learnt from")

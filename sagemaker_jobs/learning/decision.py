"""From scores to decisions: calibration and threshold, from validation rows the model chose by."""

from dropforge.project import ProjectSpec
from sagemaker_jobs.artifact.contract import class_names
from sagemaker_jobs.boosting.native import Booster
from sagemaker_jobs.boosting.scorer import Output
from sagemaker_jobs.learning.calibration import fit_sigmoid
from sagemaker_jobs.learning.loading import Source
from sagemaker_jobs.learning.threshold import choose_threshold


def fit_output(spec: ProjectSpec, booster: Booster, validation: Source) -> Output:
    """Calibrate and choose the threshold with the very scores that the saved model gives.

    Only a binary model has either.
    """
    if spec.task != "binary":
        return Output(spec.task, class_names(spec))
    sigmoid = None
    if spec.calibration == "sigmoid":
        log_odds = validation.scores(booster, raw=True)
        sigmoid = fit_sigmoid(log_odds, validation.labels)
        scores = sigmoid(log_odds)
    else:
        scores = validation.scores(booster)
    threshold = choose_threshold(spec.threshold, scores, validation.labels)
    return Output(spec.task, threshold=threshold, calibration=sigmoid)

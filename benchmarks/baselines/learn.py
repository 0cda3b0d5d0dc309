"""The notebook's way to learn: twenty features, -999 for what is missing, one-hot, Optuna.

A trial's value is the AUC on the rows that it was trained on, as in the article. The search space
is the usual one of Optuna's LightGBM examples; everything else is LightGBM's default.

    python -m benchmarks.baselines.learn TRAIN TEST OUT TRIALS SEED COLUMN [COLUMN ...]

TRAIN and TEST are Parquet files with the column `_label`; OUT gets the scores as doubles.
"""

import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
import pandas as pd  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

MISSING = -999
LABEL = "_label"


def learn(train: Path, test: Path, columns: list[str], trials: int, seed: int) -> list[float]:
    """The test rows' scores by the best of `trials` models, fitted again on the training rows."""
    rows, labels = _prepared(train, columns)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        model = lgb.LGBMClassifier(**_space(trial), verbose=-1, random_state=seed)
        model.fit(rows, labels)
        return float(roc_auc_score(labels, np.asarray(model.predict_proba(rows))[:, 1]))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    best = lgb.LGBMClassifier(**study.best_params, verbose=-1, random_state=seed)
    best.fit(rows, labels)
    unseen, _ = _prepared(test, columns)
    aligned = unseen.reindex(columns=rows.columns, fill_value=0)
    scores: list[float] = np.asarray(best.predict_proba(aligned))[:, 1].tolist()
    return scores


def _prepared(file: Path, columns: list[str]) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_parquet(file, columns=[*columns, LABEL])
    numbers = frame[columns].select_dtypes("number").columns
    frame[numbers] = frame[numbers].fillna(MISSING)
    encoded = pd.get_dummies(frame[columns])
    encoded.columns = _plain(encoded.columns)
    return encoded, frame[LABEL]


def _plain(names: pd.Index) -> list[str]:
    """Names without the characters that LightGBM refuses."""
    return ["".join(c if c.isalnum() else "_" for c in name) for name in names]


def _space(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "reg_alpha": trial.suggest_float("reg_alpha", 1e-8, 10.0, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-8, 10.0, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 2, 256),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
        "subsample": trial.suggest_float("subsample", 0.4, 1.0),
        "subsample_freq": trial.suggest_int("subsample_freq", 1, 7),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 100),
    }


if __name__ == "__main__":
    train_file, test_file, out, count, drawn, *chosen = sys.argv[1:]
    found = learn(Path(train_file), Path(test_file), chosen, int(count), int(drawn))
    np.asarray(found, dtype="<f8").tofile(out)
    print(len(found))

"""Train a classifier on the breast-cancer data and save it as the next version of `cancer`, as skops."""

from __future__ import annotations

import hashlib

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelfleet


def main() -> None:
    """Train, evaluate, save."""
    data = load_breast_cancer()
    target = data.target_names[data.target]
    train_x, test_x, train_y, test_y = train_test_split(data.data, target, random_state=0, stratify=target)
    classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_x, train_y)
    accuracy = accuracy_score(test_y, classifier.predict(test_x))
    malignant = classifier.predict_proba(test_x)[:, list(classifier.classes_).index("malignant")]
    held_out = f"a quarter of the tumours, {len(test_y)} rows, held out"
    saved = modelfleet.save(
        classifier,
        "cancer",
        inputs=test_x,
        targets=test_y,
        feature_names=[str(name) for name in data.feature_names],
        format="skops",
        evaluation=[
            {"metric": "accuracy", "data_set": held_out, "value": accuracy},
            {"metric": "ROC AUC", "data_set": held_out, "value": roc_auc_score(test_y == "malignant", malignant)},
        ],
        training_data={
            "name": "Breast cancer Wisconsin (diagnostic), UCI, as scikit-learn ships it",
            "location": "sklearn.datasets.load_breast_cancer",
            "rows": len(train_x),
            "digest": f"sha256:{hashlib.sha256(train_x.tobytes()).hexdigest()}",
        },
        description="Whether a breast tumour is malignant, from measures of cell nuclei in an image.",
        intended_use="Show a service with named columns; not for diagnosis.",
        limits="569 tumours of one hospital; no use outside this example was evaluated.",
        tags=["example", "tabular"],
    )
    print(f"saved {saved.reference} (accuracy {accuracy:.3f} on {held_out}) at {saved.path}")


if __name__ == "__main__":
    main()

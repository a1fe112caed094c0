"""Train a classifier on scikit-learn's handwritten digits and save it as the next version of `digits`, as ONNX."""

from __future__ import annotations

import hashlib

from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelfleet


def main() -> None:
    """Train, evaluate, save."""
    data = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(data.data, data.target, random_state=0, stratify=data.target)
    classifier = make_pipeline(StandardScaler(), MLPClassifier((64,), random_state=0)).fit(train_x, train_y)
    predicted = classifier.predict(test_x)
    accuracy = accuracy_score(test_y, predicted)
    held_out = f"a quarter of the digits, {len(test_y)} rows, held out"
    saved = modelfleet.save(
        classifier,
        "digits",
        inputs=test_x,
        targets=test_y,
        input_name="pixels",
        about_inputs={"pixels": {"unit": "grey value from 0 to 16", "description": "8 x 8 pixels, row by row"}},
        format="onnx",
        evaluation=[
            {"metric": "accuracy", "data_set": held_out, "value": accuracy},
            {"metric": "macro F1", "data_set": held_out, "value": f1_score(test_y, predicted, average="macro")},
        ],
        training_data={
            "name": "Optical recognition of handwritten digits (UCI), as scikit-learn ships it",
            "location": "sklearn.datasets.load_digits",
            "rows": len(train_x),
            "digest": f"sha256:{hashlib.sha256(train_x.tobytes()).hexdigest()}",
        },
        description="Which digit an image of 8 x 8 pixels shows.",
        intended_use="Recognise a digit in an image of 8 x 8 pixels with grey values from 0 to 16.",
        limits="Trained on digits of 43 people, centred and scaled; other images get an answer all the same.",
        tags=["example", "image"],
    )
    print(f"saved {saved.reference} (accuracy {accuracy:.3f} on {held_out}) at {saved.path}")


if __name__ == "__main__":
    main()

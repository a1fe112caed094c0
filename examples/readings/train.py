"""Train a reader of Chinese characters that have several readings, and save it as the next version of `readings`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator

import pandas as pd
from pypinyin.phrases_dict import phrases_dict
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder

import modelfleet

CHARACTERS = 12
LEAST_PHRASES = 30
INPUTS = ["phrase", "character", "before", "position"]


def readings() -> Iterator[dict[str, object]]:
    """Give a row for each character of each phrase: where it stands, what stands before it, and how it is read."""
    for phrase, read in phrases_dict.items():
        if len(phrase) == len(read):
            for position, (character, reading) in enumerate(zip(phrase, read, strict=True)):
                before = phrase[position - 1] if position else None
                yield {
                    "phrase": phrase,
                    "character": character,
                    "before": before,
                    "position": position,
                    "reading": reading[0],
                }


def ambiguous(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Keep the characters with the most phrases among those that are read in two ways, and these readings."""
    counts: dict[object, Counter[object]] = defaultdict(Counter)
    for row in rows:
        counts[row["character"]][row["reading"]] += 1
    common = {one: {reading for reading, n in found.items() if n >= LEAST_PHRASES} for one, found in counts.items()}
    several = sorted((one for one in common if len(common[one]) > 1), key=lambda one: -counts[one].total())
    kept = set(several[:CHARACTERS])
    return pd.DataFrame(row for row in rows if row["character"] in kept and row["reading"] in common[row["character"]])


def main() -> None:
    """Train, evaluate, save."""
    data = ambiguous(list(readings()))
    train, test = train_test_split(data, random_state=0, test_size=0.2, stratify=data["reading"])
    characters = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="start"), OneHotEncoder(handle_unknown="ignore")
    )
    columns = make_column_transformer(
        (characters, "phrase"), (categories, ["character", "before"]), (MaxAbsScaler(), ["position"])
    )
    classifier = make_pipeline(columns, LogisticRegression(C=10, max_iter=300)).fit(train[INPUTS], train["reading"])
    predicted = classifier.predict(test[INPUTS])
    accuracy = accuracy_score(test["reading"], predicted)
    macro = f1_score(test["reading"], predicted, average="macro")
    held_out = f"a fifth of the phrases, {len(test)} rows, held out"
    saved = modelfleet.save(
        classifier,
        "readings",
        inputs=test[INPUTS],
        targets=test["reading"],
        evaluation=[
            {"metric": "accuracy", "data_set": held_out, "value": accuracy},
            {
                "metric": "macro F1",
                "data_set": held_out,
                "value": macro,
            },
        ],
        training_data={
            "name": "phrases with their readings, as pypinyin ships them",
            "location": "pypinyin.phrases_dict",
            "rows": len(train),
            "digest": f"sha256:{hashlib.sha256(json.dumps(phrases_dict).encode()).hexdigest()}",
        },
        description="How a Chinese character that has several readings is read in a phrase.",
        intended_use="Show a service with text, categories of which one may be missing, and a number.",
        limits=f"Knows the {CHARACTERS} most frequent of such characters, in a dictionary's phrases, not in sentences.",
        languages=["zh"],
        tags=["example", "text"],
    )
    print(f"saved {saved.reference} (accuracy {accuracy:.3f} on {held_out}) at {saved.path}")


if __name__ == "__main__":
    main()

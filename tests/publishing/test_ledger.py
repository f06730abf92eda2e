"""Claims are declared by the parts, measured by the chapters, and read back as one ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from jaxtyping import TypeCheckError

import steering_core
from steering_core.publishing import Measured, claim
from steering_core.publishing.cards import brief
from steering_core.publishing.ledger import declared, ledger

CLAIMS = """
from steering_core.publishing import Claim, Rule

CLAIMS = (
    Claim(
        id="T-1", origin="source", source="A work", statement="Small < large.",
        rules={"share": Rule("share", at_least=0.5), "gap": Rule("gap", at_most=0.1)},
        refuted_by={"share": Rule("share", at_most=0.2)},
        scope="toy", setting="seeds 0 to 9", changes=("2026-01-02: wider, for a reason",),
    ),
    Claim(
        id="T-2", origin="ours", source="this book", statement="More.",
        rules={"share": Rule("share", at_least=0.5)}, scope="published data", setting="all rows",
    ),
    Claim(
        id="T-3", origin="ours", source="this book", statement="On both.",
        rules={"share": Rule("share", at_least=0.5)},
        again={"share_second": Rule("second: share", at_least=0.5)},
        scope="shipped LM", setting="all texts",
    ),
)
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one part, whose claims are those above."""
    package = tmp_path / "package"
    (package / "one").mkdir(parents=True)
    (package / "one" / "claims.py").write_text(CLAIMS)
    monkeypatch.setattr(steering_core, "__path__", [str(package)])
    return package


@pytest.mark.usefixtures("parts")
def test_what_is_measured_comes_back(published: Path) -> None:
    claim("T-1", "a-figure", share=Measured(0.7, 30, (0.6, 0.8), "cells"))
    claim("T-1", "b-figure", gap=Measured(0.05, 1))
    entry = ledger(published)[0]
    assert json.loads(json.dumps(entry)) == entry
    assert entry["outcome"] == "holds"
    assert entry["verdict"] == "reproduced"
    assert entry["margin"] == pytest.approx(0.05)
    assert entry["rules"]["share"]["words"] == "share: at least 0.5"
    assert entry["rules"]["share"]["at_least"] == 0.5
    assert entry["changes"] == ["2026-01-02: wider, for a reason"]
    share = entry["parts"]["share"]
    assert (share["value"], share["interval"], share["n"]) == (0.7, [0.6, 0.8], 30)
    assert (share["unit"], share["figure"], share["outcome"]) == ("cells", "a-figure", "holds")
    assert share["refutation"]["outcome"] == "fails"
    assert entry["parts"]["gap"]["exact"]
    assert ledger() == ledger(published)


@pytest.mark.usefixtures("parts")
def test_each_part_has_a_file_of_its_own(published: Path) -> None:
    claim("T-1", "a-figure", share=Measured(0.1, 30), gap=Measured(0.0, 1))
    files = sorted(path.relative_to(published).as_posix() for path in published.rglob("*.*"))
    assert files == ["claims/T-1/gap.json", "claims/T-1/share.json"]
    record = json.loads((published / "claims/T-1/share.json").read_text())
    assert record["claim"] == "T-1"
    assert record["outcome"] == "fails"
    assert record["margin"] == pytest.approx(-0.4)
    assert record["package_version"] == steering_core.__version__
    assert ledger(published)[0]["verdict"] == "refuted"


@pytest.mark.usefixtures("parts")
def test_a_claim_that_nobody_measured_is_not_run(published: Path) -> None:
    assert {entry["verdict"] for entry in ledger(published)} == {"not run"}


@pytest.mark.usefixtures("parts")
def test_an_entry_says_where_a_second_model_disagrees(published: Path) -> None:
    claim("T-3", "a-figure", share=Measured(0.7, 30), share_second=Measured(0.6, 30))
    entry = ledger(published)[2]
    assert (entry["outcome"], entry["why_inconclusive"]) == ("holds", "")
    assert entry["again"]["share_second"]["words"] == "second: share: at least 0.5"
    claim("T-3", "a-figure", share_second=Measured(0.4, 30))
    entry = ledger(published)[2]
    assert (entry["outcome"], entry["verdict"]) == ("inconclusive", "inconclusive")
    expected = "the second pretrained model: fails; the first: holds"
    assert entry["why_inconclusive"] == expected
    assert entry["parts"]["share_second"]["outcome"] == "fails"
    assert json.loads(json.dumps(entry)) == entry


def test_an_id_belongs_to_one_claim(parts: Path) -> None:
    (parts / "two").mkdir()
    (parts / "two" / "claims.py").write_text(CLAIMS)
    with pytest.raises(ValueError, match="'T-1' is declared twice"):
        declared()


def test_a_module_of_claims_without_claims_is_refused(parts: Path) -> None:
    (parts / "one" / "claims.py").write_text("CLAIMS = 3")
    with pytest.raises(ValueError, match=r"CLAIMS of steering_core\.one\.claims is int"):
        declared()


@pytest.mark.usefixtures("parts")
def test_wrong_measurements_are_refused_and_nothing_is_written(published: Path) -> None:
    good = Measured(0.7, 30)
    with pytest.raises(ValueError, match=r"'T-11'.*nearest is 'T-1'"):
        claim("T-11", "a-figure", share=good)
    with pytest.raises(ValueError, match=r"'shar'.*share, gap"):
        claim("T-1", "a-figure", share=good, shar=good)
    with pytest.raises(ValueError, match="parts is empty"):
        claim("T-1", "a-figure")
    with pytest.raises(ValueError, match="figure is 'A figure'"):
        claim("T-1", "A figure", share=good)
    with pytest.raises((ValueError, TypeCheckError)):
        claim("T-1", "a-figure", share=0.7)  # pyright: ignore[reportArgumentType]
    assert not published.exists()


@pytest.mark.usefixtures("parts", "published")
def test_the_card_says_where_the_claim_stands() -> None:
    card = claim("T-1", "a-figure", share=Measured(0.7, 30, (0.6, 0.8), "cells"))
    bundle = card._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "not run" in bundle["text/plain"]
    page = BeautifulSoup(bundle["text/html"], "html.parser")
    outer = page.find(id="claim-T-1")
    assert outer is not None
    assert outer.name == "section"
    assert outer["class"] == ["claim", "claim--not-run"]
    assert "Small < large." in outer.get_text()
    title = page.find(id=str(outer["aria-labelledby"]))
    assert title is not None
    assert all(head.get("scope") for head in page.find_all("th"))
    assert page.find("a", href="#fig-a-figure") is not None
    rows = [
        [cell.get_text() for cell in row.find_all(["th", "td"])] for row in page.find_all("tr")[1:]
    ]
    assert rows == [
        ["share: at least 0.5", "0.7 cells", "[0.6, 0.8]", "30", "+0.2", "holds"],
        ["gap: at most 0.1", *"––––", "not run"],
        ["Refuted if all of these are met"],
        ["share: at most 0.2", "0.7 cells", "[0.6, 0.8]", "30", "-0.5", "not met"],
    ]
    assert [badge.get_text() for badge in page.select("td .verdict")] == ["holds", "not run"]
    assert "wider, for a reason" in page.get_text()


def test_a_rule_leaves_out_what_the_one_above_it_says() -> None:
    above = "largest distance of our curve from the published one, relu: at most 0.05"
    now = "largest distance of our curve from the published one, gelu: at most 0.1"
    assert brief(now, above) == "… gelu: at most 0.1"
    assert brief(above, above) == "the same: at most 0.05"
    one = "TopK: the loss that the model adds over that of ReLU: at most 1"
    other = "Gated: the loss that the model adds over that of ReLU: at most 1"
    assert brief(other, one) == "Gated: …: at most 1"
    assert brief("share of cells: at least 0.5", "share of seeds: at least 0.5") == (
        "share of cells: at least 0.5"
    )
    assert brief(one, "") == one


@pytest.mark.usefixtures("parts", "published")
def test_the_card_links_only_to_figures_of_its_page() -> None:
    claim("T-1", "elsewhere", share=Measured(0.7, 30))
    card = claim("T-1", "here", gap=Measured(0.0, 30))
    page = BeautifulSoup(card._repr_mimebundle_()["text/html"], "html.parser")
    links = [str(link["href"]) for link in page.find_all("a")]
    assert [link for link in links if link.startswith("#")] == ["#fig-here"]
    assert "elsewhere" in page.get_text()


@pytest.mark.usefixtures("parts", "published")
def test_the_card_says_why_two_models_give_no_verdict() -> None:
    card = claim("T-3", "a-figure", share=Measured(0.7, 30), share_second=Measured(0.4, 30))
    why = "Verdict: inconclusive (the second pretrained model: fails; the first: holds)"
    bundle = card._repr_mimebundle_()
    assert why in bundle["text/plain"]
    page = BeautifulSoup(bundle["text/html"], "html.parser")
    assert why in page.get_text()
    heads = [head.get_text() for head in page.find_all("th", scope="row")]
    assert heads == ["share: at least 0.5", "second: share: at least 0.5"]

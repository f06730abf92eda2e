"""Every link inside the book leads somewhere, and what it says of claims agrees with the ledger."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import Request, urlopen

from bs4 import BeautifulSoup

from .conftest import Site


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf8"), "html.parser")


@cache
def anchors(path: Path) -> frozenset[str]:
    found = parsed(path).select("[id], a[name]")
    return frozenset(str(tag.get("id") or tag.get("name")) for tag in found)


@cache
def answers(url: str) -> bool:
    with urlopen(Request(url, method="HEAD")) as response:  # the site on this machine
        return response.status == 200


def test_every_link_inside_the_book_leads_somewhere(site: Site) -> None:
    broken = []
    for page in site.pages:
        here = f"{site.address}/{page}"
        for tag in parsed(site.folder / page).select("a[href], link[href], img[src], script[src]"):
            to = str(tag.get("href") or tag.get("src"))
            target, anchor = urldefrag(urljoin(here, to))
            if not target.startswith(site.address):
                continue
            file = site.folder / unquote(urlsplit(target).path).lstrip("/")
            file = file / "index.html" if file.is_dir() else file
            there = file.is_file() and answers(target)
            if there and anchor and file.suffix == ".html":
                there = unquote(anchor) in anchors(file)
            if not there:
                broken.append((page, to))
    assert broken == []


def test_every_image_says_what_it_shows(site: Site) -> None:
    silent = [
        (page, str(image)[:200])
        for page in site.articles
        for image in parsed(site.folder / page).select("img")
        if not str(image.get("alt") or "").strip()
    ]
    assert silent == []


def test_ids_on_a_page_are_unique(site: Site) -> None:
    for page in site.articles:
        ids = [str(tag["id"]) for tag in parsed(site.folder / page).select("article [id]")]
        assert sorted(ids) == sorted(set(ids)), page


def test_pages_say_of_claims_what_the_ledger_says(site: Site) -> None:
    claims = {one["id"]: one for one in json.loads((site.folder / "claims.json").read_text())}
    seen = set()
    for page in site.articles:
        for card in parsed(site.folder / page).select("[id^=claim-]"):
            id = str(card["id"]).removeprefix("claim-")
            if id in claims:
                badge = card.select_one(".claim__verdict")
                assert badge is not None, (page, id)
                assert claims[id]["verdict"] in badge.get_text(), (page, id)
                seen.add(id)
    assert seen == {id for id, one in claims.items() if one["parts"]}, "measured, but on no page"

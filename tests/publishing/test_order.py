"""Claims are sorted as a reader counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from steering_core.publishing.order import natural_order, part_of

SORTED = ["I-1", "I-2", "I-9", "I-10", "I-18", "I-G1", "I-G2", "II-1", "II-22", "III-3", "IV-21"]


@given(st.permutations([*SORTED, "T-1"]))
def test_parts_come_as_in_the_book_and_numbers_by_size(ids: list[str]) -> None:
    assert sorted(ids, key=natural_order) == [*SORTED, "T-1"]


def test_parts_themselves_are_in_order_too() -> None:
    assert sorted(["IV", "II", "T", "III", "I"], key=natural_order) == ["I", "II", "III", "IV", "T"]


def test_the_part_is_what_stands_before_the_first_hyphen() -> None:
    assert [part_of(id) for id in ("I-G1", "IV-21", "T-1")] == ["I", "IV", "T"]

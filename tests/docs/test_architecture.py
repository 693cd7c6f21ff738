"""The picture in ARCHITECTURE.md shows the imports that are there, and the page names every room."""

from __future__ import annotations

import re

from tests.docs.architecture import PAGE, direct, drawn, imports, picture


def test_the_picture_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == drawn(page), "`make architecture` draws it anew"


def test_every_room_is_explained() -> None:
    explained = set(re.findall(r"^\| `([\w/]+?)/?` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    rooms = {room.replace(".", "/") for arrow in imports() for room in arrow}
    assert rooms <= explained, f"the table lacks {sorted(rooms - explained)}"


def test_an_arrow_that_a_longer_way_says_is_left_out() -> None:
    assert direct({("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 9}) == [("a", "b"), ("b", "c")]
    assert "a --> c" not in picture({("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 9})

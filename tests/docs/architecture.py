"""The picture of the rooms in ARCHITECTURE.md, drawn from the imports that are really there. `make architecture`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import grimp

from casegold.runtime.shipped import REPOSITORY

PAGE = REPOSITORY / "ARCHITECTURE.md"
CORE = "casegold"
AROUND = ("platform_assets", "sensors", "resources")
BEGIN, END = "<!-- rooms: written by `make architecture` -->\n", "<!-- end of rooms -->\n"


def room_of(module: str) -> str:
    """`casegold.sink.lake` is in the room `casegold.sink`; around the core a package is a room."""
    first, *rest = module.split(".")
    return f"{first}.{rest[0]}" if first == CORE and rest else first


def imports() -> Mapping[tuple[str, str], int]:
    """How many imports lead from one room to another."""
    graph = grimp.build_graph(CORE, *AROUND)
    return Counter(
        (room_of(module), room_of(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if room_of(module) != room_of(imported)
    )


def direct(arrows: Mapping[tuple[str, str], int]) -> list[tuple[str, str]]:
    """The arrows without those that a longer way says already. The import contracts see that there is no circle."""
    return sorted(arrow for arrow in arrows if not _way_round(arrow, arrows.keys() - {arrow}))


def _way_round(arrow: tuple[str, str], others: set[tuple[str, str]]) -> bool:
    start, goal = arrow
    seen, ahead = {start}, [start]
    while ahead:
        room = ahead.pop()
        for source, target in others:
            if source == room and target not in seen:
                seen.add(target)
                ahead.append(target)
    return goal in seen


def picture(arrows: Mapping[tuple[str, str], int]) -> str:
    """Mermaid: an arrow points to the room that is imported, directly or over others."""
    rooms = sorted({room for arrow in arrows for room in arrow})
    core = [room for room in rooms if room.startswith(f"{CORE}.")]
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"    {room}" for room in rooms if room not in core]
    lines += [f"    subgraph {CORE}", *(f"        {room}[{room.rpartition('.')[2]}]" for room in core), "    end"]
    lines += [f"    {source} --> {target}" for source, target in direct(arrows)]
    return "\n".join([*lines, "```", ""])


def drawn(page: str) -> str:
    """The page with the picture of now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert after, f"{PAGE.name} has no place for the picture"
    return before + BEGIN + picture(imports()) + END + after


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

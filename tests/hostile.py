"""Texts that would do something where they are not taken for texts."""

from __future__ import annotations

MARK = "casegold-was-here"
"""What a script of these texts makes of a page's title."""
TRAP = "http://127.0.0.1:9/trap"
"""Where a page that believed these texts would ask; tests put their own address in its place."""

HOSTILE = (
    f"<img src=x onerror=\"document.title='{MARK}'\">",
    f"<script>document.title='{MARK}'</script>",
    f"[click](javascript:document.title='{MARK}')",
    f"![seen]({TRAP}?image)",
    f"<{TRAP}?angle> {TRAP}?bare www.example.org/bare who@example.org",
    "a | b\n| c |\n\n# heading\n- item",
    "```\nfence | `tick`` `",
    "**bold** _word_ ~~gone~~ &lt;b&gt; \\| \\",
    "\x1b[2J\x1b]0;title\x07red\x1b[31m",
    "\u202egnp.exe\u2066\u200b\ufeff",
    '=HYPERLINK("http://127.0.0.1:9/","x")',
    "W" * 200,
)

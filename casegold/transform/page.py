"""The parts of every product's page: one self-contained HTML file with badges, warnings and evidence.

It loads no script, font or image; every text from the data is escaped. Not here: the figures, and where the page is
stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from casegold.domain.markup import html
from casegold.transform.evidence import ReportEvidence, version_ranges

_TOLERATED_SHOWN = 10


def document(title: str, body: Sequence[str], evidence: ReportEvidence) -> str:
    """The whole file, which also contains the evidence as data."""
    style = files("casegold.transform").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{html(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + f"\n{_data(evidence)}\n</body>\n</html>\n"
    )


def badges(evidence: ReportEvidence) -> str:
    """Publication, quality, mode (unless it is NORMAL) and version."""
    shown = [
        (evidence.publication, "good" if evidence.publication == "OFFICIAL" else "warn"),
        (f"Quality {evidence.quality}", "good" if evidence.quality == "PASSED" else "warn"),
        *([(f"Mode {evidence.mode}", "warn")] if evidence.mode != "NORMAL" else []),
        (_version(evidence), ""),
    ]
    items = "".join(f'<li class="badge {kind}">{html(text)}</li>' for text, kind in shown)
    return f'<ul class="badges" aria-label="Status">{items}</ul>'


def warning(evidence: ReportEvidence) -> str:
    """Warnings about a waiver or about missing facts that the contract tolerates; empty without either."""
    return _waived(evidence) + _tolerated(evidence)


def _tolerated(evidence: ReportEvidence) -> str:
    lines = evidence.tolerated()
    if not lines:
        return ""
    more = f"<li>and {len(lines) - _TOLERATED_SHOWN} more</li>" if len(lines) > _TOLERATED_SHOWN else ""
    items = "".join(f"<li>{html(line)}</li>" for line in lines[:_TOLERATED_SHOWN]) + more
    return (
        '<div class="warning"><strong>Some facts are not in these figures; the contract tolerates that.</strong>'
        f"<ul>{items}</ul></div>"
    )


def _waived(evidence: ReportEvidence) -> str:
    if not evidence.waived:
        return ""
    checks = ", ".join(evidence.waived_checks)
    named = f" Waived here: {html(checks)}." if checks else " The waivers concern its inputs."
    return f'<p class="warning"><strong>Published under a waiver.</strong>{named} See the evidence below.</p>'


def _version(evidence: ReportEvidence) -> str:
    return "Version not yet numbered" if evidence.version is None else f"Version {evidence.version}"


def meanings(words: Mapping[str, str]) -> str:
    """The explained terms: word and meaning."""
    items = "".join(f"<dt>{html(word)}</dt><dd>{html(meaning)}</dd>" for word, meaning in words.items())
    return (
        '<section aria-labelledby="meanings"><h2 id="meanings">What is counted</h2>'
        f'<dl class="facts">{items}</dl></section>'
    )


def evidence_of(evidence: ReportEvidence) -> str:
    """The lineage of the figures: run, versions and inputs."""
    facts = {
        "Dataset": f"{evidence.dataset}, partition {evidence.month.isoformat()}",
        "Version": _version(evidence),
        "Publication": evidence.publication,
        "Quality": f"{evidence.quality}"
        + (f"; waived: {', '.join(evidence.waived_checks)}" if evidence.waived_checks else ""),
        "Mode": evidence.mode,
        "Run": f"{evidence.run_id}, attempt {evidence.attempt}",
        "Transform version": evidence.transform_version,
        "Contract version": evidence.contract_version,
        "Business time zone": evidence.time_zone,
        "Computed at": f"{evidence.created_at.isoformat(timespec='seconds')}",
    }
    items = "".join(f"<dt>{name}</dt><dd>{_fact(name, value)}</dd>" for name, value in facts.items())
    rows = "".join(
        f"<tr><td>{html(dataset)}</td><td>{first if first == last else f'{first} to {last}'}</td>"
        f"<td>{version}</td><td>{html(quality)}</td></tr>"
        for dataset, first, last, version, quality in version_ranges(evidence.inputs)
    )
    return (
        '<section aria-labelledby="evidence-title"><h2 id="evidence-title">Evidence</h2>'
        "<p>How these figures came to be. The same facts stand in this file as data, input by input.</p>"
        f'<dl class="facts">{items}</dl><h3>Versions they were counted from</h3>'
        '<div class="scroll" role="region" tabindex="0" aria-label="Input versions"><table class="texts"><thead><tr>'
        '<th scope="col">Dataset</th><th scope="col">Partitions</th><th scope="col">Version</th>'
        f'<th scope="col">Quality</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _fact(name: str, value: str) -> str:
    return f"<code>{html(value)}</code>" if name in ("Dataset", "Run") else html(value)


def _data(evidence: ReportEvidence) -> str:
    """The evidence as a data block. Angle brackets are escaped, so that no value can end the block."""
    text = json.dumps(evidence.as_data(), ensure_ascii=True, sort_keys=True)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<script type="application/json" id="evidence">{safe}</script>'

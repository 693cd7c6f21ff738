"""`python -m benchmarks.event_log`: the cost of checking a log, compared with the bare parser on the same file.

A synthetic log for the shipped mapping `receipt.yaml`, as CSV and as XES; all passes run in one process, in turn.
Not here: sending, which is as fast as the broker.
"""

from __future__ import annotations

import csv
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

import click

from casegold.cli.tables import show
from casegold.domain.calendar import BusinessCalendar
from casegold.runtime.shipped import REPOSITORY
from casegold.source.import_log import EventLog
from casegold.source.mapping import Mapping, load_mapping
from casegold.source.totals import Tally

MAPPING = REPOSITORY / "contracts" / "mappings" / "receipt.yaml"
ROUNDS = 3
BEGIN = datetime(2011, 1, 1, tzinfo=UTC)
OF_CASE = ("concept:name", "department", "channel", "deadline", "enddate", "enddate_planned", "responsible")
OF_EVENT = ("concept:name", "time:timestamp", "concept:instance", "org:resource", "org:group", "lifecycle:transition")
Case = tuple[tuple[str, ...], list[tuple[str, ...]]]


@click.command()
@click.option("--rows", default=100_000, show_default=True, help="Approximate number of rows per file.")
def main(rows: int) -> None:
    """Measure, and print the median number of rows per second of CPU time."""
    mapping = load_mapping(MAPPING)
    with tempfile.TemporaryDirectory() as folder:
        as_csv, as_xes = Path(folder, "log.csv"), Path(folder, "log.xes")
        write_csv(as_csv, cases(mapping, rows))
        write_xes(as_xes, cases(mapping, rows))
        found = [*measured(as_csv, mapping, bare_csv), *measured(as_xes, mapping, bare_xes)]
    show(
        "rows per second of CPU time",
        ("file", "rows#", "events#", "bare parser#", "check#", "read again#", "check : bare parser#"),
        found,
        empty="",
    )
    click.echo(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


def measured(path: Path, mapping: Mapping, bare: Callable[[Path], None]) -> Iterator[tuple[object, ...]]:
    """Measure the passes over one file in turn, so that other load on the machine affects all of them."""
    seconds: dict[str, list[float]] = {"bare": [], "check": [], "events": []}
    log = EventLog(path, mapping)
    for _ in range(ROUNDS):
        seconds["bare"].append(processor_seconds(lambda: bare(path)))
        seconds["check"].append(processor_seconds(lambda: count(log, mapping)))
        seconds["events"].append(processor_seconds(lambda: sum(1 for _ in log.events())))
    rates = {name: round(log.rows / median(rounds)) for name, rounds in seconds.items()}
    ratio = round(median(seconds["check"]) / median(seconds["bare"]), 1)
    yield path.name, log.rows, count(log, mapping), rates["bare"], rates["check"], rates["events"], ratio


def processor_seconds(what: Callable[[], object]) -> float:
    begun = time.process_time()
    what()
    return time.process_time() - begun


def count(log: EventLog, mapping: Mapping) -> int:
    """The work of `import-log --dry-run`."""
    tally = Tally(mapping.source, BusinessCalendar(mapping.time_zone))
    for event in log.check():
        tally.add(event)
    return tally.events


def bare_csv(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass


def bare_xes(path: Path) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _tag, _attributes: None
    parser.EndElementHandler = lambda _tag: None
    with path.open("rb") as file:
        parser.ParseFile(file)


def cases(mapping: Mapping, rows: int) -> Iterator[Case]:
    """Synthetic cases of three to nine rows: the attributes of each case, and of its events."""
    random = Random(1)
    first, *others = mapping.activities
    written = number = 0
    while written < rows:
        number += 1
        at = BEGIN + timedelta(minutes=number)
        deadline = str(at + timedelta(days=56))
        of_case = (f"case-{number}", "General", "Internet", deadline, deadline if number % 9 else "", deadline, "R1")
        events: list[tuple[str, ...]] = []
        person = team = ""
        for position in range(random.randint(3, 9)):
            at += timedelta(milliseconds=random.randint(1, 90_000_000))
            if not position or random.random() < 0.25:
                person, team = f"Resource{random.randint(1, 40)}", f"Group {random.randint(1, 9)}"
            activity = random.choice(others) if position else first
            events.append((activity, str(at), f"task-{written + position}", person, team, "complete"))
        written += len(events)
        yield of_case, events


def write_csv(path: Path, found: Iterator[Case]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"case:{name}" for name in OF_CASE), *OF_EVENT])
        writer.writerows((*of_case, *event) for of_case, events in found for event in events)


def write_xes(path: Path, found: Iterator[Case]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("<log>\n")
        for of_case, events in found:
            file.write(f"<trace>{_attributes(OF_CASE, of_case)}\n")
            file.writelines(f"<event>{_attributes(OF_EVENT, event)}</event>\n" for event in events)
            file.write("</trace>\n")
        file.write("</log>\n")


def _attributes(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = zip(names, values, strict=True)
    return "".join(f'<string key="{name}" value={quoteattr(value)}/>' for name, value in pairs if value)


if __name__ == "__main__":
    main()

"""The entry point `casegold`: the list of commands, and how an error becomes an exit code.

To add a command, write it in a module of this package, add it to that module's `commands`, and add an `Entry` here. A
command that lists rows is `@listed`; one that describes a single thing is `@described` (see `output`). Its help ends
with examples. Not here: any command.
"""

from __future__ import annotations

import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem

from casegold.domain.errors import CasegoldError, ExitClass, NotReproduced, TableLost
from casegold.domain.plain_text import visible
from casegold.runtime import logs


class Entry(NamedTuple):
    """A command: the module of this package that defines it, and one line of help."""

    module: str
    summary: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Get started": {
        "demo": Entry("demo", "Run the whole flow from scratch: events to reports."),
        "up": Entry("services", "Start PostgreSQL and Kafka; create schemas and topics."),
        "status": Entry("services", "Show whether the servers answer."),
        "dev": Entry("dev", "Run everything in the foreground, with Dagster's UI."),
        "down": Entry("services", "Stop the local servers. Data stays."),
    },
    "Send events": {
        "simulate": Entry("load", "Generate cases and send their events."),
        "import-log": Entry("load", "Send a real event log (CSV or XES)."),
        "check-events": Entry("check", "Show which events ingest would reject; send nothing."),
        "send": Entry("load", "Send events from a JSON lines file."),
    },
    "Read figures": {
        "plan": Entry("read", "Show what is due, and what the rest waits for."),
        "versions": Entry("read", "List what was published, when and why."),
        "show": Entry("show", "Print the published rows of a date or month."),
        "diff": Entry("diff", "Compare the rows of two versions."),
        "causes": Entry("causes", "List the facts that made a version differ."),
        "impact": Entry("impact", "List the figures that used an event, file or version."),
        "verify": Entry("verify", "Recompute official figures and compare."),
    },
    "See what happens": {
        "runs": Entry("runs", "List runs, or show all that is recorded of one."),
        "holds": Entry("read", "List what is held back, and why."),
        "days": Entry("days", "Show which dates are closed; close one by hand."),
        "source": Entry("source", "Show Kafka positions and lag; accept lost offsets."),
    },
    "Operate": {
        "work": Entry("work", "Do all due work in this process, without Dagster."),
        "relay": Entry("relay", "Announce published versions on Kafka."),
        "retry": Entry("operate", "Reopen a run that was held, failed or cancelled."),
        "cancel": Entry("operate", "Stop a run until somebody retries it."),
        "maintain": Entry("maintain", "Compact files, expire snapshots, delete orphan files."),
        "reconcile": Entry("reconcile", "Compare Kafka, ledgers, tables and announcements."),
        "backup": Entry("backup", "Back up the database and the lake to a directory."),
        "restore": Entry("backup", "Restore an installation, or lost files, from a backup."),
        "rebuild": Entry("rebuild", "Rebuild silver from bronze after data loss."),
    },
    "Correct what was published": {
        "backfill": Entry("backfill", "Recompute published figures, under four eyes."),
        "facts": Entry("facts", "List facts held as too late; admit or reject them."),
        "waiver": Entry("waiver", "Publish although a check fails, under four eyes."),
        "republish": Entry("history", "Make an older version official again, and pin it."),
        "release": Entry("history", "Unpin what was republished."),
    },
    "Set up": {
        "settings": Entry("settings", "Show every setting and its value here."),
        "env": Entry("services", "Print the variables that Dagster's commands need."),
        "completion": Entry("completion", "Print the completion script for your shell."),
        "user": Entry("user", "Add, list and remove people's logins."),
        "audit": Entry("audit", "Verify the audit trail of people's decisions."),
        "product": Entry("product", "Create and check datasets of your own."),
        "clock": Entry("operate", "Show or set the business clock: which dates are over."),
        "failpoints": Entry("failpoints", "List the fail points for crash rehearsals."),
    },
}
"""Every command, in the order in which a newcomer needs them. A test compares it with what the modules define."""

EPILOG = """\b
The first minutes:
  casegold up                                       start the servers
  casegold simulate --cases 100 --days 10 --seed 1  send simulated events
  casegold work --until-idle                        compute, check, publish
  casegold versions                                 see what was published
  casegold dev                                      keep it running, with a UI

\b
Every command has examples: casegold COMMAND --help. Lists take --columns, and
--format json for programs. An id may be shortened to a unique prefix.

\b
Exit codes:
  0  done                         30  a commit's outcome is unknown
  10 the gate is closed           40  a setting or argument is wrong
  20 a server or file is missing  50  a bug, or data that cannot be trusted

Settings are CASEGOLD_* variables: `casegold settings` shows them.
"""

ENTRIES = {name: entry for entries in SECTIONS.values() for name, entry in entries.items()}

INTERRUPTED = 130


class Sections(click.Group):
    """A group that lists its commands in sections, and imports a command's module only to run or explain it.

    Help and completion import no command.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in ENTRIES:
            return None
        module = import_module(f"casegold.cli.{ENTRIES[cmd_name].module}")
        defined: tuple[click.Command, ...] = module.commands
        return next(command for command in defined if command.name == cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in ENTRIES and not args[0].startswith("-"):
            near = get_close_matches(args[0], ENTRIES, n=3)
            meant = f"Did you mean {' or '.join(near)}?" if near else "`casegold --help` lists the commands."
            ctx.fail(f"no command {args[0]!r}. {meant}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in ENTRIES if name.startswith(incomplete)]
        items = [CompletionItem(name, help=ENTRIES[name].summary) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = max(map(len, ENTRIES))
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.summary) for name, entry in entries.items()])


@click.group(cls=Sections, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="casegold")
def casegold() -> None:
    """Official figures from case events: gated, versioned, and provable.

    Case systems send events to Kafka. casegold keeps them in Iceberg and closes a date once all its events have
    arrived. Each closed date gets a snapshot of all cases, each month a report. Both are published only if their checks
    pass (the gate). Late events and corrections lead to a new version; every older version stays readable.
    """


def main() -> None:
    """Run one command and end the process with its exit class."""
    logs.set_up()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code. Prints an error with its remedy, and a bug with its stack trace."""
    try:
        return casegold.main(arguments, prog_name="casegold", standalone_mode=False) or ExitClass.SUCCESS
    except CasegoldError as error:
        if error.exit_class is ExitClass.BUG and not isinstance(error, (TableLost, NotReproduced)):
            traceback.print_exc()
        click.echo(f"casegold: {visible(str(error))}", err=True)
        return error.exit_class
    except click.ClickException as error:
        error.show()
        return ExitClass.CONFIGURATION
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe, as in `casegold runs | head`. Closing stderr keeps Python silent at exit, too.
        sys.stderr.close()
        return ExitClass.SUCCESS
    except Exception:  # noqa: BLE001 - the outermost frame: any other exception is a bug, shown with its stack trace
        traceback.print_exc()
        return ExitClass.BUG


if __name__ == "__main__":
    main()

"""The entry point `casegold`: which commands there are, and how an error ends the process.

A new command: write it in a module of this package, put it into that module's `commands`, and add an `Entry` here. If
it lists something it is `@listed`, if it tells about one thing `@described` (see `output`); its help ends with
examples. Not here: any command.
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
    """A command in the list: the module of this package that defines it, and what it is for, in one line of help."""

    module: str
    summary: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Begin": {
        "demo": Entry("demo", "Play it all from nothing: events, runs, official figures."),
        "up": Entry("services", "Start PostgreSQL and Kafka; create what is in them."),
        "status": Entry("services", "Tell whether the servers answer."),
        "dev": Entry("dev", "Run everything in the foreground, with Dagster's UI."),
        "down": Entry("services", "Stop the local servers. Data stays."),
    },
    "Send events": {
        "simulate": Entry("load", "Make up cases and send their events."),
        "import-log": Entry("load", "Send a real event log (CSV or XES)."),
        "check-events": Entry("check", "Tell what would be rejected, before you send it."),
        "send": Entry("load", "Send events from a JSON lines file."),
    },
    "Look at figures": {
        "plan": Entry("read", "What is due, and what the rest waits for."),
        "versions": Entry("read", "What was published, when and why."),
        "show": Entry("show", "The rows of a date or month, as published."),
        "diff": Entry("diff", "What differs between two versions."),
        "causes": Entry("causes", "Which facts made a version differ."),
        "impact": Entry("impact", "Which figures were made from something."),
        "verify": Entry("verify", "Compute official figures again and compare."),
    },
    "Look at work": {
        "runs": Entry("runs", "Runs, and all that is recorded of one."),
        "holds": Entry("read", "What does not move, and why."),
        "days": Entry("days", "Which dates are closed; close one by hand."),
        "source": Entry("source", "How far Kafka is read; accept what was lost."),
    },
    "Do work": {
        "work": Entry("work", "Do what is due in this process, without Dagster."),
        "relay": Entry("relay", "Announce published versions on Kafka."),
        "retry": Entry("operate", "Open a run again that was held or failed."),
        "cancel": Entry("operate", "End a run until somebody retries it."),
        "maintain": Entry("maintain", "Join small files, drop what nobody names."),
        "reconcile": Entry("reconcile", "Compare Kafka, ledgers, tables, announcements."),
        "backup": Entry("backup", "Points in time of database and lake."),
        "restore": Entry("backup", "Make an installation of such a point."),
        "rebuild": Entry("rebuild", "Make silver again from bronze after a loss."),
    },
    "Change what was published": {
        "backfill": Entry("backfill", "Compute published figures again, under four eyes."),
        "facts": Entry("facts", "Facts that came too late: admit or reject them."),
        "waiver": Entry("waiver", "Publish although a check fails, under four eyes."),
        "republish": Entry("history", "Make an older version official again."),
        "release": Entry("history", "Let the planner replace what was republished."),
    },
    "Set up": {
        "settings": Entry("settings", "Every setting, and its value here."),
        "env": Entry("services", "Variables with which Dagster's commands work."),
        "completion": Entry("completion", "A script with which your shell completes commands."),
        "user": Entry("user", "Logins of people: add, list, remove."),
        "audit": Entry("audit", "Verify the trail of what people decided."),
        "product": Entry("product", "Datasets of your own: make a folder, check it."),
        "clock": Entry("operate", "Which dates are over: see or set the clock."),
        "failpoints": Entry("failpoints", "Where a process can be made to fail, in rehearsals."),
    },
}
"""Every command, in the order in which a newcomer needs them. A test holds it against what the modules define."""

EPILOG = """\b
The first minutes:
  casegold up                                       start the servers
  casegold simulate --cases 100 --days 10 --seed 1  send made-up events
  casegold work --until-idle                        compute, check, publish
  casegold versions                                 see what was published
  casegold dev                                      go on with it, in a UI

\b
Every command has examples: casegold COMMAND --help. Lists have --columns to
choose and --format json for programs. Ids may be given by a unique beginning.

\b
Exit codes:
  0  done                         30  a commit's outcome is unknown
  10 the gate is closed           40  a setting or argument is wrong
  20 a server or file is missing  50  a bug, or what cannot be trusted

Settings are CASEGOLD_* variables: `casegold settings` shows them.
"""

ENTRIES = {name: entry for entries in SECTIONS.values() for name, entry in entries.items()}

INTERRUPTED = 130


class Sections(click.Group):
    """A group that lists its commands in sections and imports a command's module only to run or explain that command.

    So help and completion load no command at all.
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
    pass (the gate). What comes later makes a new version; every old one stays readable.
    """


def main() -> None:
    """Run one command and end the process with its exit class."""
    logs.set_up()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. An error is printed with its remedy, a bug of the program with its trace."""
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
        # The reader went away, as `casegold runs | head` does. Nothing is left to say, not even at exit.
        sys.stderr.close()
        return ExitClass.SUCCESS
    except Exception:  # noqa: BLE001 - the process ends here: everything unforeseen is a bug, shown with its trace
        traceback.print_exc()
        return ExitClass.BUG


if __name__ == "__main__":
    main()

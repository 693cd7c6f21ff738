"""The entry point `casegold`: which commands there are, and how an error ends the process.

Not here: any command. A command's module is imported when it is run or when help is shown.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module

import click

from casegold.domain.errors import CasegoldError, ExitClass

SECTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Servers",
        {"up": "services", "status": "services", "down": "services", "env": "services", "settings": "settings"},
    ),
    ("Events in", {"simulate": "load", "import-log": "load", "check-events": "check", "send": "load"}),
    ("Run", {"demo": "demo", "dev": "dev", "work": "work", "relay": "relay"}),
    (
        "Operate",
        {
            "days": "days",
            "source": "source",
            "clock": "operate",
            "retry": "operate",
            "cancel": "operate",
            "maintain": "maintain",
            "reconcile": "reconcile",
        },
    ),
    (
        "Change history",
        {
            "backfill": "backfill",
            "facts": "facts",
            "waiver": "waiver",
            "republish": "history",
            "release": "history",
        },
    ),
    ("People", {"user": "user"}),
    ("Make", {"product": "product"}),
    ("Rehearse", {"failpoints": "failpoints"}),
    (
        "Look",
        {
            "plan": "read",
            "versions": "read",
            "show": "read",
            "diff": "diff",
            "causes": "causes",
            "verify": "verify",
            "runs": "read",
            "holds": "read",
            "impact": "impact",
        },
    ),
)
"""Section -> command -> module of this package that defines it."""

EPILOG = """\b
Begin:
  casegold up              start the servers
  casegold simulate        send events of made-up cases
  casegold dev             run everything in the foreground, with the UI
  casegold plan            see what is due, and what the rest waits for

\b
Exit codes:
  0  done                         30  a commit's outcome is unknown
  10 the gate is closed           40  a setting or argument is wrong
  20 a server or file is missing  50  a bug, or figures that cannot be reproduced

Settings are CASEGOLD_* variables: `casegold settings` shows them.
"""

INTERRUPTED = 130


class Sections(click.Group):
    """A group that lists its commands in sections and imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for _, commands in SECTIONS for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        for _, commands in SECTIONS:
            if cmd_name in commands:
                module = import_module(f"casegold.runtime.cli.{commands[cmd_name]}")
                defined: tuple[click.Command, ...] = module.commands
                return next(command for command in defined if command.name == cmd_name)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in SECTIONS:
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(100))
                        for name in names
                        if (command := self.get_command(ctx, name)) is not None
                    ]
                )


@click.group(cls=Sections, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="casegold")
def casegold() -> None:
    """Gated, versioned, provable daily figures from regulatory case events.

    Events arrive on Kafka and are kept in Iceberg. Days close once control totals are there. Every closed day gets a
    snapshot of all cases, every month a report; both are published only through a gate, and every version stays.
    """


def main() -> None:
    """Run one command and end the process with its exit class."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. An error is printed with its remedy, a bug with its trace."""
    try:
        return casegold.main(arguments, prog_name="casegold", standalone_mode=False) or ExitClass.SUCCESS
    except CasegoldError as error:
        if error.exit_class is ExitClass.BUG:
            traceback.print_exc()
        click.echo(f"casegold: {error}", err=True)
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

"""`casegold failpoints`: the places where a test or rehearsal can crash a process."""

from __future__ import annotations

import click

from casegold.cli.output import TABLE, Output, listed
from casegold.domain.failpoints import EFFECTS, Kind


@click.command()
@listed()
def failpoints(out: Output) -> None:
    """List the durable effects. Each has a fail point before and after it.

    CASEGOLD_FAILPOINT=version-complete.before:kill ends a process at that point as `kill -9` would; `@2` after the kind
    means the second time it is reached. For tests and rehearsals only: never set it in production.

    \b
    Examples:
      casegold failpoints
      CASEGOLD_FAILPOINT=version-complete.before:kill casegold work --until-idle
    """
    columns = ("name", "what holds after it")
    out.rows("Durable effects: NAME.before and NAME.after", columns, EFFECTS.items(), empty="")
    if out.form == TABLE:
        click.echo(f"kinds: {', '.join(Kind)} (lost_ack only after an effect)")


commands = (failpoints,)

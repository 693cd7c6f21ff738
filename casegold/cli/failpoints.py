"""`casegold failpoints`: where a process can be made to fail."""

from __future__ import annotations

import click

from casegold.cli.output import TABLE, Output, listed
from casegold.domain.failpoints import EFFECTS, Kind


@click.command()
@listed()
def failpoints(out: Output) -> None:
    """List the durable effects; each has a fail point before and one after it.

    CASEGOLD_FAILPOINT=version-complete.before:kill ends a process there as `kill -9` would; `@2` after the kind means
    the second time. For tests and rehearsals: never set it where figures are official.

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

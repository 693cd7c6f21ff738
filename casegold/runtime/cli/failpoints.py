"""`casegold failpoints`: where a process can be made to fail."""

from __future__ import annotations

import click

from casegold.domain.failpoints import EFFECTS, Kind
from casegold.runtime.cli.tables import show


@click.command()
def failpoints() -> None:
    """List the durable effects; each has a fail point before and one after it.

    CASEGOLD_FAILPOINT=version-complete.before:kill ends a process there as `kill -9` would; `@2` after the kind means
    the second time. For tests and rehearsals: never set it where figures are official.
    """
    show("Durable effects: NAME.before and NAME.after", ("name", "what holds after it"), EFFECTS.items(), empty="")
    click.echo(f"kinds: {', '.join(Kind)} (lost_ack only after an effect)")


commands = (failpoints,)

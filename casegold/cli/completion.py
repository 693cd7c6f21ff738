"""`casegold completion`: the script that lets a shell complete commands, options and datasets. Asks no server."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from casegold.domain.errors import InvariantBroken

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL. It completes commands, options, choices and dataset names.

    Dataset names come from the contract files; no server has to run.

    \b
    Examples:
      eval "$(casegold completion bash)"       # in ~/.bashrc
      eval "$(casegold completion zsh)"        # in ~/.zshrc, after compinit
      casegold completion fish > ~/.config/fish/completions/casegold.fish
    """
    script = get_completion_class(shell)
    if script is None:
        raise InvariantBroken(f"click has no completion for {shell}")
    click.echo(script(context.find_root().command, {}, "casegold", "_CASEGOLD_COMPLETE").source())


commands = (completion,)

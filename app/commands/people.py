"""Commands about the people who may log in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import say
from lrp_core.errors import SettingsError

if TYPE_CHECKING:
    from app.access.users import UserTable

users = typer.Typer(no_args_is_help=True, help="The people who may log in, with auth = users.")

UsersFile = Annotated[
    str | None,
    typer.Option(
        "--file", help="The table of users.", show_default="the one that JETLRP_USERS_FILE names"
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As it is typed to log in.")]


@users.command("add")
def users_add(name: Name, file: UsersFile = None) -> None:
    """Add somebody, or change a password. It is asked for, or read from stdin."""
    from app.access.users import LONGEST_PASSWORD

    table = _users(file)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline(4 * LONGEST_PASSWORD).rstrip("\r\n")
    new = table.add(name, password)
    say(f"{name} {'may log in' if new else 'has a new password'} ({table.path})")


@users.command("remove")
def users_remove(name: Name, file: UsersFile = None) -> None:
    """Remove somebody; whoever is logged in under the name no longer is."""
    table = _users(file)
    table.remove(name)
    say(f"{name} may no longer log in ({table.path})")


@users.command("list")
def users_list(file: UsersFile = None) -> None:
    """List who may log in, and since when the password is the one it is."""
    table = list(_users(file))
    for user in table:
        typer.echo(f"{user.added}  {user.name}")


def _users(file: str | None) -> UserTable:
    """The table of users that is meant. Raises SettingsError where none is named."""
    from app.access.users import UserTable
    from lrp_core.settings import read_settings

    named = file or read_settings().users_file
    if named is None:
        raise SettingsError("name the table of users with --file, such as --file users.json")
    return UserTable(named)

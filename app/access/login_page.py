"""The page on which people log in. It needs nothing but itself and the font."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app import theme
from app.access.headers import hash_of, policy

STYLE = """
@font-face {
  font-family: "Inter"; font-weight: 400 700; font-display: swap;
  src: url("{top}assets/fonts/inter-latin-wght-normal.woff2") format("woff2");
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px;
  font: 14px/1.5 var(--font); color: var(--text); background: var(--page);
  background-image: radial-gradient(circle at 50% 0, var(--raised), transparent 60%);
  background-repeat: no-repeat;
}
main {
  width: min(380px, 100%); padding: 30px 32px 32px; border-radius: 14px;
  background: var(--panel); border: 1px solid var(--line);
  box-shadow: 0 18px 50px -12px rgb(0 0 0 / 22%);
}
h1 {
  display: flex; align-items: center; gap: 11px; margin: 0; font-size: 21px; font-weight: 640;
  letter-spacing: -0.015em;
}
h1 img { width: 28px; height: 28px; }
.motto { margin: 5px 0 24px; color: var(--muted); }
label { display: block; margin: 0 0 5px; font-weight: 560; }
input {
  width: 100%; height: 40px; margin: 0 0 16px; padding: 0 12px; font: inherit; color: var(--text);
  background: var(--page); border: 1px solid var(--muted); border-radius: 8px;
}
button {
  width: 100%; height: 42px; margin-top: 6px; font: inherit; font-weight: 620; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 0; border-radius: 8px;
}
button:hover { filter: brightness(1.07); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.said {
  margin: 0 0 18px; padding: 9px 12px; border-radius: 8px; color: var(--warning);
  border: 1px solid color-mix(in srgb, var(--warning) 45%, transparent);
  background: color-mix(in srgb, var(--warning) 9%, transparent);
}
.note { margin: 18px 0 0; font-size: 13px; color: var(--muted); }
"""

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="dark">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Log in – jetlrp</title>
<link rel="icon" type="image/svg+xml" href="{top}assets/favicon.svg">
<style>{colours}{style}</style>
<script>{choose}</script>
</head>
<body>
<main>
<h1><img src="{top}assets/favicon.svg" alt="">jetlrp</h1>
<p class="motto">Which tracks made the network say so?</p>
{said}<form method="post" action="{top}login">
<input type="hidden" name="form" value="{form}">
<input type="hidden" name="next" value="{wanted}">
{fields}<button type="submit">Log in</button>
</form>
<p class="note">{note}</p>
</main>
</body>
</html>
"""

WITH_NAME = """<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false"
 maxlength="64" required{focus} value="{name}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="256" required{focus_password}>
"""

WITH_TOKEN = """<label for="password">Token</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="256" required autofocus>
"""


def policy_of(frames: Sequence[str]) -> str:
    """What the page may load, and which origins' pages may show it."""
    return policy([hash_of(theme.CHOOSE)], frames=frames)


def html(*, with_name: bool, form: str, wanted: str, said: str, name: str, top: str = "./") -> str:
    """The page.

    with_name  ask for name and password, else for the token alone
    form       what shows that the form came from here
    wanted     where to go on to
    said       what was wrong, or nothing
    top        where the server's own addresses begin, with a slash at its end
    """
    if with_name:
        focus = " autofocus"
        fields = WITH_NAME.format(
            name=escape(name),
            focus="" if name else focus,
            focus_password=focus if name else "",
        )
        note = "Whoever runs this server gives out names and passwords."
    else:
        fields = WITH_TOKEN
        note = "Whoever runs this server gives out the token."
    return PAGE.format(
        colours=theme.css_variables(),
        style=STYLE.replace("{top}", top),
        top=escape(top),
        choose=theme.CHOOSE,
        said=f'<p class="said" role="alert">{escape(said)}</p>\n' if said else "",
        form=escape(form),
        wanted=escape(wanted),
        fields=fields,
        note=note,
    )

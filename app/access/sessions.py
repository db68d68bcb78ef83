"""Sessions: who somebody is, signed and dated, in a cookie. Nothing is kept on the server."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from itsdangerous import BadData, URLSafeTimedSerializer

LONGEST = 1_000  # characters of a cookie


class Session(NamedTuple):
    """Who is logged in, and what was known of the password then."""

    name: str
    mark: str


class Sessions:
    """Makes and reads what the cookie holds.

    key      what signs it
    seconds  how long a session lasts
    """

    def __init__(self, key: str, seconds: float) -> None:
        self.seconds = int(seconds)
        self._signed = URLSafeTimedSerializer(
            key, salt="jetlrp session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        # cookies do not know ports: two servers on one machine must not end each other's sessions
        self.cookie = f"jetlrp-{hashlib.sha256(f'cookie {key}'.encode()).hexdigest()[:8]}"

    def begin(self, session: Session) -> str:
        """What the cookie holds."""
        return str(self._signed.dumps(list(session)))

    def read(self, text: str | None) -> Session | None:
        """The session that a cookie holds; None if it is forged, too old or no session at all."""
        if not text or len(text) > LONGEST:
            return None
        try:
            found = self._signed.loads(text, max_age=self.seconds)
        except BadData:
            return None
        if (
            isinstance(found, list)
            and len(found) == len(Session._fields)
            and all(isinstance(part, str) for part in found)
        ):
            return Session(*found)
        return None

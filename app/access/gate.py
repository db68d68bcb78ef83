"""The gate: decides of every request whether it is let in, and whose it is. Knows no web framework.

    request ──> size ── host ── origin ── who ── how often ──> let in, with the user's name
                  └───────┴────────┴───────┴─────────┴───────> answered here

``Gate.decide`` does it; app/access/doors.py puts it before ASGI and Flask applications.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlencode, urlsplit

from app.access import login_page
from app.access.addresses import is_among, is_loopback, proxies_of, read_address
from app.access.below import address_below
from app.access.sessions import Session, Sessions
from app.access.users import NAME, UserTable
from lrp_core.errors import SettingsError
from lrp_core.limits import AtOnce, limits_of_server
from lrp_core.service.schemas import SECRET_HEADER, USER_HEADER, ErrorAnswer, ErrorBody
from lrp_core.settings import Settings, variable_of

LOGIN, LOGOUT = "/login", "/logout"
OPEN = ("/health", "/ready", "/metrics")  # say nothing of jets or people; or guard themselves
OPEN_FILES = ("/assets/fonts/", "/assets/favicon.svg")  # what the log-in page itself needs
WORK = ("/api/", "/_dash-update-component", "/_dash-layout")  # what is counted
UPLOADS = "/api/v1/uploads"  # whose own limit holds
SAFE = ("GET", "HEAD", "OPTIONS")
SECRET, USER = SECRET_HEADER.lower(), USER_HEADER.lower()
MOST_QUERY = 8_000  # characters of an address
MOST_HEADERS = 32_000  # characters of all headers
MOST_FORM = 4_000  # bytes of the log-in form
SHORTEST_TOKEN = 16
PICTURES = re.compile(r"/api/v\d+/jets/\d+/pictures/")  # that the page asks for as it changes size
PICTURE = 0.125  # of a request: what one counts
ATTEMPTS_PER_MINUTE = 10.0  # to log in, by address and by name
SHARE_OF_THREADS = 3 / 4  # of a process of the page, that one user's requests may take
FORM_COOKIE = "jetlrp-form"
SHARED = "guest"  # whoever has the token

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Asked:
    """A request, as far as it matters here.

    headers  by name in small letters; those that come twice are joined
    path     from the top of this server
    client   address of whoever holds the other end of the connection
    body     of POST /login only
    below    the path below which browsers find the server; "" where that is not known
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    client: str
    scheme: str = "http"
    body: bytes = b""
    below: str = ""

    def address(self, target: str) -> str:
        """Where the browser finds another path of this server."""
        return address_below(self.below, self.path, target)


@dataclass(frozen=True)
class LetIn:
    """The request goes on. ``user`` is None where nobody was asked.

    counted  it is one of those that the user has under way: ``Gate.end`` it
    """

    user: str | None
    headers: Headers = ()
    counted: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Answered:
    """The request ends here."""

    status: int
    body: str
    headers: Headers = field(default_factory=tuple)


class Gate:
    """Lets requests in.

    settings  who may, and how often
    secret    what this server's own page shows when it asks the service through its own address

    Raises SettingsError if the settings would let anybody in, or nobody.
    """

    def __init__(self, settings: Settings, secret: str | None = None) -> None:
        self.mode = settings.auth
        self._secret = secret
        self._most_body = settings.body_bytes
        self._on_loopback = is_loopback(settings.host)
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._proxies = proxies_of(settings)
        self.frames = settings.frame_ancestors
        self._proxy_header = settings.proxy_header.lower()
        self._requests = limits_of_server("requests", settings.requests_per_minute)
        self._attempts = limits_of_server("attempts", ATTEMPTS_PER_MINUTE)
        self._at_once = AtOnce(max(1, int(settings.page_threads * SHARE_OF_THREADS)))
        self._form_key = secrets.token_bytes(32)
        self._token: str | None = None
        self._users: UserTable | None = None
        self._sessions: Sessions | None = None
        self._known: dict[bytes, tuple[str, str]] = {}  # names and passwords that were right
        seconds = settings.session_hours * 3600
        if self.mode == "none":
            if not self._on_loopback:
                raise SettingsError(
                    f"--host: {settings.host} can be reached from other machines, and nobody would "
                    f"be asked who they are: set {variable_of('auth')} to token, users or proxy "
                    "(docs/security.md says how), or leave the address at 127.0.0.1"
                )
        elif self.mode == "token":
            self._token = _read_token(settings)
            self._sessions = Sessions(_derived(self._token, "sessions"), seconds)
            self._form_key = _derived(self._token, "form").encode()
        elif self.mode == "users":
            if settings.users_file is None:
                raise SettingsError(
                    f"auth = users needs a table of users: make one with `jetlrp users add NAME "
                    f"--file FILE` and give it as {variable_of('users_file')}"
                )
            self._users = UserTable(settings.users_file)
            if not list(self._users):
                raise SettingsError(
                    f"{settings.users_file}: has no users; add one with `jetlrp users add NAME "
                    f"--file {settings.users_file}`"
                )
            self._sessions = Sessions(self._users.key, seconds)
            self._form_key = _derived(self._users.key, "form").encode()
        elif not self._proxies:
            raise SettingsError(
                "auth = proxy believes a header, so it has to know whose: give the addresses of "
                f"the reverse proxy as {variable_of('trusted_proxies')}"
            )

    @property
    def can_leave(self) -> bool:
        """Whether people log in and out here."""
        return self._sessions is not None

    def decide(self, asked: Asked) -> LetIn | Answered:
        """Let a request in, or answer it."""
        refused = self._size(asked)
        if refused is None and self._secret is not None and SECRET in asked.headers:
            return self._own(asked)
        refused = refused or self._host(asked)
        if refused:
            return refused
        if _is_foreign(asked) and (asked.method not in SAFE or (self.frames and _is_part(asked))):
            return problem(
                asked,
                403,
                "cross_site",
                "This request was sent by another site's page, and is not carried out.",
            )
        if asked.path in OPEN or asked.path.startswith(OPEN_FILES):
            return LetIn(None)
        if self.mode == "none":
            if not self._is_proxy(asked.client) and not _is_from_here(asked):
                return problem(
                    asked,
                    403,
                    "no_log_in",
                    "This server asks nobody who they are, so it answers its own machine only.",
                )
            return LetIn(None)
        if self._sessions is not None and asked.path in (LOGIN, LOGOUT):
            return self._log_in(asked) if asked.path == LOGIN else self._log_out(asked)
        user, tried = self._who(asked)
        if user is None:
            return tried or self._stranger(asked)
        if asked.path.startswith(WORK):
            wait = self._requests.take(user, PICTURE if PICTURES.match(asked.path) else 1.0)
            if wait:
                return problem(
                    asked,
                    429,
                    "too_many_requests",
                    "You sent many requests within a minute; the next one is possible in "
                    f"{wait} s.",
                    ("Retry-After", str(wait)),
                )
            if not self._at_once.begin(user):
                return problem(
                    asked,
                    429,
                    "too_many_at_once",
                    f"{self._at_once.most} of your requests are under way already; the next one is "
                    "possible when one of them is answered.",
                    ("Retry-After", "1"),
                )
            return LetIn(user, counted=True)
        return LetIn(user)

    def end(self, let_in: LetIn) -> None:
        """The request was answered, to the last byte or as far as somebody listened."""
        if let_in.counted:
            self._at_once.end(let_in.user)

    def is_tls(self, asked: Asked) -> bool:
        """Whether the browser speaks TLS, to this server or to a proxy that is believed."""
        if self._is_proxy(asked.client) and "x-forwarded-proto" in asked.headers:
            return asked.headers["x-forwarded-proto"].split(",")[-1].strip().lower() == "https"
        return asked.scheme == "https"

    def most_body(self, asked: Asked) -> int | None:
        """How many bytes the body may have, None if the service itself looks after that."""
        return None if _is_within(asked.path, UPLOADS) else self._most_body

    # ------------------------------------------------------------------ each question in turn

    def _size(self, asked: Asked) -> Answered | None:
        length = asked.headers.get("content-length", "0")
        most = self.most_body(asked)
        if len(asked.path) + len(asked.query) > MOST_QUERY:
            return problem(asked, 414, "too_long", f"An address has at most {MOST_QUERY} letters.")
        if sum(len(n) + len(v) for n, v in asked.headers.items()) > MOST_HEADERS:
            return problem(asked, 431, "too_long", f"Headers have at most {MOST_HEADERS} letters.")
        if not re.fullmatch(r"[0-9]{1,18}", length):
            return problem(asked, 400, "bad_request", "Content-Length is not a number.")
        if most is not None and int(length) > most:
            return too_large(asked, most)
        return None

    def _host(self, asked: Asked) -> Answered | None:
        """A name that is not ours: another site may have had its name lead here."""
        host = _host_name(asked.headers.get("host", ""))
        if host in self._hosts or (
            is_loopback(host) and (self._on_loopback or is_loopback(asked.client))
        ):
            return None
        if not self._hosts and self.mode != "none":
            return None  # whoever comes by another name has no session there
        return problem(
            asked,
            400,
            "unknown_host",
            "The server is not known under the name it was asked by; whoever runs it can allow "
            f"names as {variable_of('hosts')}.",
        )

    def _own(self, asked: Asked) -> LetIn | Answered:
        """The page of this server asks the service for somebody who was let in."""
        assert self._secret is not None
        if not _same(asked.headers[SECRET], self._secret):
            return problem(asked, 403, "not_through_dashboard", "The secret is not right.")
        user = unquote(asked.headers.get(USER, "")) or None
        return LetIn(user)

    def _who(self, asked: Asked) -> tuple[str | None, Answered | None]:
        """Whose request it is; else None, and what to say where that is not to log in."""
        if self.mode == "proxy":
            return self._by_proxy(asked)
        assert self._sessions is not None
        session = self._sessions.read(self._cookie(asked, self._sessions.cookie))
        if session is not None and self._still_holds(session):
            return session.name, None
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        if not given:
            return None, None
        client = self._client(asked)
        wait = self._attempts.take(client)
        if wait:
            return None, self._too_many_attempts(asked, wait)
        user = None
        if self.mode == "token" and scheme.lower() == "bearer":
            user = f"{SHARED}-{client}" if _same(given.strip(), self._token or "") else None
        elif self.mode == "users" and scheme.lower() == "basic":
            user = self._by_password(given)
        if user is None:
            return None, None
        self._attempts.give_back(client)
        return user, None

    def _by_proxy(self, asked: Asked) -> tuple[str | None, Answered | None]:
        name = asked.headers.get(self._proxy_header, "")
        if not self._is_proxy(asked.client):
            return None, problem(
                asked, 403, "not_through_proxy", "This server is reached through its proxy only."
            )
        if not NAME.fullmatch(name):
            return None, problem(
                asked,
                401,
                "not_logged_in",
                "The proxy did not say who you are, or a name that is not possible.",
            )
        return name, None

    def _by_password(self, given: str) -> str | None:
        """Name and password of a program. Hashing takes long, so what was right is remembered."""
        import base64
        import binascii

        assert self._users is not None
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
        known = self._users.get(name)
        digest = hmac.new(self._form_key, given.encode(), "sha256").digest()
        if known is not None and self._known.get(digest) == (name, known.mark):
            return name
        user = self._users.check(name, password)
        if user is None:
            return None
        if len(self._known) > 1_000:
            self._known.clear()
        self._known[digest] = (user.name, user.mark)
        return user.name

    def _still_holds(self, session: Session) -> bool:
        if self._users is None:
            return True  # the token itself signed it
        user = self._users.get(session.name)
        return user is not None and _same(session.mark, user.mark)

    def _stranger(self, asked: Asked) -> Answered:
        """Somebody who is not logged in: a person is shown the log-in page."""
        navigates = asked.headers.get("sec-fetch-mode", "navigate") == "navigate"
        if (
            asked.method == "GET"
            and navigates
            and "text/html" in asked.headers.get("accept", "")
            and not asked.path.startswith(("/api", "/_dash", "/_jetlrp"))
        ):
            wanted = f"{asked.path}?{asked.query}" if asked.query else asked.path
            where = f"?{urlencode({'next': wanted})}" if wanted != "/" else ""
            return _go_on(asked, f"{LOGIN}{where}")
        challenge = "Bearer" if self.mode == "token" else "Session"
        return problem(
            asked,
            401,
            "not_logged_in",
            f"You are not logged in, or no longer: open {asked.below}{LOGIN}.",
            ("WWW-Authenticate", f'{challenge} realm="jetlrp"'),
        )

    # ------------------------------------------------------------------------- log in and out

    def _log_in(self, asked: Asked) -> Answered:
        if asked.method in ("GET", "HEAD"):
            wanted = own_path(parse_qs(asked.query).get("next", ["/"])[0])
            if self._who(asked)[0] is not None:
                return _go_on(asked, wanted)
            return self._form(asked, wanted)
        if asked.method != "POST":
            return problem(
                asked, 405, "method_not_allowed", "Use GET or POST.", ("Allow", "GET, POST")
            )
        try:
            given = parse_qs(asked.body.decode(), max_num_fields=10, keep_blank_values=True)
        except ValueError:
            return self._form(asked, "/", "The form could not be read. Please try again.", 400)
        name, word, form, wanted = (
            given.get(key, [""])[0] for key in ("name", "password", "form", "next")
        )
        wanted = own_path(wanted)
        nonce = self._cookie(asked, FORM_COOKIE) or ""
        if not nonce or not _same(form, self._signed_form(nonce)):
            return self._form(asked, wanted, "The form was too old. Please try again.", 403)
        counted = [self._client(asked), *([f"name {name[:64]}"] if self._users else [])]
        waits = [self._attempts.take(key) for key in counted]
        if any(waits):
            return self._too_many_attempts(asked, max(waits), wanted)
        session = self._session_for(name, word)
        if session is None:
            wrong = "This token is not right." if self._token else "Name or password is not right."
            return self._form(asked, wanted, wrong, 403, name)
        for key in counted:
            self._attempts.give_back(key)
        assert self._sessions is not None
        cookie = self._set_cookie(
            asked, self._sessions.cookie, self._sessions.begin(session), self._sessions.seconds
        )
        gone = self._set_cookie(asked, FORM_COOKIE, "", 0)
        return _go_on(asked, wanted, cookie, gone)

    def _session_for(self, name: str, word: str) -> Session | None:
        if self._users is not None:
            user = self._users.check(name, word)
            return None if user is None else Session(user.name, user.mark)
        if _same(word, self._token or ""):
            return Session(f"{SHARED}-{secrets.token_hex(3)}", "")
        return None

    def _log_out(self, asked: Asked) -> Answered:
        if asked.method != "POST":
            return _go_on(asked, "/")
        assert self._sessions is not None
        gone = self._set_cookie(asked, self._sessions.cookie, "", 0)
        clear = ("Clear-Site-Data", '"cache"')
        more = (clear,) if self.is_tls(asked) else ()
        return _go_on(asked, LOGIN, gone, *more)

    def _too_many_attempts(self, asked: Asked, wait: int, wanted: str | None = None) -> Answered:
        said = f"Too many attempts to log in; the next one is possible in {wait} s."
        again = ("Retry-After", str(wait))
        if wanted is None:
            return problem(asked, 429, "too_many_attempts", said, again)
        return self._form(asked, wanted, said, 429, more=(again,))

    def _form(
        self,
        asked: Asked,
        wanted: str,
        said: str = "",
        status: int = 200,
        name: str = "",
        more: Headers = (),
    ) -> Answered:
        nonce = secrets.token_urlsafe(16)
        page = login_page.html(
            with_name=self._users is not None,
            form=self._signed_form(nonce),
            wanted=wanted,
            said=said,
            name=name[:64],
            top=asked.address("/"),
        )
        cookie = self._set_cookie(asked, FORM_COOKIE, nonce, 3600, strict=True)
        headers = (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", login_page.policy_of(self.frames)),
            cookie,
            NOT_KEPT,
            *more,
        )
        return Answered(status, page, headers)

    def _signed_form(self, nonce: str) -> str:
        return hmac.new(self._form_key, nonce.encode(), "sha256").hexdigest()

    # ------------------------------------------------------------------------------- what is so

    def _is_proxy(self, client: str) -> bool:
        return is_among(client, self._proxies)

    def _client(self, asked: Asked) -> str:
        """The address of whoever asks: behind proxies, the last one that none of them added."""
        client = asked.client
        if self._is_proxy(client):
            for hop in reversed(asked.headers.get("x-forwarded-for", "").split(",")):
                if read_address(hop.strip()) is None:
                    break
                client = hop.strip()
                if not self._is_proxy(client):
                    break
        return client

    def _cookie(self, asked: Asked, name: str) -> str | None:
        """A cookie's value; whatever else stands beside it, from other servers of this host."""
        name = self._cookie_name(asked, name)
        for part in asked.headers.get("cookie", "").split(";"):
            found, _, value = part.strip().partition("=")
            if found == name:
                return value.strip('"')
        return None

    def _set_cookie(
        self, asked: Asked, name: str, value: str, seconds: int, *, strict: bool = False
    ) -> tuple[str, str]:
        tls = self.is_tls(asked)
        same_site = f"SameSite={'Strict' if strict else 'Lax'}"
        if tls and self.frames:  # else no browser sends it within another site's page
            same_site = "SameSite=None; Partitioned"
        parts = [
            f"{self._cookie_name(asked, name)}={value}",
            f"Path={_cookie_path(asked)}",
            f"Max-Age={seconds}",
            "HttpOnly",
            same_site,
            *(["Secure"] if tls else []),
        ]
        return "Set-Cookie", "; ".join(parts)

    def _cookie_name(self, asked: Asked, name: str) -> str:
        """A cookie's name; browsers hold what begins so to what it says."""
        if not self.is_tls(asked):
            return name
        return f"{'__Host-' if _cookie_path(asked) == '/' else '__Secure-'}{name}"


NOT_KEPT = ("Cache-Control", "no-store")


def problem(asked: Asked, status: int, code: str, message: str, *more: tuple[str, str]) -> Answered:
    """An answer in the service's one shape of errors."""
    given = asked.headers.get("x-request-id", "")
    number = given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else secrets.token_hex(6)
    body = ErrorBody(code=code, message=message, choices=None, request_id=number)
    headers = (
        ("Content-Type", "application/json"),
        ("X-Request-ID", number),
        NOT_KEPT,
        *more,
    )
    return Answered(status, ErrorAnswer(error=body).model_dump_json(), headers)


def too_large(asked: Asked, most: int) -> Answered:
    """What is said of a body with more bytes than it may have."""
    message = f"The body of the request is too large; {most:,} bytes are possible."
    return problem(asked, 413, "too_large", message, ("Connection", "close"))


def own_path(path: str) -> str:
    """A path of this server to go on to after the log-in; "/" for whatever leads elsewhere."""
    parts = _split(path) if path.isprintable() and "\\" not in path else None
    plain = (
        parts is not None
        and path.startswith("/")
        and not path.startswith("//")
        and not parts.scheme
        and not parts.netloc
        and parts.path not in (LOGIN, LOGOUT)
        and len(path) <= 2_000
    )
    return quote(path, safe="/?&=%~:@!$'()*+,;#-._[]") if plain else "/"


def check_alone(settings: Settings) -> None:
    """Refuse a service that anybody could ask. Raises SettingsError."""
    if settings.secret is None and not is_loopback(settings.host):
        raise SettingsError(
            f"--host: {settings.host} can be reached from other machines, and the service would "
            f"answer everybody: set {variable_of('secret')} here and for the dashboards "
            "(docs/security.md says more), or leave the address at 127.0.0.1"
        )


def _go_on(asked: Asked, target: str, *more: tuple[str, str]) -> Answered:
    """Send the browser on to another path of this server."""
    return Answered(303, "", (("Location", asked.address(target)), NOT_KEPT, *more))


def _cookie_path(asked: Asked) -> str:
    """Where a cookie is sent to: to this server alone, of all that a host may have.

    Browsers compare letter by letter, and what is percent-encoded can be written in several ways.
    """
    plain = re.fullmatch(r"[A-Za-z0-9._~/-]+", asked.below)
    return f"{asked.below}/" if plain else "/"


def _host_name(header: str) -> str:
    """The name in a Host header, without the port."""
    text = header.strip().lower()
    if text.startswith("["):
        return text.partition("]")[0].lstrip("[")
    return text.partition(":")[0].rstrip(".")


def _is_foreign(asked: Asked) -> bool:
    """Whether a page of another site has made the browser send this."""
    site = asked.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = asked.headers.get("origin")
    if origin is None:
        return False  # no browser: those send it with everything that changes something
    parts = _split(origin)
    return parts is None or parts.netloc.lower() != asked.headers.get("host", "").lower()


def _is_part(asked: Asked) -> bool:
    """Whether a page asks this for itself, such as an image, and the user does not go there."""
    return asked.headers.get("sec-fetch-mode", "navigate") != "navigate"


def _is_from_here(asked: Asked) -> bool:
    """Whether the request began on this machine: a proxy that nobody spoke of tells of others."""
    hops = asked.headers.get("x-forwarded-for", "").split(",")
    return all(is_loopback(hop.strip()) for hop in (asked.client, *filter(str.strip, hops)))


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _is_within(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")


def _read_token(settings: Settings) -> str:
    if settings.token is not None and settings.token_file is not None:
        raise SettingsError(
            f"give either {variable_of('token')} or {variable_of('token_file')}, not both"
        )
    if settings.token_file is not None:
        try:
            token = Path(settings.token_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{settings.token_file}: the token cannot be read") from error
    elif settings.token is not None:
        token = settings.token.get_secret_value().strip()
    else:
        raise SettingsError(
            f"auth = token needs a token: put one into a file with `openssl rand -hex 24` and give "
            f"the file as {variable_of('token_file')}, or the token as {variable_of('token')}"
        )
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise SettingsError(
            f"the token has to be at least {SHORTEST_TOKEN} plain letters and digits; make one "
            "with `openssl rand -hex 24`"
        )
    return token


def _derived(key: str, of: str) -> str:
    return hmac.new(key.encode(), f"jetlrp {of}".encode(), hashlib.sha256).hexdigest()


def _same(given: str, right: str) -> bool:
    """In constant time, whatever is given."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())

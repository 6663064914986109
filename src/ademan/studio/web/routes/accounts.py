"""Accounts: registering, logging in and out, sessions, passwords, and leaving."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from ademan.studio.data import StudioError
from ademan.studio.data.accounts import LONGEST_DAYS, Entry
from ademan.studio.data.names import clean_name
from ademan.studio.data.passwords import SHORTEST_PASSWORD, check_password
from ademan.studio.data.settings import REGISTRATION
from ademan.studio.web.devices import device
from ademan.studio.web.guard import Filled, Here, Who, member_router, open_router
from ademan.studio.web.pages import Form, go, language_of, say_to, visitor_of
from ademan.studio.web.parts import Studio
from ademan.studio.web.security import SESSION, VISIT, drop_cookies, local_path, read_cookie, set_cookie

router = open_router()
members = member_router()
_DAY_S = 86_400
_PROBLEMS = {"wrong": "wrong_login", "too_many": "too_many", "gone": "invitation", "forbidden": "last_admin"}


@router.get("/login")
def show_login(request: Request, studio: Here, next: str = "/") -> Response:  # noqa: A002 - its name in the address
    """Show the form to log in; before there is anybody, the one to register."""
    if visitor_of(request) is not None:
        return go(request, local_path(next))
    if not studio.accounts.has_people():
        return go(request, "/register")
    return _login_page(request, studio, Form(), next)


@router.post("/login")
async def log_in(request: Request, studio: Here, form: Filled) -> Response:
    """Log somebody in."""
    say, name, onward = say_to(request), form.get("name", ""), form.get("next", "/")
    shown = Form({"name": name}, _missing(request, form, "name", "password"))
    if shown.is_wrong:
        return _login_page(request, studio, shown, onward)
    try:
        entry = await _enter(request, studio, name, form["password"])
    except StudioError as error:
        shown.problem = say(f"error.{_problem(error)}")
        return _retry(error, _login_page(request, studio, shown, onward, _status(error)))
    return _logged_in(request, entry, go(request, local_path(onward)))


@router.get("/register")
def show_register(request: Request, studio: Here, invitation: str = "") -> Response:
    """Show the form to register."""
    if visitor_of(request) is not None:
        return go(request, "/")
    return _register_page(request, studio, Form(), invitation)


@router.post("/register")
async def register(request: Request, studio: Here, form: Filled) -> Response:
    """Make an account, and log its person in."""
    say, name, invitation = say_to(request), form.get("name", ""), form.get("invitation", "")
    shown = Form({"name": name}, _faults(request, form, name))
    if shown.is_wrong:
        return _register_page(request, studio, shown, invitation)
    try:
        await studio.hashing(
            studio.accounts.register,
            name,
            form["password"],
            invitation=invitation,
            address=_address(request),
            locale=language_of(request),
        )
        entry = await _enter(request, studio, name, form["password"])
    except StudioError as error:
        if error.code == "taken":
            shown.errors["name"] = say("error.taken")
        else:
            shown.problem = say("register.closed" if error.code == "forbidden" else f"error.{_problem(error)}")
        return _retry(error, _register_page(request, studio, shown, invitation, _status(error)))
    return _logged_in(request, entry, go(request, "/", said="welcome"))


@router.post("/logout")
def log_out(request: Request, studio: Here) -> Response:
    """Log somebody out; whoever is not logged in is so already."""
    studio.accounts.log_out(read_cookie(request, SESSION))
    return _logged_out(request, go(request, "/login", said="logged_out"))


@members.get("/account")
def show_account(request: Request, studio: Here) -> Response:
    """Show sessions, and the forms to change the password and to leave."""
    return _account_page(request, studio)


@members.post("/account/sessions/{login_id}/end")
def end_session(request: Request, studio: Here, who: Who, login_id: int) -> Response:
    """End one's session in another browser."""
    studio.accounts.revoke(who.person.id, login_id)
    return go(request, "/account", said="session")


@members.post("/account/password")
async def change_password(request: Request, studio: Here, who: Who, form: Filled) -> Response:
    """Change one's password."""
    say, shown = say_to(request), Form(errors=_missing(request, form, "current"))
    shown.errors.update(_faults(request, form, who.person.name))
    if shown.is_wrong:
        return _account_page(request, studio, 422, password_form=shown)
    try:
        await studio.hashing(
            studio.accounts.change_password,
            who.person.id,
            form["current"],
            form["password"],
            login_id=who.login_id,
            address=_address(request),
        )
    except StudioError as error:
        _tell_password(shown, "current", error, say)
        return _retry(error, _account_page(request, studio, _status(error), password_form=shown))
    return go(request, "/account", said="password")


@members.post("/account/delete")
async def delete_account(request: Request, studio: Here, who: Who, form: Filled) -> Response:
    """Delete one's account, and all that is one's own."""
    say, shown = say_to(request), Form(errors=_missing(request, form, "own_password"))
    if form.get("sure") != "yes":
        shown.errors["sure"] = say("error.sure")
    if shown.is_wrong:
        return _account_page(request, studio, 422, delete_form=shown)
    try:
        leave, id_ = studio.accounts.delete, who.person.id
        await studio.hashing(leave, id_, form["own_password"], address=_address(request))
    except StudioError as error:
        _tell_password(shown, "own_password", error, say)
        return _retry(error, _account_page(request, studio, _status(error), delete_form=shown))
    return _logged_out(request, go(request, "/login", said="deleted"))


async def _enter(request: Request, studio: Studio, name: str, password: str) -> Entry:
    """Begin a session with a new token; the one that this browser had ends."""
    return await studio.hashing(
        studio.accounts.log_in,
        "".join(letter for letter in name if letter.isprintable()),
        password,
        address=_address(request),
        agent=request.headers.get("user-agent", ""),
        old_token=read_cookie(request, SESSION),
    )


def _logged_in(request: Request, entry: Entry, response: Response) -> Response:
    drop_cookies(response, request, [VISIT])
    set_cookie(response, request, SESSION, entry.token, LONGEST_DAYS * _DAY_S)
    return response


def _logged_out(request: Request, response: Response) -> Response:
    drop_cookies(response, request, [SESSION])
    return response


def _login_page(request: Request, studio: Studio, form: Form, onward: str, status: int = 200) -> Response:
    may_register = studio.settings.get(REGISTRATION) == "open"
    status = 422 if form.is_wrong and status == 200 else status
    return studio.pages.show(request, "login", status, form=form, next=local_path(onward), may_register=may_register)


def _register_page(request: Request, studio: Studio, form: Form, invitation: str, status: int = 200) -> Response:
    is_first = not studio.accounts.has_people()
    invitation = invitation[:200]
    return studio.pages.show(
        request,
        "register",
        422 if form.is_wrong and status == 200 else status,
        form=form,
        invitation=invitation,
        is_first=is_first,
        may_register=is_first or bool(invitation) or studio.settings.get(REGISTRATION) == "open",
        least=SHORTEST_PASSWORD,
    )


def _account_page(
    request: Request,
    studio: Studio,
    status: int = 200,
    *,
    password_form: Form | None = None,
    delete_form: Form | None = None,
) -> Response:
    return studio.pages.show(
        request,
        "account",
        status,
        sessions=_sessions(request, studio),
        password_form=password_form or Form(),
        delete_form=delete_form or Form(),
        least=SHORTEST_PASSWORD,
    )


def _sessions(request: Request, studio: Studio) -> list[dict[str, Any]]:
    who, say = visitor_of(request), say_to(request)
    assert who is not None  # noqa: S101 - a member's route
    sessions = []
    for login in studio.accounts.logins(who.person.id):
        named = device(login.agent)
        known = say("sessions.device", browser=named[0], system=named[1]) if named else say("sessions.unknown")
        sessions.append({**vars(login), "device": known, "is_this": login.id == who.login_id})
    return sessions


def _missing(request: Request, form: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return what is wrong with fields that are not filled in."""
    return {name: say_to(request)("error.needed") for name in names if not form.get(name, "").strip()}


def _faults(request: Request, form: Mapping[str, str], name: str) -> dict[str, str]:
    """Return what is wrong with a name, and with a password that was typed twice."""
    say, password, errors = say_to(request), form.get("password", ""), {}
    try:
        clean_name(name)
    except StudioError:
        errors["name"] = say("error.name")
    try:
        check_password(password, name)
    except StudioError:
        is_short = len(password) < SHORTEST_PASSWORD
        errors["password"] = say("error.short", least=SHORTEST_PASSWORD) if is_short else say("error.password")
    if password != form.get("again", ""):
        errors["again"] = say("error.again")
    return errors


def _tell_password(form: Form, field: str, error: StudioError, say: Any) -> None:
    if error.code == "wrong":
        form.errors[field] = say("error.wrong_password")
    else:
        form.problem = say(f"error.{_problem(error)}")


def _problem(error: StudioError) -> str:
    """Return the text for what was refused.

    Raises:
        StudioError: it is nothing that the form's page should tell.
    """
    if error.code not in _PROBLEMS:
        raise error
    return _PROBLEMS[error.code]


def _status(error: StudioError) -> int:
    return {"too_many": 429, "forbidden": 403, "taken": 409}.get(error.code, 422)


def _retry(error: StudioError, response: Response) -> Response:
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""

"""Who may ask for what: every route is one of these three kinds, and nothing else is a route of the studio.

A route of `open_router` is for everybody, one of `member_router` for those who are logged in, one of `admin_router` for
admins. Before any of them runs, the visitor is known, and what changes something has proven to come from a page of
the studio, and of this session.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from ademan.studio.data.accounts import Visitor
from ademan.studio.web.errors import WebError
from ademan.studio.web.pages import visitor_of
from ademan.studio.web.parts import Studio
from ademan.studio.web.security import (
    SAFE_METHODS,
    SESSION,
    TOKEN_FIELD,
    TOKEN_HEADER,
    check_token,
    read_cookie,
    visit_of,
)

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 200


class OpenRoute(APIRoute):
    """For everybody."""

    needs: ClassVar[str] = ""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers: the route's function, behind the guard."""
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await admit(request, self.needs)
            return await answer(request)

        return guarded


class MemberRoute(OpenRoute):
    """For those who are logged in."""

    needs = "member"


class AdminRoute(OpenRoute):
    """For admins."""

    needs = "admin"


def open_router() -> APIRouter:
    """Return a router whose routes are for everybody."""
    return APIRouter(route_class=OpenRoute, default_response_class=Response)


def member_router() -> APIRouter:
    """Return a router whose routes are for those who are logged in."""
    return APIRouter(route_class=MemberRoute)


def admin_router() -> APIRouter:
    """Return a router whose routes are for admins."""
    return APIRouter(route_class=AdminRoute)


async def admit(request: Request, needs: str) -> None:
    """Find out who asks, and let them in or not.

    Raises:
        WebError: 'signed_out', 'forbidden' or 'stale'.
    """
    await recognise(request)
    visitor = visitor_of(request)
    if needs and visitor is None:
        raise WebError("signed_out", "log in first.")
    if needs == "admin" and visitor is not None and not visitor.person.is_admin:
        raise WebError("forbidden", "only admins may do this.")
    if request.method not in SAFE_METHODS:
        request.state.form = await _read_form(request)
        given = request.headers.get(TOKEN_HEADER) or request.state.form.get(TOKEN_FIELD, "")
        check_token(given, request.state.token)


async def recognise(connection: HTTPConnection) -> Visitor | None:
    """Find out who is logged in, by the cookie of the session; also for a WebSocket, whose origin the gate has checked.

    Afterwards `connection.state` has visitor, visit (if there is no visitor) and token.
    """
    state, studio = connection.state, studio_of(connection)
    if not hasattr(state, "token"):
        token = read_cookie(connection, SESSION)
        state.visitor = await asyncio.to_thread(studio.accounts.find, token) if token else None
        state.visit = None if state.visitor else visit_of(connection, studio.secret)
        state.token = state.visitor.csrf if state.visitor else state.visit.token
    return visitor_of(connection)


def studio_of(connection: HTTPConnection) -> Studio:
    """Return what the application is made of."""
    studio: Studio = connection.app.state.studio
    return studio


def _visitor(request: Request) -> Visitor:
    visitor = visitor_of(request)
    if visitor is None:
        raise WebError("signed_out", "log in first.")
    return visitor


def _form(request: Request) -> Mapping[str, str]:
    form: Mapping[str, str] = getattr(request.state, "form", {})
    return form


Here = Annotated[Studio, Depends(studio_of)]
"""What the application is made of: `def page(request: Request, studio: Here) -> Response`."""
Who = Annotated[Visitor, Depends(_visitor)]
"""Whoever is logged in."""
Filled = Annotated[Mapping[str, str], Depends(_form)]
"""The fields of the form that was sent."""


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; nothing if the body is none, which then has its token in a header.

    Raises:
        WebError: 'bad', it cannot be read.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    body = await request.body()
    try:
        return dict(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        )
    except ValueError as error:  # UnicodeError is one, too
        raise WebError("bad", f"the form cannot be read: {error}.") from error

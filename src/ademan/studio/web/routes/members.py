"""Members: for admins; roles, accounts, invitations, and whether everybody may register."""

from fastapi import Request, Response

from ademan.studio.data.settings import REGISTRATION
from ademan.studio.web.errors import WebError
from ademan.studio.web.guard import Filled, Here, Who, admin_router
from ademan.studio.web.pages import Form, go, say_to
from ademan.studio.web.parts import Studio

router = admin_router()


@router.get("/members")
def show_members(request: Request, studio: Here, who: Who) -> Response:
    """Show everybody, and the invitations that are open."""
    return _page(request, studio, who.person.id)


@router.post("/members/invitations")
def invite(request: Request, studio: Here, who: Who, form: Filled) -> Response:
    """Make an invitation, and show its link this once."""
    token = studio.members.invite(who.person.id, form.get("role", "member"))
    link = str(request.url.replace(path="/register", query=f"invitation={token}"))
    return _page(request, studio, who.person.id, link)


@router.post("/members/invitations/{invitation_id}/withdraw")
def withdraw(request: Request, studio: Here, who: Who, invitation_id: int) -> Response:
    """Take an invitation back."""
    studio.members.withdraw(who.person.id, invitation_id)
    return go(request, "/members", said="invitation")


@router.post("/members/registration")
def set_registration(request: Request, studio: Here, form: Filled) -> Response:
    """Choose whether everybody may register."""
    studio.settings.set(REGISTRATION, form.get("registration", ""))
    return go(request, "/members", said="registration")


@router.get("/members/{user_id}")
def show_member(request: Request, studio: Here, who: Who, user_id: int) -> Response:
    """Show one person, and what can be done for them."""
    return _member_page(request, studio, who.person.id, user_id)


@router.post("/members/{user_id}/role")
def set_role(request: Request, studio: Here, who: Who, user_id: int, form: Filled) -> Response:
    """Make somebody an admin or a member."""
    studio.members.set_role(who.person.id, user_id, form.get("role", ""))
    return go(request, f"/members/{user_id}", said="role")


@router.post("/members/{user_id}/active")
def set_active(request: Request, studio: Here, who: Who, user_id: int, form: Filled) -> Response:
    """Close somebody's account, or open it again."""
    studio.members.set_active(who.person.id, user_id, active=form.get("active") == "yes")
    return go(request, f"/members/{user_id}", said="member")


@router.post("/members/{user_id}/password")
async def new_password(request: Request, studio: Here, who: Who, user_id: int) -> Response:
    """Give somebody a new password, and show it this once."""
    password = await studio.hashing(studio.members.new_password, who.person.id, user_id)
    return _member_page(request, studio, who.person.id, user_id, password=password)


@router.post("/members/{user_id}/delete")
def remove(request: Request, studio: Here, who: Who, user_id: int, form: Filled) -> Response:
    """Delete somebody's account, and all that is theirs."""
    if form.get("sure") != "yes":
        wrong = Form(errors={"sure": say_to(request)("error.sure")})
        return _member_page(request, studio, who.person.id, user_id, form=wrong)
    studio.members.remove(who.person.id, user_id)
    return go(request, "/members", said="removed")


def _page(request: Request, studio: Studio, by: int, link: str = "") -> Response:
    return studio.pages.show(
        request,
        "members",
        members=studio.members.all(by),
        invitations=studio.members.invitations(by),
        registration_open=studio.settings.get(REGISTRATION) == "open",
        link=link,
    )


def _member_page(
    request: Request, studio: Studio, by: int, user_id: int, *, password: str = "", form: Form | None = None
) -> Response:
    form = form or Form()
    member = next((member for member in studio.members.all(by) if member.person.id == user_id), None)
    if member is None:
        raise WebError("gone", "this account is not there, or no longer.")
    more = {"member": member, "password": password, "form": form, "here": "members"}
    return studio.pages.show(request, "member", 422 if form.is_wrong else 200, **more)

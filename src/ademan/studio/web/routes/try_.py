"""Try: a gesture before the camera, and what the live model takes it for."""

from fastapi import Request, Response

from ademan.studio.web.guard import Here, member_router

router = member_router()


@router.get("/try")
def try_out(request: Request, studio: Here) -> Response:
    """Show the page."""
    return studio.pages.show(request, "try")

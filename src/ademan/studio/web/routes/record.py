"""Record: clips of gestures, before the camera."""

from fastapi import Request, Response

from ademan.studio.web.guard import Here, member_router

router = member_router()


@router.get("/record")
def record(request: Request, studio: Here) -> Response:
    """Show the page."""
    return studio.pages.show(request, "record")

"""Models: versions, how good they are, and which one is live."""

from fastapi import Request, Response

from ademan.studio.web.guard import Here, member_router

router = member_router()


@router.get("/models")
def models(request: Request, studio: Here) -> Response:
    """Show the page."""
    return studio.pages.show(request, "models")

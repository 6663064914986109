"""My clips: named anew, downloaded, deleted."""

from fastapi import Request, Response

from ademan.studio.web.guard import Here, member_router

router = member_router()


@router.get("/clips")
def clips(request: Request, studio: Here) -> Response:
    """Show the page."""
    return studio.pages.show(request, "clips")

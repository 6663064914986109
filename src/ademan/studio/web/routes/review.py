"""Review: clips accepted or left out."""

from fastapi import Request, Response

from ademan.studio.web.guard import Here, admin_router

router = admin_router()


@router.get("/review")
def review(request: Request, studio: Here) -> Response:
    """Show the page."""
    return studio.pages.show(request, "review")

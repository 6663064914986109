"""Figures: what was recognised, how surely and how fast."""

from fastapi import Request, Response

from ademan.studio.web.guard import Here, member_router

router = member_router()


@router.get("/figures")
def figures(request: Request, studio: Here) -> Response:
    """Show the page."""
    return studio.pages.show(request, "figures")

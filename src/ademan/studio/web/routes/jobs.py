"""Jobs: trainings that wait, run and ended."""

from fastapi import Request, Response

from ademan.studio.web.guard import Here, member_router

router = member_router()


@router.get("/jobs")
def jobs(request: Request, studio: Here) -> Response:
    """Show the page."""
    return studio.pages.show(request, "jobs")
